from typing import Any

import numpy as np

from s2.evaluate.choices import choices


def row(name: str, prompt: str = "") -> dict[str, Any]:
    return {"id": name, "prompt": prompt or f"Why {name}?", "completion": f"because {name}"}


def test_the_right_answer_stands_among_those_to_the_most_alike_questions() -> None:
    angles = {"a": 0, "b": 10, "c": 20, "d": 30, "far": 90}
    rows = [row(name) for name in angles]
    radians = np.radians(list(angles.values()))
    found = choices(rows, np.stack([np.cos(radians), np.sin(radians)], 1).astype(np.float32))
    first = found[0]
    assert first["choices"][first["label"]] == "because a"
    assert set(first["choices"]) == {f"because {name}" for name in "abcd"}
    assert {one["label"] for one in found} <= {0, 1, 2, 3}
    assert [one["choices"][one["label"]] for one in found] == [row["completion"] for row in rows]


def test_another_answer_to_the_same_question_is_no_wrong_one() -> None:
    rows = [row("a"), row("again", prompt="Why a?"), row("b"), row("c"), row("d")]
    found = choices(rows, np.ones((5, 1), np.float32))
    assert "because again" not in found[0]["choices"] and len(set(found[0]["choices"])) == 4


def test_questions_alike_to_rounding_stand_in_their_order() -> None:
    rows = [row(name) for name in "abcdef"]
    likeness = [1.0, 0.5, 0.5 + 1e-6, 0.5 + 2e-6, 0.5 + 3e-6, 0.4]
    first, *_ = choices(rows, np.array([[value] for value in likeness], np.float32))
    assert set(first["choices"]) == {f"because {name}" for name in "abcd"}


def test_of_a_long_answer_the_first_sentences_are_told() -> None:
    long = "It is so because of this. " * 8  # of 6 words: 7 sentences are the first with 40 words
    rows = [row(name) | {"completion": long + name} for name in "abcd"]
    (first, *_) = choices(rows, np.ones((4, 1), np.float32))
    assert first["choices"][0] == " ".join(["It is so because of this."] * 7)


def test_of_few_questions_there_is_no_choice() -> None:
    assert choices([row("a"), row("b"), row("c")], np.ones((3, 1), np.float32)) == []
