"""Per-answer scores to means with standard errors, a model and a set at a time.

Scores are of the answer alone. The published ROUGE, BERTScore and readability are of prompt and answer
together; those are `published.*`, the only ones to set beside published figures.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from s2.evaluate.metrics import (
    BERTSCORE,
    READABILITY,
    REPETITION,
    ROUGE,
    TOXICITY,
    AnswerMetric,
    Columns,
)
from s2.kernel.stats import mean_and_se
from s2.params.evaluate import ALL_SETS
from s2.quality.readability import count_words

Rows = list[dict[str, Any]]

SCORES = [*ROUGE, *BERTSCORE, *READABILITY, *TOXICITY, *REPETITION]
MEANS = [*SCORES, "ended", "next_turn", "words", "tokens"]
LABEL = "toxicity."
PUBLISHED = [*ROUGE, *BERTSCORE, *READABILITY]
PREFIX = "published."


def schema(rows: Rows) -> pa.Schema:
    """Of scored rows: the labels of toxicity are a scorer's own."""
    texts = ("set", "id", "prompt", "reference", "answer")
    return pa.schema(
        [
            *((name, pa.string()) for name in texts),
            ("tokens", pa.int64()),
            ("ended", pa.bool_()),
            ("next_turn", pa.bool_()),
            ("words", pa.int64()),
            *((name, pa.float64()) for name in [*SCORES, *labels(rows)]),
            *((PREFIX + name, pa.float64()) for name in PUBLISHED),
        ]
    )


def labels(rows: Rows) -> list[str]:
    """The columns of single labels of toxicity."""
    return sorted({name for row in rows for name in row if name.startswith(LABEL)})


def score_answers(rows: Rows, metrics: Sequence[AnswerMetric], published: Sequence[AnswerMetric]) -> Rows:
    """Rows of `set`, `id`, `prompt`, `answer`, `reference` and what is told of the answer, with every
    score added: by `metrics` of the answer alone, by `published` of prompt and answer together.

    A score that an answer does not have is None.
    """
    alone = {name: [row[name] for row in rows] for name in ("answer", "reference")}
    together = {
        name: [f"{row['prompt']} {row[name]}" for row in rows] for name in ("answer", "reference")
    }
    columns = _columns(metrics, alone["answer"], alone["reference"])
    found = _columns(published, together["answer"], together["reference"])
    columns |= {PREFIX + name: values for name, values in found.items()}
    scores = (dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True))
    return [
        row | {"words": count_words(row["answer"])} | score
        for row, score in zip(rows, scores, strict=True)
    ]


def _columns(metrics: Sequence[AnswerMetric], predictions: list[str], references: list[str]) -> Columns:
    texts = {"predictions": predictions, "references": references}
    columns: Columns = {}
    for metric in metrics:
        columns |= metric.each(*(texts[name] for name in metric.columns))
    return columns


def summarise(rows: Rows) -> dict[str, dict[str, Any]]:
    """For each set, and for all of them together (a row that stands in several counts once): `n`, the
    number of empty answers, and each mean with its standard error (`<name>_se`), those by the
    published definitions under `published`. A mean of nothing is left out."""
    sets = dict.fromkeys(row["set"] for row in rows)
    found = {name: _summary([row for row in rows if row["set"] == name]) for name in sets}
    once = {row["id"]: row for row in rows}
    return found | {ALL_SETS: _summary(list(once.values()))}


def _summary(rows: Rows) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "n": len(rows),
        "empty": sum(not row["answer"].strip() for row in rows),
    }
    published = _means(rows, {name: PREFIX + name for name in PUBLISHED})
    return (
        summary
        | _means(rows, {name: name for name in [*MEANS, *labels(rows)]})
        | {"published": published}
    )


def _means(rows: Rows, columns: Mapping[str, str]) -> dict[str, float]:
    """The mean of each column and its standard error, under its name."""
    means: dict[str, float] = {}
    for name, column in columns.items():
        values = [float(row[column]) for row in rows if row[column] is not None]
        if values:
            mean, error = mean_and_se(values)
            means |= {name: round(mean, 4), f"{name}_se": round(error, 4)}
    return means
