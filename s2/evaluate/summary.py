"""Per-answer scores to means with standard errors, a model and a set at a time."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from s2.cache import ContentCache
from s2.evaluate.overlap import BERTSCORE, ROUGE, bertscore, rouge
from s2.evaluate.stats import mean_and_se
from s2.params import Evaluate
from s2.quality.readability import Readability, count_words
from s2.quality.toxicity import ToxicityScorer, score_texts

Rows = list[dict[str, Any]]

MEANS = [*ROUGE, *BERTSCORE, "ease", "grade", "toxicity", "ended", "words"]
SCORED = pa.schema(
    [
        *((name, pa.string()) for name in ("set", "id", "prompt", "reference", "answer")),
        ("tokens", pa.int64()),
        ("ended", pa.bool_()),
        ("words", pa.int64()),
        *((name, pa.float64()) for name in MEANS if name not in {"ended", "words"}),
    ]
)


def score_answers(
    rows: Rows,
    readability: Callable[[str], Readability],
    toxicity: ToxicityScorer,
    cache: ContentCache,
    encoder: Path,
    evaluate: Evaluate,
) -> Rows:
    """Rows of `set`, `id`, `answer`, `reference`, `ended` and `tokens` with every score added.

    Readability is that of the answer alone, and None for an answer without words.
    """
    answers = [row["answer"] for row in rows]
    references = [row["reference"] for row in rows]
    overlaps = rouge(answers, references)
    similar = bertscore(answers, references, encoder, evaluate.bertscore_layer, evaluate.batch_size)
    toxic = [scores for scores, _ in score_texts(toxicity, answers, cache)]
    return [
        row | overlap | likeness | _read(row["answer"], readability) | {"toxicity": max(labels.values())}
        for row, overlap, likeness, labels in zip(rows, overlaps, similar, toxic, strict=True)
    ]


def _read(answer: str, readability: Callable[[str], Readability]) -> dict[str, Any]:
    words = count_words(answer)
    scores = readability(answer) if words else None
    return {
        "words": words,
        "ease": scores.ease if scores else None,
        "grade": scores.grade if scores else None,
    }


def summarise(rows: Rows, sets: Sequence[str]) -> dict[str, dict[str, float]]:
    """For each set: `n`, the number of empty answers, and each mean with its standard error
    (`<name>_se`). A mean of nothing is left out."""
    return {name: _summary([row for row in rows if row["set"] == name]) for name in sets}


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
