"""The `s2` command. What is heavy to import is imported inside the commands that need it."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from s2.errors import S2Error

app = typer.Typer(
    help="Simple, safe language models: one reproducible graph from raw dumps to scored models. "
    "Build it with `dvc repro`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

PROFILES = Path("profiles")
PARAMS = Path("params.yaml")


@app.command()
def use(
    profile: Annotated[str, typer.Argument(help="Name of a file in profiles/, such as sample.")],
) -> None:
    """Write a profile to params.yaml; what was there is kept as params.yaml.orig."""
    from s2.files import write_text
    from s2.params import load_params

    known = sorted(path.stem for path in PROFILES.glob("*.yaml"))
    if profile not in known:
        raise S2Error(f"there is no profile {profile!r}; there are: {', '.join(known)}")
    chosen = PROFILES / f"{profile}.yaml"
    load_params(chosen)
    text = chosen.read_text(encoding="utf-8")
    old = PARAMS.read_text(encoding="utf-8") if PARAMS.is_file() else text
    if old != text:
        write_text(PARAMS.with_suffix(".yaml.orig"), old)
    write_text(PARAMS, text)
    typer.echo(f"{PARAMS} is now the profile {profile}; `dvc repro` rebuilds what it changes")


@app.command()
def leaderboard(
    set_name: Annotated[
        str, typer.Option("--set", help="Validation set: eli5, wiki or eli5-wiki; all by default.")
    ] = "all",
) -> None:
    """Print our models' scores, and the published ones under them."""
    import json

    from rich.console import Console

    from s2.report.tables import SETS, render

    path = Path("metrics/leaderboard.json")
    if not path.is_file():
        raise S2Error(f"{path} is missing: build it with `dvc repro report`")
    names = list(SETS.values()) if set_name == "all" else [set_name]
    if not set(names) <= set(SETS.values()):
        raise S2Error(f"there is no set {set_name!r}; there are: {', '.join(SETS.values())}")
    board = json.loads(path.read_text(encoding="utf-8"))
    console = Console()
    console = console if console.is_terminal else Console(width=180)
    for name in names:
        console.print(render(board, name))


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="What you want to know.")],
    model: Annotated[str, typer.Option(help="base, eli5, wiki or eli5-wiki.")] = "eli5-wiki",
) -> None:
    """Ask a model that the graph has built."""
    folder, stage = _model(model)
    if not (folder / "config.json").is_file():
        raise S2Error(f"{folder} is not built yet: build it with `dvc repro {stage}`")
    from transformers.utils import logging

    from s2.evaluate.answers import Answerer
    from s2.params import load_params
    from s2.train.prompts import format_prompt

    logging.disable_progress_bar()
    params = load_params()
    answerer = Answerer(folder, params.answers.dtype)
    (answer,) = answerer.answer([format_prompt(question)], params.answers, params.seed)
    typer.echo(answer.text + ("" if answer.ended else " …"))


@app.command()
def score(
    file: Annotated[Path, typer.Argument(help="A CSV, JSONL or Parquet file.")],
    text: Annotated[str, typer.Option(help="The column that holds the texts.")],
    metrics: Annotated[
        str, typer.Option(help="readability, toxicity or both, parted by a comma.")
    ] = "readability,toxicity",
    readability: Annotated[str, typer.Option(help="report or cmudict.")] = "report",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Score anybody's texts: mean, standard error and n of each metric.

    Toxicity is scored by the model that params.yaml names.
    """
    import json

    from rich.console import Console
    from rich.table import Table

    from s2.cache import ContentCache
    from s2.params import load_params
    from s2.quality.score import read_texts
    from s2.quality.score import score as score_all
    from s2.quality.toxicity import make_scorer

    wanted = _choices("--metrics", metrics.split(","), ["readability", "toxicity"])
    (method,) = _choices("--readability", [readability], ["report", "cmudict"])
    toxic = make_scorer(load_params().quality.toxicity.model) if "toxicity" in wanted else None
    with ContentCache(Path(".s2/cache/toxicity.sqlite")) as cache:
        found = score_all(
            read_texts(file, text), method if "readability" in wanted else None, toxic, cache
        )
    if as_json:
        typer.echo(json.dumps({"file": str(file), "text": text} | found, indent=2))
        return
    table = Table("metric", "mean", "standard error", "n", title=f"{file}: {text}")
    for name, row in found["metrics"].items():
        table.add_row(name, str(row["mean"]), str(row["se"]), f"{row['n']:,}")
    Console().print(table)
    if found["missing"]:
        typer.echo(f"{found['missing']:,} rows without a text were left out")


@app.command()
def why(
    row_id: Annotated[str, typer.Argument(metavar="ID", help="t1_…, t3_…, wiki_… or as in a dump.")],
) -> None:
    """Tell the story of one row: its place in a dump, each gate's verdict, its purpose, its datasets."""
    from s2.params import load_params
    from s2.report.why import story

    for line in story(row_id, load_params()):
        typer.echo(line)


def _choices(option: str, given: list[str], known: list[str]) -> list[str]:
    """The given values of an option; raises `S2Error` at one that is not known."""
    for value in given:
        if value not in known:
            raise S2Error(f"{option}: there is no {value!r}; there are: {', '.join(known)}")
    return given


def _model(name: str) -> tuple[Path, str]:
    """A model's folder, and the stage that builds it."""
    if name == "base":
        return Path("models/base"), "base"
    if name not in ("eli5", "wiki", "eli5-wiki"):
        raise S2Error(f"there is no model {name!r}; there are: base, eli5, wiki, eli5-wiki")
    return Path(f"models/merged/{name}-simple"), f"merge@{name}-simple"


def main() -> None:
    """Run the command; an `S2Error` is told in one line."""
    try:
        app()
    except S2Error as error:
        sys.exit(f"error: {error}")
