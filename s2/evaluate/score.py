"""Scores of anybody's texts, by the same code that measures the data and the answers."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from s2.evaluate.rating import rating
from s2.kernel.cache import ContentCache
from s2.kernel.stats import mean_and_se
from s2.kernel.tables import chunked
from s2.quality.readability import scorer
from s2.quality.toxicity import ToxicityScorer, score_texts

DIGITS = 6
CHUNK = 512

# Texts and their references (empty where there is none) to the values of each text, by name.
Measure = Callable[[Sequence[str], Sequence[str]], dict[str, list[float | None]]]

# A row's number and its values.
Keep = Callable[[int, dict[str, float | None]], None]


def readability(method: str) -> Measure:
    """FRE and FKG."""
    measure = scorer(method)

    def measured(texts: Sequence[str], _: Sequence[str]) -> dict[str, list[float | None]]:
        found = [measure(text) for text in texts]
        return {"FRE": [one.ease for one in found], "FKG": [one.grade for one in found]}

    return measured


def toxicity(classifier: ToxicityScorer, cache: ContentCache) -> Measure:
    """Every label of a classifier."""

    def measured(texts: Sequence[str], _: Sequence[str]) -> dict[str, list[float | None]]:
        found = [labels for labels, _ in score_texts(classifier, texts, cache)]
        return {label: [labels[label] for labels in found] for label in classifier.labels}

    return measured


def ratings(texts: Sequence[str], _: Sequence[str]) -> dict[str, list[float | None]]:
    """The ratings that a judge's replies end with, and which replies have none."""
    found = [rating(text) for text in texts]
    return {"rating": [*found], "unparsed": [float(value is None) for value in found]}


def score(
    rows: Iterable[Sequence[str | None]], measures: Sequence[Measure], keep: Keep | None = None
) -> dict[str, Any]:
    """Mean, standard error and n of each measure over rows of a text or of a text and its reference.
    `missing` counts the rows that lack one, left out. `keep` is given each row's number, counted from
    1, with its values, empty for one that lacks a text."""
    values: dict[str, list[float]] = {}
    missing = seen = 0
    for chunk in chunked(rows, CHUNK):
        whole = [[text for text in row if text is not None] for row in chunk]
        present = [found for found, row in zip(whole, chunk, strict=True) if len(found) == len(row)]
        missing += len(chunk) - len(present)
        texts, references = [row[0] for row in present], [row[-1] for row in present]
        measured: dict[str, list[float | None]] = {}
        for measure in measures if present else []:
            measured |= measure(texts, references)
        for name, found in measured.items():
            values.setdefault(name, []).extend(one for one in found if one is not None)
        if keep:
            scores = zip(*measured.values(), strict=True)
            for number, row in enumerate(chunk, start=seen + 1):
                whole_row = all(text is not None for text in row)
                keep(number, dict(zip(measured, next(scores), strict=True)) if whole_row else {})
        seen += len(chunk)
    metrics = {name: _summary(values[name]) for name in sorted(values) if values[name]}
    return {"missing": missing, "metrics": metrics}


def _summary(values: list[float]) -> dict[str, float]:
    mean, se = mean_and_se(values)
    return {"mean": round(mean, DIGITS), "se": round(se, DIGITS), "n": len(values)}
