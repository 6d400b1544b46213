from typing import Any

import pytest

from s2.evaluate.joined import extremes, join, scores
from s2.evaluate.paired import HIGHER_IS_BETTER
from s2.kernel.errors import S2Error


def row(name: str, value: float | None = 0.5, **changes: Any) -> dict[str, Any]:
    told = {
        "set": "eli5",
        "id": name,
        "prompt": f"Why {name}?",
        "reference": "So.",
        "answer": f"a {name}",
    }
    return told | dict.fromkeys(HIGHER_IS_BETTER, value) | changes


def test_examples_are_joined_by_id_whatever_their_order() -> None:
    found = join([row("x", 0.1), row("y", 0.2)], [row("y", 0.4), row("x", 0.3)])
    assert found.whole
    assert [(a["id"], b["id"]) for a, b in found.pairs] == [("x", "x"), ("y", "y")]
    assert scores(found)["rougeL"].b == [0.3, 0.4]


def test_what_cannot_be_compared_is_named() -> None:
    found = join(
        [row("x"), row("gone"), row("changed"), row("asked")],
        [row("x"), row("new"), row("changed", reference="No."), row("asked", prompt="How?")],
    )
    assert not found.whole
    assert (found.only_a, found.only_b, found.other) == (["gone"], ["new"], ["changed", "asked"])
    assert [a["id"] for a, _ in found.pairs] == ["x"]


def test_an_example_of_several_sets_counts_once_and_one_set_can_be_taken() -> None:
    rows = [row("x"), row("x", set="both"), row("y", set="both")]
    assert len(join(rows, rows).pairs) == 2
    assert [a["id"] for a, _ in join(rows, rows, "eli5").pairs] == ["x"]


def test_an_example_that_stands_twice_is_refused() -> None:
    with pytest.raises(S2Error, match="set eli5: example x stands in it twice"):
        join([row("x"), row("x")], [row("x")])


def test_a_score_that_one_side_lacks_is_no_pair() -> None:
    found = scores(join([row("x"), row("y", None)], [row("x"), row("y")]))
    assert len(found["ease"].questions) == 1
    older = row("x")
    del older["repetition"]
    assert not scores(join([older], [row("x")]))["repetition"].questions


def test_the_largest_changes_come_first_and_lower_is_a_gain_where_it_is_better() -> None:
    a = [row(name, 0.5) for name in "wxyz"]
    b = [row("w", 0.6), row("x", 0.9), row("y", 0.5), row("z", 0.1)]
    gains, losses = extremes(join(a, b), "rougeL", 5)
    assert [a["id"] for a, _ in gains] == ["x", "w"]
    assert [a["id"] for a, _ in losses] == ["z"]
    gains, _ = extremes(join(a, b), "grade", 1)
    assert [a["id"] for a, _ in gains] == ["z"]
