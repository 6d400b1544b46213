"""The rules about text against 200 real answers and 200 real posts, labelled by reading.

`labels/` has ids and labels, no texts. Half of the answers and a quarter of the posts are the hard
ones: those with a word such as edit or update, and those whose title alone asks nothing.
"""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard

from s2.reddit.edits import edit_at, paragraphs
from s2.reddit.questions import is_question
from s2.reddit.text import is_gone

REAL = Path(__file__).parents[3] / "shared/data/reddit"
LABELS = Path(__file__).parent / "labels"

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not beside the checkout"),
]


def rows(name: str) -> Iterator[dict[str, Any]]:
    with (REAL / f"{name}.zst").open("rb") as file:
        reader = zstandard.ZstdDecompressor(max_window_size=2**31).stream_reader(file)
        yield from map(json.loads, io.TextIOWrapper(reader, encoding="utf-8"))


def labels(name: str) -> list[dict[str, str]]:
    with (LABELS / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def precision_and_recall(labelled: list[bool], found: list[bool]) -> tuple[float, float]:
    both = sum(a and b for a, b in zip(labelled, found, strict=True))
    return both / sum(found), both / sum(labelled)


def test_edits_are_found_in_real_answers() -> None:
    labelled = {row["id"]: row["edited"] == "yes" for row in labels("edits")}
    answers = {row["id"]: row for row in rows("RC_explainlikeimfive") if row["id"] in labelled}
    assert len(answers) == 200
    found = [edit_at(paragraphs(answers[id_]["body"])) is not None for id_ in labelled]
    precision, recall = precision_and_recall(list(labelled.values()), found)
    assert precision >= 0.95 and recall >= 0.95, (precision, recall)


def test_questions_are_told_from_other_real_posts() -> None:
    labelled = {(row["file"], row["id"]): row["question"] == "yes" for row in labels("questions")}
    posts = {
        (file, row["id"]): row
        for file in {file for file, _ in labelled}
        for row in rows(file)
        if (file, row["id"]) in labelled
    }
    assert len(posts) == 200
    found = []
    for key in labelled:
        post = posts[key]
        body = "" if is_gone(post["selftext"]) else paragraphs(post["selftext"])
        found.append(is_question(post["title"], body))
    precision, recall = precision_and_recall(list(labelled.values()), found)
    assert precision >= 0.95 and recall >= 0.95, (precision, recall)
