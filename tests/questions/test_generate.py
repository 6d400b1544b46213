from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2.questions.generate import generate, opening, parse_question

TEXT = "The octopus is a soft mollusc that lives in the sea. It has eight arms. It can hide well."
ROW = {"id": "wiki_1", "split": "train", "title": "Octopus", "answer": TEXT}


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("What is an octopus?", "What is an octopus?"),
        (' "How many arms does it have?" ', "How many arms does it have?"),
        ("Question: Where do octopuses live?", "Where do octopuses live?"),
        ("**What is an octopus?**", "What is an octopus?"),
        ("An octopus is an animal.", None),
        ("What is an octopus?\nIt is an animal.", None),
        ("What is this? Is it an octopus?", None),
        ("What is the answer to this question?", None),
        ("What is the purpose of a bicycle?", None),
        ("Octopus?", None),
        ("What " + "octopus " * 40 + "?", None),
        ("Tell me, what is an octopus?", None),
        ("", None),
    ],
)
def test_a_reply_is_a_question_about_the_text_or_nothing(reply: str, expected: str | None) -> None:
    assert parse_question(reply, "Octopus", TEXT) == expected


@given(st.text(max_size=80))
def test_any_reply_is_read(reply: str) -> None:
    question = parse_question(reply, "Octopus", TEXT)
    assert question is None or (question.endswith("?") and "\n" not in question)


def test_prompts_are_tried_until_one_brings_a_question() -> None:
    asked: list[str] = []

    def reply(prompt: str) -> str:
        asked.append(prompt)
        return "What is an octopus?" if prompt.startswith("second") else "An animal."

    prompts = ["first {title}: {opening}", "second {title}", "third {text}"]
    (row,) = generate([ROW], prompts, reply, workers=1)
    assert asked == [f"first Octopus: {TEXT}", "second Octopus"]
    assert (row["question"], row["prompt_number"], row["dropped_by"]) == ("What is an octopus?", 1, None)
    assert (row["id"], row["split"], row["answer"]) == ("wiki_1", "train", TEXT)


def test_a_row_without_a_question_is_dropped_by_name() -> None:
    (row,) = generate([ROW], ["{text}", "{title}"], lambda prompt: "No.", workers=1)
    assert (row["question"], row["dropped_by"]) == (None, "no_question")


def test_rows_keep_their_order_with_many_workers() -> None:
    rows: list[dict[str, Any]] = [ROW | {"id": f"wiki_{n}"} for n in range(40)]
    found = generate(rows, ["{title}"], lambda prompt: "What is an octopus?", workers=8)
    assert [row["id"] for row in found] == [row["id"] for row in rows]


def test_braces_in_a_text_are_only_text() -> None:
    asked: list[str] = []
    row = ROW | {"answer": "A set {x} and {title}."}

    def reply(prompt: str) -> str:
        asked.append(prompt)
        return "No."

    list(generate([row], ["{text}"], reply, workers=1))
    assert asked == ["A set {x} and {title}."]


def test_the_opening_is_whole_sentences() -> None:
    text = " ".join(["One two three four five six seven eight nine ten."] * 9)
    assert opening(text) == " ".join(["One two three four five six seven eight nine ten."] * 4)
    assert opening("Short.") == "Short."
