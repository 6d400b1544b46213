import math
from itertools import count

import pytest

from s2.evaluate.summary import MEANS, summarise

IDS = count()


def row(set_name: str, **scores: object) -> dict[str, object]:
    base: dict[str, object] = dict.fromkeys(MEANS, 0.5)
    return base | {"set": set_name, "id": str(next(IDS)), "answer": "So.", "ended": True} | scores


def test_means_by_set_with_errors() -> None:
    rows = [row("wiki", rouge1=0.1), row("wiki", rouge1=0.3, ended=False), row("eli5", rouge1=0.9)]
    found = summarise(rows)
    assert (found["wiki"]["n"], found["eli5"]["n"]) == (2, 1)
    assert found["wiki"]["rouge1"] == pytest.approx(0.2)
    assert found["wiki"]["rouge1_se"] == pytest.approx(math.sqrt(0.02 / 2), abs=1e-4)
    assert found["wiki"]["ended"] == 0.5 and found["eli5"]["ended"] == 1.0


def test_empty_answers_are_counted_and_have_no_readability() -> None:
    rows = [row("wiki", answer="", ease=None), row("wiki", ease=80.0)]
    found = summarise(rows)["wiki"]
    assert found["empty"] == 1 and found["ease"] == 80.0
    nothing = summarise([row("wiki", answer="", ease=None)])["wiki"]
    assert "ease" not in nothing


STAND_TWICE = [("eli5", "a", 60.0), ("both", "a", 60.0), ("both", "b", 90.0)]


def test_all_sets_together_count_each_row_once() -> None:
    rows = [
        row("eli5", id="a", ease=60.0),
        row("both", id="a", ease=60.0),
        row("both", id="b", ease=90.0),
    ]
    found = summarise(rows)
    assert list(found) == ["eli5", "both", "all"]
    assert found["all"]["n"] == 2 and found["all"]["ease"] == 75.0
