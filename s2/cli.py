"""The `s2` command: its signatures. Each command's work is in a module of its own in `s2.commands`,
imported when it is called, so that `s2 --help` is quick."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from s2.kernel.errors import S2Error

app = typer.Typer(
    help="Simple, safe language models: one reproducible graph from raw dumps to scored models. "
    "Build it with `dvc repro`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def use(
    profile: Annotated[str, typer.Argument(help="Name of a file in profiles/, such as sample.")],
) -> None:
    """Write a profile to params.yaml, whole; what was there is kept as params.yaml.orig."""
    from s2.commands.use import use

    use(profile)


@app.command()
def stale(
    stage: Annotated[
        list[str] | None, typer.Argument(help="Stages; all by default. What they need is told too.")
    ] = None,
) -> None:
    """Say which stages the next `dvc repro` would run, and why, without running any."""
    from s2.commands.stale import stale

    stale(stage or [])


@app.command()
def leaderboard(
    set_name: Annotated[
        str, typer.Option("--set", help="A set of evaluate.sets; all by default.")
    ] = "all",
) -> None:
    """Print our models' scores, and the published ones under them."""
    from s2.commands.leaderboard import leaderboard

    leaderboard(set_name)


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="What you want to know.")],
    model: Annotated[
        str | None, typer.Option(help="A model of evaluate.models; the last one by default.")
    ] = None,
) -> None:
    """Ask a model that the graph has built."""
    from s2.commands.ask import ask

    ask(question, model)


@app.command()
def score(
    file: Annotated[Path, typer.Argument(help="A CSV, JSONL or Parquet file.")],
    text: Annotated[str, typer.Option(help="The column that holds the texts.")],
    reference: Annotated[
        str | None, typer.Option(help="The column to compare them with, for rouge and bertscore.")
    ] = None,
    metrics: Annotated[
        str, typer.Option(help="Any of readability, toxicity, rouge, bertscore, parted by commas.")
    ] = "readability,toxicity",
    readability: Annotated[str, typer.Option(help="report or cmudict.")] = "report",
    definition: Annotated[
        str,
        typer.Option(help="Of ROUGE: ours (Porter's stemmer, a sentence a line) or published (neither)."),
    ] = "ours",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Score anybody's texts: mean, standard error and n of each metric.

    Toxicity is scored by the model that params.yaml names, BERTScore by its encoder in
    models/bertscore. The published scores are of prompt and answer together: name columns that hold
    both.
    """
    from s2.commands.score import score

    score(file, text, reference, metrics, readability, definition, as_json)


@app.command()
def why(
    row_id: Annotated[str, typer.Argument(metavar="ID", help="t1_…, t3_…, wiki_… or as in a dump.")],
) -> None:
    """Tell the story of one row: its place in a dump, each gate's verdict, its purpose, its datasets."""
    from s2.commands.why import why

    why(row_id)


def main() -> None:
    """Run the command; an `S2Error` is told in one line."""
    try:
        app()
    except S2Error as error:
        sys.exit(f"error: {error}")
