"""The `s2` command: its signatures. Each command's work is in a module of its own in `s2.commands`,
imported when it is called, so that `s2 --help` is quick."""

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from s2.kernel.errors import S2Error
from s2.kernel.paths import enter_repository

app = typer.Typer(
    help="Simple, safe language models: one reproducible graph from raw dumps to scored models. "
    "Build it with `dvc repro`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


cache = typer.Typer(help="What is kept in .s2/cache: replies, scores, answers.", no_args_is_help=True)
app.add_typer(cache, name="cache")

Temperature = Annotated[float | None, typer.Option(help="0 is greedy; params.yaml says the default.")]
TopP = Annotated[float | None, typer.Option(help="Share of probability to sample from.")]
MaxTokens = Annotated[int | None, typer.Option(help="Longest answer.")]
Seed = Annotated[int | None, typer.Option(help="Of sampling.")]
Model = Annotated[str | None, typer.Option(help="A model of evaluate.models; the last one by default.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"s2 {version('s2')}")
        raise typer.Exit


@app.callback()
def options(
    show_version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Say the version.")
    ] = False,
) -> None:
    """What holds for all commands."""


@app.command()
def use(
    profile: Annotated[str, typer.Argument(help="Name of a file in profiles/, such as sample.")],
) -> None:
    """Write a profile to params.yaml, whole; what was there is kept as params.yaml.orig."""
    from s2.commands.use import use

    enter_repository()
    use(profile)


@app.command()
def stale(
    stage: Annotated[
        list[str] | None, typer.Argument(help="Stages; all by default. What they need is told too.")
    ] = None,
) -> None:
    """Say which stages the next `dvc repro` would run, and why, without running any."""
    from s2.commands.stale import stale

    enter_repository()
    stale(stage or [])


@app.command()
def leaderboard(
    set_name: Annotated[
        str, typer.Option("--set", help="A set of evaluate.sets; all by default.")
    ] = "all",
    speed: Annotated[
        bool, typer.Option("--speed", help="How fast stages ran here, and their peak memory, instead.")
    ] = False,
) -> None:
    """Print our models' scores, and the published ones under them."""
    from s2.commands.leaderboard import leaderboard, speeds

    enter_repository()
    speeds() if speed else leaderboard(set_name)


@app.command()
def report() -> None:
    """Open the report that the graph has built: scores, charts, every model's answers side by side."""
    from s2.commands.report import report

    enter_repository()
    report()


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="What you want to know.")],
    model: Model = None,
    temperature: Temperature = None,
    top_p: TopP = None,
    max_tokens: MaxTokens = None,
    seed: Seed = None,
) -> None:
    """Ask a model that the graph has built."""
    from s2.commands.ask import Wishes, ask

    enter_repository()
    ask(question, model, Wishes(temperature, top_p, max_tokens, seed))


@app.command()
def chat(
    model: Model = None,
    temperature: Temperature = None,
    top_p: TopP = None,
    max_tokens: MaxTokens = None,
    seed: Seed = None,
) -> None:
    """Talk with a model that the graph has built, turn by turn."""
    from s2.commands.ask import Wishes, chat

    enter_repository()
    chat(model, Wishes(temperature, top_p, max_tokens, seed))


@app.command()
def score(
    file: Annotated[Path, typer.Argument(help="A CSV, TSV, JSONL or Parquet file.")],
    text: Annotated[str, typer.Option(help="The column that holds the texts.")],
    reference: Annotated[
        str | None, typer.Option(help="The column to compare them with, for rouge and bertscore.")
    ] = None,
    metrics: Annotated[
        str,
        typer.Option(help="Any of readability, toxicity, rouge, bertscore, rating, parted by commas."),
    ] = "readability,toxicity",
    readability: Annotated[str, typer.Option(help="report or cmudict.")] = "report",
    definition: Annotated[
        str,
        typer.Option(help="Of ROUGE: ours (Porter's stemmer, a sentence a line) or published (neither)."),
    ] = "ours",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    rows: Annotated[
        Path | None, typer.Option(help="Write each row's scores to this .csv, .tsv, .jsonl or .parquet.")
    ] = None,
) -> None:
    """Score anybody's texts: mean, standard error and n of each metric.

    rating is the last number in double square brackets of a judge's reply, and unparsed the share of
    replies without one.

    Toxicity is scored by the model that params.yaml names, BERTScore by its encoder in
    models/bertscore. The published scores are of prompt and answer together: name columns that hold
    both.
    """
    from s2.commands.score import Scoring, score

    here = enter_repository()
    wanted = Scoring(text, reference, metrics, readability, definition)
    score(here / file, wanted, as_json, here / rows if rows else None)


