"""Per-answer scores to means with standard errors, a model and a set at a time."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from s2.evaluate.metrics import BERTSCORE, READABILITY, ROUGE, TOXICITY, AnswerMetric
from s2.kernel.stats import mean_and_se
from s2.params.evaluate import ALL_SETS
from s2.quality.readability import count_words

Rows = list[dict[str, Any]]

SCORES = [*ROUGE, *BERTSCORE, *READABILITY, *TOXICITY]
MEANS = [*SCORES, "ended", "words"]
SCORED = pa.schema(
    [
        *((name, pa.string()) for name in ("set", "id", "prompt", "reference", "answer")),
        ("tokens", pa.int64()),
        ("ended", pa.bool_()),
        ("words", pa.int64()),
        *((name, pa.float64()) for name in SCORES),
    ]
)


def score_answers(rows: Rows, metrics: Sequence[AnswerMetric]) -> Rows:
    """Rows of `set`, `id`, `answer`, `reference`, `ended` and `tokens` with every score added.

    Scores are of the answer alone; one that an answer does not have is None.
    """
    texts = {
        "predictions": [row["answer"] for row in rows],
        "references": [row["reference"] for row in rows],
    }
    columns: dict[str, list[float | None]] = {}
    for metric in metrics:
        wanted = {name: texts[name] for name in metric.columns}
        columns |= metric.compute(use_aggregator=False, **wanted)
    scores = (dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True))
    return [
        row | {"words": count_words(row["answer"])} | score
        for row, score in zip(rows, scores, strict=True)
    ]


def summarise(rows: Rows) -> dict[str, dict[str, float]]:
    """For each set, and for all of them together (a row that stands in several counts once): `n`, the
    number of empty answers, and each mean with its standard error (`<name>_se`). A mean of nothing is
    left out."""
    sets = dict.fromkeys(row["set"] for row in rows)
    found = {name: _summary([row for row in rows if row["set"] == name]) for name in sets}
    once = {row["id"]: row for row in rows}
    return found | {ALL_SETS: _summary(list(once.values()))}


def _summary(rows: Rows) -> dict[str, float]:
    summary: dict[str, float] = {
        "n": len(rows),
        "empty": sum(not row["answer"].strip() for row in rows),
    }
    for name in MEANS:
        values = [float(row[name]) for row in rows if row[name] is not None]
        if values:
            mean, error = mean_and_se(values)
            summary |= {name: round(mean, 4), f"{name}_se": round(error, 4)}
    return summary
