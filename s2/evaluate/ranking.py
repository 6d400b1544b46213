"""How well a reward model tells two answers apart."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from s2.kernel.stats import grouped_mean_and_se

BUCKETS = {"gap_under_10": (0, 10), "gap_10_to_99": (10, 100), "gap_100_and_more": (100, math.inf)}
BINS = 5
LIKES_LENGTH = 0.5


class Ranked(NamedTuple):
    """Rewards of a pair's two answers, their lengths in tokens, the gap between their scores if there
    is one, and the question."""

    chosen: float
    rejected: float
    chosen_length: int
    rejected_length: int
    gap: float | None
    question: str


def ranking(pairs: Sequence[Ranked]) -> dict[str, float]:
    """Flat metrics of pairs, means with standard errors over questions (a question's pairs count as
    their mean): `accuracy` (of the pairs that are no tie), `ties`, `margin` (chosen less rejected),
    `loss` (-log sigmoid of it), accuracy by bucket of gap, `calibration` (expected calibration error over
    five bins of the confidence), `confidence` less accuracy, `longer_wins` (how often the longer answer
    is the chosen one) and `length_correlation` (Pearson's, of the differences in reward and in length).
    `likes_length` is 1 where that is above 0.5.
    """
    margins = [pair.chosen - pair.rejected for pair in pairs]
    told = [(pair, margin) for pair, margin in zip(pairs, margins, strict=True) if margin]
    found: dict[str, float] = {"n": len(pairs), "questions": len({pair.question for pair in pairs})}
    right = [(pair.question, float(margin > 0)) for pair, margin in told]
    found |= _mean("accuracy", right)
    found |= _mean(
        "ties", [(pair.question, float(not m)) for pair, m in zip(pairs, margins, strict=True)]
    )
    found |= _mean("margin", [(pair.question, m) for pair, m in zip(pairs, margins, strict=True)])
    losses = [float(np.logaddexp(0, -margin)) for margin in margins]
    found |= _mean("loss", [(pair.question, loss) for pair, loss in zip(pairs, losses, strict=True)])
    for name, (least, below) in BUCKETS.items():
        inside = [
            (pair.question, float(margin > 0))
            for pair, margin in told
            if pair.gap is not None and least <= pair.gap < below
        ]
        found |= _mean(f"accuracy_{name}", inside)
    confidences = [1 / (1 + math.exp(-abs(margin))) for _, margin in told]
    if told:
        found["calibration"] = calibration_error(confidences, [value for _, value in right])
        found["overconfidence"] = float(np.mean(confidences) - np.mean([value for _, value in right]))
    longer = [pair.chosen_length - pair.rejected_length for pair in pairs]
    unlike = [(p.question, float(n > 0)) for p, n in zip(pairs, longer, strict=True) if n]
    found |= _mean("longer_wins", unlike)
    if len(set(longer)) > 1 and len(set(margins)) > 1:
        found["length_correlation"] = float(np.corrcoef(margins, longer)[0, 1])
        found["likes_length"] = float(found["length_correlation"] > LIKES_LENGTH)
    return {name: round(float(value), 6) for name, value in found.items()}


def calibration_error(confidences: Sequence[float], right: Sequence[float]) -> float:
    """Expected calibration error (Guo et al. 2017, arXiv:1706.04599): over five bins of the confidence
    from 0.5 to 1 the distance of mean confidence and accuracy, weighted by the bin's share."""
    bins = np.clip(((np.asarray(confidences) - 0.5) * 2 * BINS).astype(int), 0, BINS - 1)
    error = 0.0
    for number in range(BINS):
        inside = bins == number
        if inside.any():
            gap = abs(np.mean(np.asarray(confidences)[inside]) - np.mean(np.asarray(right)[inside]))
            error += inside.mean() * gap
    return float(error)


def _mean(name: str, values: Sequence[tuple[str, float]]) -> dict[str, float]:
    """The mean over questions of each question's mean, and its standard error; nothing of nothing."""
    if not values:
        return {}
    mean, error = grouped_mean_and_se([q for q, _ in values], [value for _, value in values])
    return {name: mean, f"{name}_se": error}