@app.command()
def compare(
    a: Annotated[str, typer.Argument(help="A revision or experiment, or MODEL@REVISION.")] = "HEAD",
    b: Annotated[
        str | None, typer.Argument(help="As A; MODEL@ is the workspace's, as is nothing.")
    ] = None,
    set_name: Annotated[str, typer.Option("--set", help="A set of evaluate.sets.")] = "all",
    metric: Annotated[
        str, typer.Option(help="Whose largest gains and losses are shown as texts.")
    ] = "rougeL",
    examples: Annotated[int, typer.Option(min=0, help="Texts of each.")] = 2,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    fail_on: Annotated[
        str | None,
        typer.Option(
            metavar="worse",
            help="Exit with 1 if a verdict is worse, or models or examples of A are missing.",
        ),
    ] = None,
) -> None:
    """Say whether answers of B are better or worse than those of A, or within noise.

    Answers to the same examples are compared, one by one: the 95 % interval is by bootstrap, p by sign
    flips, both over questions; "finds" is the smallest difference that would be found four times in
    five.
    """
    from s2.commands.compare import Wanted
    from s2.commands.compare import compare as compare_sides

    if fail_on not in (None, "worse"):
        raise S2Error(f"--fail-on: no {fail_on!r}; there is: worse")
    enter_repository()
    failed = compare_sides(a, b, Wanted(set_name, metric, examples), as_json)
    if failed and fail_on:
        raise typer.Exit(1)


@app.command()
def sheet(
    out: Annotated[Path, typer.Argument(help="A new folder for the sheets and their key.")],
    models: Annotated[
        str | None, typer.Option(help="Of evaluate.models, parted by commas; all by default.")
    ] = None,
    questions: Annotated[int, typer.Option(min=1, help="How many, each with every model's answer.")] = 20,
    seed: Annotated[int, typer.Option(help="Of the choice and the order.")] = 0,
) -> None:
    """Write answers for people to rate, blind and shuffled: a CSV, and a form that works offline."""
    from s2.commands.sheets import sheet

    here = enter_repository()
    sheet(here / out, models, questions, seed)


@app.command()
def ratings(
    out: Annotated[Path, typer.Argument(help="The folder that `s2 sheet` wrote.")],
    sheets: Annotated[list[Path], typer.Argument(help="Filled sheets, one a rater.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what raters found: violations by majority, mean ratings, wins, and how far they agree."""
    from s2.commands.sheets import ratings

    here = enter_repository()
    ratings(here / out, [here / path for path in sheets], as_json)


@app.command()
def why(
    row_id: Annotated[str, typer.Argument(metavar="ID", help="t1_…, t3_…, wiki_… or as in a dump.")],
) -> None:
    """Tell the story of one row: its text, its place in a dump, each gate's verdict, its datasets."""
    from s2.commands.why import why

    enter_repository()
    why(row_id)


@app.command()
def clean(
    days: Annotated[float, typer.Option(help="Only what was not written to for so many days.")] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and keep it.")] = False,
) -> None:
    """Remove what interrupted trainings left in .s2/checkpoints; they would then begin anew."""
    from s2.commands.clean import clean

    enter_repository()
    clean(days, dry_run)


@cache.command(name="show")
def show() -> None:
    """Say what is kept."""
    from s2.commands.cache import show

    enter_repository()
    show()


@cache.command(name="forget")
def forget(
    name: Annotated[str, typer.Argument(help="As `s2 cache show` names it, such as unusable.")],
) -> None:
    """Forget one kind, so that it is asked or computed again."""
    from s2.commands.cache import forget

    enter_repository()
    forget(name)


def main() -> None:
    """Run the command; an `S2Error` is told in one line."""
    try:
        app()
    except S2Error as error:
        sys.exit(f"error: {error}")
