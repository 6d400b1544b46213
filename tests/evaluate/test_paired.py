"""Paired comparison against hand-worked numbers, scipy, and simulation."""

import numpy as np
import pytest
from scipy import stats

from s2.evaluate import paired
from s2.evaluate.paired import Pairs, differences, holm, interval, sign_flip


def one(
    a: list[float], b: list[float], questions: list[str] | None = None, metric: str = "rougeL"
) -> paired.Difference:
    pairs = Pairs(a, b, questions or [str(n) for n in range(len(a))])
    return differences({("m", metric): pairs})["m", metric]


def test_by_hand() -> None:
    """Differences 1, 2, 3, 0: mean 1.5, standard deviation sqrt(5/3). Of the eight ways to sign three
    that differ, one sums to 6 and one to -6: p = 2/8."""
    found = one([0, 0, 0, 5], [1, 2, 3, 5])
    assert (found.a, found.b, found.difference, found.n) == (1.25, 2.75, 1.5, 4)
    assert found.se == pytest.approx((5 / 3) ** 0.5 / 2)
    assert found.p == pytest.approx(0.25)
    assert (found.wins, found.ties, found.losses) == (3, 1, 0)
    assert found.verdict == "within noise"
    assert found.detectable == pytest.approx((1.959964 + 0.841621) * found.se, rel=1e-5)


def test_examples_of_one_question_count_once() -> None:
    """A question's examples are its mean: 1 and 3 are one difference of 2."""
    found = one([0, 0, 0], [1, 3, 0], ["q", "q", "r"])
    assert (found.n, found.examples, found.difference) == (2, 3, 1.0)


def test_lower_is_better_where_it_is() -> None:
    up = one([1.0] * 12, [2.0 + n for n in range(12)], metric="ease")
    down = one([1.0] * 12, [2.0 + n for n in range(12)], metric="grade")
    assert (up.verdict, down.verdict) == ("better", "worse")
    assert (up.wins, down.losses) == (12, 12)


def test_the_interval_and_p_are_scipys() -> None:
    d = np.random.default_rng(1).normal(0.2, 1, 40)
    theirs = stats.bootstrap((d,), np.mean, n_resamples=9_999, method="BCa", rng=0).confidence_interval
    assert interval(d) == pytest.approx((theirs.low, theirs.high), abs=0.02)
    p = stats.permutation_test((d,), np.mean, permutation_type="samples", n_resamples=9_999, rng=3).pvalue
    assert sign_flip(d) == pytest.approx(p, abs=0.02)
    assert sign_flip(d) == pytest.approx(stats.ttest_1samp(d, 0).pvalue, abs=0.03)


@pytest.mark.parametrize("d", [[0.0] * 5, [0.1] * 5, [0.0] * 30 + [1.0], [0.4]])
def test_there_is_an_interval_where_few_differ(d: list[float]) -> None:
    low, high = interval(np.array(d))
    assert low <= np.mean(d) <= high


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


def test_nothing_changed_is_no_test() -> None:
    """What is equal everywhere does not make the rest's p stricter."""
    changed = Pairs([0.0] * 10, [1.0 + n for n in range(10)], list("abcdefghij"))
    equal = Pairs([0.5] * 10, [0.5] * 10, list("abcdefghij"))
    found = differences({("m", "rougeL"): changed} | {(str(n), "rougeL"): equal for n in range(20)})
    assert found["m", "rougeL"].p_holm == found["m", "rougeL"].p < 0.05
    assert found["3", "rougeL"].p == found["3", "rougeL"].p_holm == 1.0


METRICS = ["rouge1", "rougeL", "ease", "grade", "ended"]


def simulated(chance: np.random.Generator, effect: float, count: int = 40) -> list[paired.Difference]:
    """Five metrics, the second like the first, one of them with an effect (in standard deviations of
    the differences)."""
    d = chance.normal(size=(len(METRICS), count))
    d[1] = 0.8 * d[0] + 0.6 * d[1]
    d[2] += effect
    questions = [str(n) for n in range(count)]
    judged = {
        ("m", name): Pairs([0.0] * count, list(row), questions)
        for name, row in zip(METRICS, d, strict=True)
    }
    return list(differences(judged).values())


def test_of_a_hundred_null_changes_at_most_five_get_a_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paired, "RESAMPLES", 999)
    chance = np.random.default_rng(5)
    told = sum(any(one.verdict != "within noise" for one in simulated(chance, 0)) for _ in range(100))
    assert told <= 5


def test_an_effect_of_the_smallest_detectable_size_is_found_in_about_four_of_five(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(paired, "RESAMPLES", 999)
    chance = np.random.default_rng(6)
    effect = float(stats.norm.ppf(1 - 0.05 / 2 / 5) + stats.norm.ppf(0.8)) / 40**0.5
    found = [simulated(chance, effect)[2] for _ in range(100)]
    assert 70 <= sum(one.verdict == "better" for one in found) <= 90
    assert np.mean([one.detectable for one in found]) == pytest.approx(effect, rel=0.05)
