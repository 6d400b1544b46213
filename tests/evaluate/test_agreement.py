import pytest

from s2.evaluate.agreement import agreement

# Items with their ratings, some by fewer raters. The coefficients, errors and intervals were worked out
# by irrCAC 0.4.4, the implementation of Gwet's book.
RATINGS = [
    (5, 5, 4),
    (1, 2, 1),
    (3, 3, 3),
    (4, 5, 5),
    (2, 2, 1),
    (1, 1),
    (5, 4, 3),
    (2,),
    (3, 4, 4),
    (1, 1, 1),
]


def test_ac1_by_hand() -> None:
    """Three of four items agree; categories are used 5/8 and 3/8: chance 2 · 15/64 = 15/32."""
    found = agreement([(1, 1), (1, 1), (1, 2), (2, 2)], (1, 2), "identity")
    assert found and found.value == pytest.approx((3 / 4 - 15 / 32) / (17 / 32))


def test_all_agree() -> None:
    found = agreement([("no", "no", "no")] * 5, ("no", "yes"), "identity")
    assert found and (found.value, found.se) == (1.0, 0.0)


def test_of_too_little_there_is_no_agreement() -> None:
    assert agreement([], (1, 2), "identity") is None
    assert agreement([(1, 1), (2,)], (1, 2), "identity") is None
    assert agreement([(1, 1), (1, 1)], (1,), "identity") is None


def test_both_with_their_intervals_are_those_of_the_book_s_code() -> None:
    first = agreement(RATINGS, (1, 2, 3, 4, 5), "identity")
    second = agreement(RATINGS, (1, 2, 3, 4, 5), "quadratic")
    assert first and second
    told = [(one.value, one.se, one.low, one.high) for one in (first, second)]
    assert told[0] == pytest.approx((0.400645, 0.165339, 0.026622, 0.774669), abs=1e-6)
    assert told[1] == pytest.approx((0.858907, 0.113876, 0.601302, 1.0), abs=1e-6)
