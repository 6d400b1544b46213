import math

import pytest

from s2.evaluate.summary import MEANS, summarise


def row(set_name: str, **scores: float | None) -> dict[str, object]:
    base: dict[str, object] = dict.fromkeys(MEANS, 0.5)
    return base | {"set": set_name, "answer": "So.", "ended": True} | scores


def test_means_by_set_with_errors() -> None:
    rows = [row("wiki", rouge1=0.1), row("wiki", rouge1=0.3, ended=False), row("eli5", rouge1=0.9)]
    found = summarise(rows, ["wiki", "eli5"])
    assert (found["wiki"]["n"], found["eli5"]["n"]) == (2, 1)
    assert found["wiki"]["rouge1"] == pytest.approx(0.2)
    assert found["wiki"]["rouge1_se"] == pytest.approx(math.sqrt(0.02 / 2), abs=1e-4)
    assert found["wiki"]["ended"] == 0.5 and found["eli5"]["ended"] == 1.0


def test_empty_answers_are_counted_and_have_no_readability() -> None:
    rows = [row("wiki", answer="", ease=None), row("wiki", ease=80.0)]
    found = summarise(rows, ["wiki"])["wiki"]
    assert found["empty"] == 1 and found["ease"] == 80.0
    nothing = summarise([row("wiki", answer="", ease=None)], ["wiki"])["wiki"]
    assert "ease" not in nothing
