"""How far raters agree beyond chance: Gwet's AC1 and, with weights for near misses, AC2 (Gwet 2008, Br.
J. Math. Stat. Psychol. 61; Handbook of Inter-Rater Reliability, 4th ed., 2014, chapters 5 and 6)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
Weights = Literal["identity", "quadratic"]


@dataclass(frozen=True)
class Agreement:
    """The coefficient with its standard error and 95 % interval, and the `items` that it is of."""

    value: float
    se: float
    low: float
    high: float
    items: int


def agreement(
    ratings: Sequence[Sequence[str | int]], categories: Sequence[str | int], weights: Weights
) -> Agreement | None:
    """AC1 (`identity`: a rating agrees or does not) or AC2 (`quadratic`: categories are in order, and
    near ones agree in part). `ratings` has for each item those that it got, one a rater, of any number of
    raters; None if fewer than two items have two, or there is one category."""
    places = {category: place for place, category in enumerate(categories)}
    counts = np.zeros((len(ratings), len(categories)))
    for item, given in enumerate(ratings):
        for rating in given:
            counts[item, places[rating]] += 1
    counts = counts[counts.sum(1) > 0]
    raters = counts.sum(1)
    several = raters > 1
    if several.sum() < 2 or len(categories) < 2:
        return None
    weight = _weights(len(categories), weights)
    shares = counts / raters[:, None]
    often = shares.mean(0)
    scale = weight.sum() / len(categories) / (len(categories) - 1)
    chance = float(scale * (often * (1 - often)).sum())
    agreed = (counts * (counts @ weight - 1)).sum(1)[several] / (raters * (raters - 1))[several]
    value = (agreed.mean() - chance) / (1 - chance)

    # The item's own part in the coefficient: the agreement on it, less what it moves chance by.
    own = np.zeros(len(counts))
    own[several] = len(counts) / several.sum() * (agreed - chance) / (1 - chance)
    moved = scale * (shares * (1 - often)).sum(1)
    own -= 2 * (1 - value) * (moved - chance) / (1 - chance)
    n = len(counts)
    se = float(np.sqrt(((own - value) ** 2).sum() / n / (n - 1)))
    half = float(stats.t.ppf(0.975, n - 1)) * se
    return Agreement(float(value), se, max(-1.0, value - half), min(1.0, value + half), n)


def _weights(count: int, kind: Weights) -> Floats:
    if kind == "identity":
        return np.eye(count)
    steps = np.arange(count)
    return np.asarray(1 - ((steps[:, None] - steps[None, :]) / (count - 1)) ** 2, dtype=float)
