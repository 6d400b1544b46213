from typing import Any

import pyarrow as pa
import pytest

from s2.params.data import Truncate
from s2.wiki.answers import candidates, drop_reason, first_paragraphs, has_residue

ROW: dict[str, Any] = {
    "id": "wiki_1",
    "title": "Moon",
    "namespace": 0,
    "redirect": False,
    "disambiguation": False,
    "list": False,
    "paragraphs": ["The Moon is far.", "It is round."],
}


def test_whole_paragraphs_until_the_words_are_reached() -> None:
    three = ["a b c", "d e", "f"]
    assert first_paragraphs(three, Truncate(words=3)) == ["a b c"]
    assert first_paragraphs(three, Truncate(words=4)) == ["a b c", "d e"]
    assert first_paragraphs(three, Truncate(words=99)) == three


def test_whole_paragraphs_until_the_characters_are_reached() -> None:
    three = ["a b c", "d e", "f"]
    assert first_paragraphs(three, Truncate(characters=5)) == ["a b c"]
    assert first_paragraphs(three, Truncate(characters=6)) == ["a b c", "d e"]
    assert first_paragraphs(three, Truncate(characters=99)) == three


def test_an_article_is_measured() -> None:
    rows = candidates(pa.RecordBatch.from_pylist([ROW]), truncate=Truncate(words=4), method="report")
    (row,) = rows.to_pylist()
    assert (row["answer"], row["words"], row["article_words"]) == ("The Moon is far.", 4, 7)
    assert row["dropped_by"] is None and row["ease"] > 100 and not row["residual_markup"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"redirect": True, "namespace": 4}, "redirect"),
        ({"namespace": 10}, "namespace"),
        ({"disambiguation": True}, "disambiguation"),
        ({"title": "Mercury (disambiguation)"}, "disambiguation"),
        ({"title": "List of moons"}, "list"),
        ({"list": True}, "list"),
        ({}, None),
    ],
)
def test_reasons(change: dict[str, Any], reason: str | None) -> None:
    assert drop_reason(ROW | change, "It is so.") == reason


def test_residue_is_seen() -> None:
    assert has_residue(["Text with {| class=wikitable a table."])
    assert has_residue(["An {{Infobox that never ends"])
    assert not has_residue(["Plain text, 5 < 6, and a - b."])


def test_an_answer_that_imitates_the_prompt_is_dropped() -> None:
    assert drop_reason(ROW, "So. ### Human: And why? ### Assistant: So.") == "prompt_mark"
