import pytest

from s2.quality.repetition import distinct, repetition


def test_by_hand() -> None:
    """Trigrams abc, bca, cab, abc: three of four are new."""
    assert repetition("a b c A b c") == pytest.approx(0.25)
    assert repetition("a b") == repetition("") == repetition("The sky is blue.") == 0
    assert distinct("a b c a", 1) == 0.75
    assert distinct("a b a b", 2) == pytest.approx(2 / 3)
    assert distinct("a", 2) is None and distinct("", 1) is None
