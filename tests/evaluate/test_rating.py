import pytest

from s2.evaluate.rating import rating


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        ("Good. Rating: [[7]]", 7.0),
        ("First [[3]], then, on reflection, [[ 8.5 ]].", 8.5),
        ("[[10]]", 10.0),
        ("Rating: [[11]]", None),
        ("Rating: [7]", None),
        ("Rating: [[seven]] or [[-2]]", None),
        ("", None),
    ],
)
def test_the_last_rating_counts(reply: str, value: float | None) -> None:
    assert rating(reply) == value
