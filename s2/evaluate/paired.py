"""Whether one model's answers are better than another's: paired differences, example by example.

As Miller 2024 (arXiv:2411.00640) has it: answers to the same examples are compared, examples of one
question are no independent ones, and a difference comes with its noise.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Verdict = Literal["better", "worse", "within noise"]
Floats = NDArray[np.float64]
Key = tuple[str, str]  # model and metric

ALPHA = 0.05
POWER = 0.8
RESAMPLES = 9_999
BATCH = 500  # resamples in memory at once
SEED = 0
ROUNDING = 1e-12  # of sums in another order

# Which way is up, by metric.
HIGHER_IS_BETTER = {
    "rouge1": True,
    "rouge2": True,
    "rougeL": True,
    "rougeLsum": True,
    "bertscore_f1": True,
    "ease": True,
    "grade": False,
    "toxicity": False,
    "repetition": False,
    "ended": True,
    "next_turn": False,
}


@dataclass(frozen=True)
class Pairs:
    """Values of the same examples by two models, and the question that each example is of."""

    a: Sequence[float]
    b: Sequence[float]
    questions: Sequence[str]


@dataclass(frozen=True)
class Difference:
    """What became of a metric from `a` to `b`, both means over questions: the `difference` with its
    standard error, 95 % interval and p, that by Holm over all that is judged at once; over `n` questions
    with `examples`; in how many questions b is better, equal or worse; and the smallest difference that
    would be found so in four of five such comparisons."""

    metric: str
    a: float
    b: float
    difference: float
    se: float
    low: float
    high: float
    p: float
    p_holm: float
    n: int
    examples: int
    wins: int
    ties: int
    losses: int
    detectable: float
    verdict: Verdict


def differences(judged: Mapping[Key, Pairs]) -> dict[Key, Difference]:
    """One difference for each model and metric that has examples; the verdicts hold together: in 19 of 20
    comparisons in which nothing changed, none of them is other than within noise.

    What is equal on every example is no test, and takes nothing from the others.
    """
    d = {
        key: _by_question(pairs.questions, pairs.b) - _by_question(pairs.questions, pairs.a)
        for key, pairs in judged.items()
        if pairs.questions
    }
    for values in d.values():
        values[np.abs(values) < ROUNDING] = 0.0
    ps = {key: sign_flip(values) for key, values in d.items()}
    tested = [key for key, values in d.items() if values.any()]
    strict = dict(zip(tested, holm([ps[key] for key in tested]), strict=True))
    return {
        key: _difference(key[1], judged[key], values, ps[key], strict.get(key, 1.0), max(1, len(tested)))
        for key, values in d.items()
    }


def _difference(metric: str, pairs: Pairs, d: Floats, p: float, strict: float, tests: int) -> Difference:
    mean, up = float(d.mean()), HIGHER_IS_BETTER[metric]
    se = float(d.std(ddof=1) / np.sqrt(len(d))) if len(d) > 1 else 0.0
    low, high = interval(d)
    gains = d if up else -d
    quantiles = stats.norm.ppf(1 - ALPHA / 2 / tests) + stats.norm.ppf(POWER)
    changed: Verdict = "better" if (mean > 0) == up else "worse"
    return Difference(
        metric=metric,
        a=float(_by_question(pairs.questions, pairs.a).mean()),
        b=float(_by_question(pairs.questions, pairs.b).mean()),
        difference=mean,
        se=se,
        low=low,
        high=high,
        p=p,
        p_holm=strict,
        n=len(d),
        examples=len(pairs.questions),
        wins=int((gains > 0).sum()),
        ties=int((gains == 0).sum()),
        losses=int((gains < 0).sum()),
        detectable=float(quantiles * se),
        verdict=changed if strict < ALPHA else "within noise",
    )


def _by_question(questions: Sequence[str], values: Sequence[float]) -> Floats:
    """The mean of each question's values, in the order in which questions first come."""
    order = {question: place for place, question in enumerate(dict.fromkeys(questions))}
    places = [order[question] for question in questions]
    sums = np.bincount(places, weights=np.asarray(values, dtype=float))
    return np.asarray(sums / np.bincount(places), dtype=float)


def interval(d: Floats) -> tuple[float, float]:
    """The 95 % bootstrap interval (BCa) of the mean of differences; by percentiles where so few of them
    differ that BCa has none."""
    if np.ptp(d) == 0:
        return float(d[0]), float(d[0])
    for method in ("BCa", "percentile"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", stats.DegenerateDataWarning)  # which the second method is for
            found = stats.bootstrap(
                (d,), np.mean, n_resamples=RESAMPLES, batch=BATCH, method=method, rng=SEED
            ).confidence_interval
        if np.isfinite([found.low, found.high]).all():
            break
    return float(found.low), float(found.high)


def sign_flip(d: Floats) -> float:
    """The two-sided p of a mean difference if each sign was chance: exact for few, by `RESAMPLES` random
    flips for many."""
    if not d.any():
        return 1.0
    return float(
        stats.permutation_test(
            (d,),
            _mean,
            permutation_type="samples",
            vectorized=True,
            n_resamples=RESAMPLES,
            batch=BATCH,
            rng=SEED,
        ).pvalue
    )


def _mean(values: Floats, axis: int) -> Floats:
    return np.asarray(values.mean(axis))


def holm(ps: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values (Holm 1979), in their order: the smallest times their number, the next
    times one less, never falling, at most 1."""
    adjusted, least = [0.0] * len(ps), 0.0
    for rank, place in enumerate(sorted(range(len(ps)), key=lambda place: ps[place])):
        least = max(least, min(1.0, ps[place] * (len(ps) - rank)))
        adjusted[place] = least
    return adjusted
