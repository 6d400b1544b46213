from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2.kernel.errors import S2Error
from s2.llm.client import Refused
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
        ("During which season do octopuses hide?", "During which season do octopuses hide?"),
        ("Under what conditions do octopuses hide?", "Under what conditions do octopuses hide?"),
        ("Has the octopus eight arms?", "Has the octopus eight arms?"),
        ("Will an octopus hide?", "Will an octopus hide?"),
        ("Would an octopus hide?", "Would an octopus hide?"),
        (
            "Although it is soft, why can an octopus live in the sea?",
            "Although it is soft, why can an octopus live in the sea?",
        ),
        (
            "An octopus has eight arms, but what is it?",
            "An octopus has eight arms, but what is it?",
        ),
        (
            "What is an octopus, and how many arms does it have?",
            "What is an octopus, and how many arms does it have?",
        ),
        ("X: What is an octopus?", "What is an octopus?"),
        ("Please, what is an octopus?", None),
        ("Certainly, what is an octopus?", None),
        ("As an AI, what is an octopus?", None),
        ("I think the question could be, what is an octopus?", None),
        ("Can you tell me more about the octopus?", None),
        ("As the octopus?", None),
        ("Isn't the octopus soft?", "Isn't the octopus soft?"),
        ("What's an octopus?", "What's an octopus?"),
        ("Inside which sea does the octopus live?", "Inside which sea does the octopus live?"),
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

    def reply(prompt: str, is_of_use: Callable[[str], bool]) -> str:
        asked.append(prompt)
        return "What is an octopus?" if prompt.startswith("second") else "An animal."

    prompts = ["first {title}: {opening}", "second {title}", "third {text}"]
    (row,) = generate([ROW], prompts, reply, workers=1)
    assert asked == [f"first Octopus: {TEXT}", "second Octopus"]
    assert (row["question"], row["prompt_number"], row["dropped_by"]) == ("What is an octopus?", 1, None)
    assert (row["id"], row["split"], row["answer"]) == ("wiki_1", "train", TEXT)


def test_a_row_without_a_question_is_dropped_by_name() -> None:
    (row,) = generate([ROW], ["{text}", "{title}"], lambda prompt, is_of_use: "No.", workers=1)
    assert (row["question"], row["dropped_by"]) == (None, "no_question")


@pytest.mark.parametrize(
    ("refused", "question", "reason"),
    [({"1 Octopus"}, "What is an octopus?", None), ({"1 Octopus", "2 Octopus"}, None, "refused")],
)
def test_a_refused_row_is_dropped_by_name(
    refused: set[str], question: str | None, reason: str | None
) -> None:
    def reply(prompt: str, is_of_use: Callable[[str], bool]) -> str:
        if prompt in refused:
            raise Refused("too long")
        return "What is an octopus?"

    other = ROW | {"id": "wiki_2", "title": "Sea"}
    octopus, kept = generate([ROW, other], ["1 {title}", "2 {title}"], reply, workers=1)
    assert (octopus["question"], octopus["dropped_by"]) == (question, reason)
    assert kept["dropped_by"] is None


def test_an_endpoint_that_refuses_every_row_ends_the_stage() -> None:
    asked: list[str] = []

    def reply(prompt: str, is_of_use: Callable[[str], bool]) -> str:
        asked.append(prompt)
        raise Refused("max_tokens is not known")

    rows = [ROW | {"id": f"wiki_{n}"} for n in range(3)]
    with pytest.raises(S2Error, match="all 3 rows were refused, the first with: max_tokens"):
        list(generate(rows, ["{title}"], reply, workers=2))
    asked.clear()
    with pytest.raises(S2Error, match="all 50 rows were refused"):
        list(generate(rows * 100, ["{title}"], reply, workers=1))
    assert len(asked) < 100


def test_rows_keep_their_order_with_many_workers() -> None:
    rows: list[dict[str, Any]] = [ROW | {"id": f"wiki_{n}"} for n in range(40)]
    found = generate(rows, ["{title}"], lambda prompt, is_of_use: "What is an octopus?", workers=8)
    assert [row["id"] for row in found] == [row["id"] for row in rows]


def test_braces_in_a_text_are_only_text() -> None:
    asked: list[str] = []
    row = ROW | {"answer": "A set {x} and {title}."}

    def reply(prompt: str, is_of_use: Callable[[str], bool]) -> str:
        asked.append(prompt)
        return "No."

    list(generate([row], ["{text}"], reply, workers=1))
    assert asked == ["A set {x} and {title}."]


def test_the_opening_is_whole_sentences() -> None:
    text = " ".join(["One two three four five six seven eight nine ten."] * 9)
    assert opening(text) == " ".join(["One two three four five six seven eight nine ten."] * 4)
    assert opening("Short.") == "Short."
