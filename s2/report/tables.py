"""The leaderboard: our means, and the published ones under them."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

PUBLISHED = Path(__file__).parent / "published"
SETS = {"ELI5": "eli5", "wiki": "wiki", "full": "eli5-wiki"}
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


def published() -> Board:
    """The published means: model → set → metric → value."""
    board: Board = {}
    for file, columns in _FILES.items():
        with (PUBLISHED / file).open(newline="", encoding="utf-8") as stream:
            for row in csv.DictReader(stream):
                model = row["Model"].removesuffix("-hf")
                scores = board.setdefault(model, {}).setdefault(SETS[row["Dataset"]], {})
                scores |= {ours: float(row[theirs]) for theirs, ours in columns.items()}
    return board


def leaderboard(ours: Mapping[str, Any]) -> dict[str, Board]:
    """The content of leaderboard.json: `ours` and `published`, each model → set → metric."""
    return {"ours": dict(ours), "published": published()}


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


def _cell(scores: Mapping[str, float], column: str) -> str:
    if column not in scores:
        return "–"
    digits = 1 if column in {"ease", "grade"} else 3
    value = f"{scores[column]:.{digits}f}"
    error = scores.get(f"{column}_se")
    return value if error is None else f"{value} ±{error:.{digits}f}"
