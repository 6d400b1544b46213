"""How scores are spread over a model's answers: kernel densities on a grid, which plots and the report
draw."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import gaussian_kde

from s2.params.evaluate import ALL_SETS

SPREAD = {
    "ease": "Flesch reading ease",
    "grade": "Flesch-Kincaid grade",
    "rougeLsum": "ROUGE-Lsum",
    "bertscore_f1": "BERTScore F1",
}
POINTS = 60
MARGIN = 0.2  # of the range, on both sides, for the tails
DIGITS = 6

Rows = Iterable[Mapping[str, Any]]


def densities(scored: Mapping[str, Rows], metric: str) -> list[dict[str, Any]]:
    """A Gaussian kernel density (Scott's bandwidth) of a metric for each set and model, and for all sets
    together, in which an answer counts once: rows of `set`, `model`, `x` and `density`, all on one grid.
    Fewer than two different values have none."""
    values: dict[tuple[str, str], dict[str, float]] = {}
    for model, rows in scored.items():
        for row in rows:
            if row[metric] is not None:
                for name in (row["set"], ALL_SETS):
                    values.setdefault((name, model), {})[row["id"]] = row[metric]
    found = {key: list(of_id.values()) for key, of_id in values.items() if len(set(of_id.values())) > 1}
    if not found:
        return []
    grid = _grid([value for of_key in found.values() for value in of_key])
    return [
        {"set": name, "model": model, "x": round(float(x), DIGITS), "density": round(float(y), DIGITS)}
        for (name, model), told in found.items()
        for x, y in zip(grid, gaussian_kde(told)(grid), strict=True)
    ]


def _grid(values: Sequence[float]) -> np.ndarray:
    low, high = min(values), max(values)
    margin = MARGIN * (high - low)
    return np.linspace(low - margin, high + margin, POINTS)
