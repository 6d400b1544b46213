"""The published figures, each with what it is of: token limit, training data with or without edits,
and where it was published."""

import csv
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from s2.params.data import Dataset

FOLDER = Path(__file__).parent / "published"

_COLUMNS = {
    "rouge": {name: name for name in ("rouge1", "rouge2", "rougeL", "rougeLsum")},
    "bertscore": {
        "Precision": "bertscore_precision",
        "Recall": "bertscore_recall",
        "F1": "bertscore_f1",
    },
    "readability": {"FRE": "ease", "FKG": "grade"},
}


def alike(datasets: Mapping[str, Dataset], subreddits: Collection[str]) -> dict[str, list[str]]:
    """For each published set the declared datasets that take the same: whole sources, no parts."""
    whole = {
        name: set(dataset.sources())
        for name, dataset in datasets.items()
        if dataset.rows is None
        and (not isinstance(dataset.reddit, list) or set(dataset.reddit) == set(subreddits))
    }
    return {
        row["Dataset"]: [
            name
            for name, sources in whole.items()
            if sources == {source for source in ("reddit", "wiki") if row[source] == "yes"}
        ]
        for row in _rows("sets")
    }


def published(names: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """A row for each published model, set and token limit, under the names of the sets that are like
    the published ones: `model`, `set`, `tokens`, `edits` (whether it was trained on texts with them),
    `source`, `n`, and each mean, with its standard error (`<name>_se`) where a deviation was published.
    """
    theirs = {name.lower(): ours for name, ours in names.items()}
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for table in _rows("tables"):
        for kind, columns in _COLUMNS.items():
            for row in _rows(f"{kind}_{table['tokens']}"):
                model = row["Model"].removesuffix("-hf").replace("-wiki", "-Wiki")
                for name in theirs[row["Dataset"].lower()]:
                    about = {"model": model, "set": name, "tokens": int(table["tokens"])}
                    about |= {"edits": _edits(model), "source": table["source"], "n": int(table["rows"])}
                    key = table["tokens"], name, model
                    found.setdefault(key, about).update(_scores(row, columns, int(table["rows"])))
    return list(found.values())


def _scores(row: Mapping[str, str], columns: Mapping[str, str], count: int) -> dict[str, float]:
    scores = {ours: float(row[theirs]) for theirs, ours in columns.items()}
    for theirs, ours in columns.items():
        if f"{theirs}_sd" in row:
            scores[f"{ours}_se"] = round(float(row[f"{theirs}_sd"]) / count**0.5, 4)
    return scores


def _edits(model: str) -> str:
    """Whether the texts that a model was trained on held their authors' edits."""
    if "ELI5" not in model:
        return "–"
    return "without" if "Cleaned" in model else "with"


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (FOLDER / f"{name}.csv").open(newline="", encoding="utf-8") as stream:
        yield from csv.DictReader(stream)
