"""Means with their noise."""

import math
from collections.abc import Sequence


def mean_and_se(values: Sequence[float]) -> tuple[float, float]:
    """Mean and its standard error (sample standard deviation over root n; 0 for one value)."""
    count = len(values)
    mean = math.fsum(values) / count
    if count < 2:
        return mean, 0.0
    variance = math.fsum((value - mean) ** 2 for value in values) / (count - 1)
    return mean, math.sqrt(variance / count)


def grouped_mean_and_se(groups: Sequence[str], values: Sequence[float]) -> tuple[float, float]:
    """Mean over groups of each group's mean, and its standard error over groups: values of one group,
    such as a question's pairs, are no independent ones."""
    found: dict[str, list[float]] = {}
    for group, value in zip(groups, values, strict=True):
        found.setdefault(group, []).append(value)
    return mean_and_se([sum(inside) / len(inside) for inside in found.values()])


def ratio_and_se(totals: Sequence[float], sizes: Sequence[float]) -> tuple[float, float]:
    """Ratio of sums, such as a loss per token over rows of unlike length, and its standard error by
    linearisation (Cochran 1977, 6.4)."""
    count = len(totals)
    size = math.fsum(sizes)
    ratio = math.fsum(totals) / size
    if count < 2:
        return ratio, 0.0
    squares = math.fsum(
        (total - ratio * weight) ** 2 for total, weight in zip(totals, sizes, strict=True)
    )
    return ratio, math.sqrt(squares / (count - 1) * count) / size
