import math

import pytest

from s2.evaluate.ranking import Ranked, calibration_error, ranking


def test_a_question_counts_once_however_many_pairs_it_has() -> None:
    """q: right, right, wrong, a tie: accuracy 2/3 of what is told; r: right. Mean (2/3 + 1)/2, standard
    error of two means (1/3)/√2/√2 = 1/6."""
    pairs = [
        Ranked(2.0, 1.0, 5, 4, 3, "q"),
        Ranked(3.0, 1.0, 5, 9, 50, "q"),
        Ranked(0.0, 1.0, 5, 5, 500, "q"),
        Ranked(1.0, 1.0, 5, 5, None, "q"),
        Ranked(1.5, 1.0, 6, 2, 5, "r"),
    ]
    found = ranking(pairs)
    assert found["accuracy"] == pytest.approx(5 / 6, abs=1e-6)
    assert found["accuracy_se"] == pytest.approx(1 / 6, abs=1e-6)
    assert found["ties"] == pytest.approx(1 / 8) and found["n"] == 5 and found["questions"] == 2
    assert found["margin"] == pytest.approx(((1 + 2 - 1 + 0) / 4 + 0.5) / 2)
    assert found["accuracy_gap_under_10"] == 1 and found["accuracy_gap_100_and_more"] == 0
    assert found["accuracy_gap_10_to_99"] == 1
    assert found["longer_wins"] == pytest.approx((0.5 + 1) / 2)
    losses = [math.log(1 + math.exp(-m)) for m in (1, 2, -1, 0, 0.5)]
    assert found["loss"] == pytest.approx((sum(losses[:4]) / 4 + losses[4]) / 2, abs=1e-6)


def test_a_model_that_likes_length_is_named() -> None:
    likes = [Ranked(float(n), 0.0, 10 + n, 10, 1, f"q{n}") for n in range(1, 9)]
    assert ranking(likes)["likes_length"] == 1 and ranking(likes)["length_correlation"] > 0.99
    not_so = [Ranked(float(n % 3), 0.5, 10 + n, 10, 1, f"q{n}") for n in range(1, 9)]
    assert ranking(not_so)["likes_length"] == 0


def test_calibration_by_hand() -> None:
    """0.55 and 0.58 in the first bin, one of them right: |0.565 - 0.5|; 0.95 in the last, right: 0.05."""
    assert calibration_error([0.55, 0.58, 0.95], [1, 0, 1]) == pytest.approx(2 / 3 * 0.065 + 1 / 3 * 0.05)
