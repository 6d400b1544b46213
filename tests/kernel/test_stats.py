import math

import pytest

from s2.kernel.stats import grouped_mean_and_se, mean_and_se, ratio_and_se


def test_mean_and_se_by_hand() -> None:
    # Deviations -1, 0, 1: variance 1, error 1/sqrt(3).
    assert mean_and_se([1.0, 2.0, 3.0]) == (2.0, pytest.approx(1 / math.sqrt(3)))
    assert mean_and_se([5.0]) == (5.0, 0.0)


def test_ratio_and_se_by_hand() -> None:
    # 6/4 = 1.5; residuals 2 - 1.5 and 4 - 4.5: squares 0.5, over 1, times 2, root 1, over 4.
    assert ratio_and_se([2.0, 4.0], [1.0, 3.0]) == (1.5, pytest.approx(0.25))
    assert ratio_and_se([3.0], [2.0]) == (1.5, 0.0)


def test_with_equal_sizes_a_ratio_is_a_mean() -> None:
    values = [1.0, 4.0, 2.0, 8.0]
    assert ratio_and_se(values, [1.0] * 4) == pytest.approx(mean_and_se(values))


def test_a_group_counts_once_however_many_values_it_has() -> None:
    """Means 2 and 4 of the groups: 3, with an error of √2/√2."""
    found = grouped_mean_and_se(["a", "b", "a"], [1.0, 4.0, 3.0])
    assert found == (3.0, pytest.approx(1.0))
