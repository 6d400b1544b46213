import pytest

from s2.quality.sentiment import sentiment


def test_the_package_s_own_examples() -> None:
    """As vaderSentiment's README has them."""
    assert sentiment("VADER is smart, handsome, and funny.") == pytest.approx(0.8316)
    assert sentiment("Today SUX!") == pytest.approx(-0.5461)
    assert sentiment("") == 0
