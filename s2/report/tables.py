"""The leaderboard: our means, and the published ones under them."""

import csv
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from s2.params.data import Dataset
from s2.params.evaluate import ALL_SETS

PUBLISHED = Path(__file__).parent / "published"
COLUMNS = {
    "rouge1": "ROUGE-1",
    "rouge2": "ROUGE-2",
    "rougeL": "ROUGE-L",
    "rougeLsum": "ROUGE-Lsum",
    "bertscore_f1": "BERTScore F1",
    "ease": "FRE",
    "grade": "FKG",
    "toxicity": "toxicity",
    "ended": "ended",
}

HEADLINE = ["rougeL", "ease", "grade", "toxicity", "ended"]
LOSSES = ["eval_loss", "base_eval_loss"]

Board = dict[str, dict[str, dict[str, float]]]

_FILES = {
    "rouge_256.csv": {name: name for name in ("rouge1", "rouge2", "rougeL", "rougeLsum")},
    "bertscore_256.csv": {
        "Precision": "bertscore_precision",
        "Recall": "bertscore_recall",
        "F1": "bertscore_f1",
    },
    "readability_256.csv": {"FRE": "ease", "FKG": "grade"},
}


def alike(datasets: Mapping[str, Dataset], subreddits: Collection[str]) -> dict[str, list[str]]:
    """For each published set the declared datasets that take the same: whole sources, no parts."""
    whole = {
        name: set(dataset.sources())
        for name, dataset in datasets.items()
        if dataset.rows is None
        and (not isinstance(dataset.reddit, list) or set(dataset.reddit) == set(subreddits))
    }
    with (PUBLISHED / "sets.csv").open(newline="", encoding="utf-8") as stream:
        return {
            row["Dataset"]: [
                name
                for name, sources in whole.items()
                if sources == {source for source in ("reddit", "wiki") if row[source] == "yes"}
            ]
            for row in csv.DictReader(stream)
        }


def published(names: Mapping[str, Sequence[str]]) -> Board:
    """The published means: model → set → metric → value, under the names of the sets that are like
    the published ones."""
    board: Board = {}
    for file, columns in _FILES.items():
        with (PUBLISHED / file).open(newline="", encoding="utf-8") as stream:
            for row in csv.DictReader(stream):
                model = row["Model"].removesuffix("-hf")
                for name in names[row["Dataset"]]:
                    scores = board.setdefault(model, {}).setdefault(name, {})
                    scores |= {ours: float(row[theirs]) for theirs, ours in columns.items()}
    return board


def leaderboard(ours: Board, names: Mapping[str, Sequence[str]]) -> dict[str, Board]:
    """The content of leaderboard.json: `ours` and `published`, each model → set → metric."""
    sets = {
        model: {name: found[name] for name in found if name != ALL_SETS} for model, found in ours.items()
    }
    return {"ours": sets, "published": published(names)}


def headline(ours: Board, trained: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """The few numbers by which runs are compared: of each model its means over all sets together, and
    of each trained one its losses on its own validation rows."""
    means = {model: _picked(found[ALL_SETS], HEADLINE) for model, found in ours.items()}
    losses = {f"{model} (training)": _picked(found, LOSSES) for model, found in trained.items()}
    return means | losses


def _picked(scores: Mapping[str, float], names: Sequence[str]) -> dict[str, float]:
    wanted = [name for mean in names for name in (mean, f"{mean}_se")]
    return {name: scores[name] for name in wanted if name in scores}


def render(board: Mapping[str, Board], set_name: str) -> Table:
    """A set's table: a row a model, each mean with its standard error where it is known."""
    table = Table(title=f"answers on the validation set {set_name}", title_justify="left")
    table.add_column("model")
    table.add_column("n", justify="right")
    for title in COLUMNS.values():
        table.add_column(title, justify="right")
    for group, models in board.items():
        for model, sets in models.items():
            name = model if group == "ours" else f"{model} (published)"
            scores = sets.get(set_name, {})
            count = f"{scores['n']:.0f}" if "n" in scores else "–"
            table.add_row(name, count, *(_cell(scores, column) for column in COLUMNS))
        table.add_section()
    return table


def wide_console() -> Console:
    """The terminal, or lines wide enough for every column."""
    console = Console()
    return console if console.is_terminal else Console(width=180)


def _cell(scores: Mapping[str, float], column: str) -> str:
    if column not in scores:
        return "–"
    digits = 1 if column in {"ease", "grade"} else 3
    value = f"{scores[column]:.{digits}f}"
    error = scores.get(f"{column}_se")
    return value if error is None else f"{value} ±{error:.{digits}f}"
