import math
from itertools import count

import pytest

from s2.evaluate.metrics import Readability, Rouge
from s2.evaluate.summary import MEANS, PREFIX, PUBLISHED, score_answers, summarise

IDS = count()


def row(set_name: str, **scores: object) -> dict[str, object]:
    base: dict[str, object] = dict.fromkeys([*MEANS, *(PREFIX + name for name in PUBLISHED)], 0.5)
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


def test_all_sets_together_count_each_row_once() -> None:
    rows = [
        row("eli5", id="a", ease=60.0),
        row("both", id="a", ease=60.0),
        row("both", id="b", ease=90.0),
    ]
    found = summarise(rows)
    assert list(found) == ["eli5", "both", "all"]
    assert found["all"]["n"] == 2 and found["all"]["ease"] == 75.0


def test_published_means_are_of_prompt_and_answer_together() -> None:
    prompt, answer, reference = "Is it so? Yes:", "The cat ran far off.", "No cats ran."
    told = {"set": "eli5", "id": "a", "ended": True, "next_turn": False, "tokens": 5}
    asked = told | {"prompt": prompt, "answer": answer, "reference": reference}
    measure = Readability("report")
    (scored,) = score_answers([asked], [Rouge(), measure], [Rouge("published"), measure])
    # Of 9 and 7 words 5 are in both, four of the prompt and ran; a stemmer would find cat too.
    assert scored["published.rouge1"] == pytest.approx(2 * (5 / 9) * (5 / 7) / (5 / 9 + 5 / 7))
    assert scored["rouge1"] == pytest.approx(2 * (2 / 5) * (2 / 3) / (2 / 5 + 2 / 3))
    assert scored["published.ease"] == measure.each([f"{prompt} {answer}"])["ease"][0]
    assert scored["ease"] == measure.each([answer])["ease"][0] != scored["published.ease"]


def test_published_means_stand_by_themselves() -> None:
    found = summarise([row("wiki", **{"published.rouge1": 0.2}), row("wiki", **{"published.ease": None})])
    assert found["wiki"]["published"]["rouge1"] == pytest.approx(0.35)
    assert found["wiki"]["published"]["rouge1_se"] == pytest.approx(0.15)
    assert found["wiki"]["published"]["ease"] == 0.5 and found["wiki"]["rouge1"] == 0.5
