from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from s2.kernel.tables import connect, scan, write_rows
from s2.reddit.answers import CANDIDATES, Cleaning, candidates, count_input, joined
from s2.reddit.rows import COMMENTS, POSTS

POST = {
    "id": "p",
    "subreddit": "x",
    "author": "ann",
    "title": "ELI5: Why is rain wet?",
    "selftext": "Really.",
    "is_self": True,
    "over_18": False,
    "stickied": False,
}
COMMENT = {
    "id": "c",
    "link_id": "t3_p",
    "parent_id": "t3_p",
    "author": "bob",
    "body": "It is water. Water is wet.",
    "score": 5,
    "stickied": False,
}

CLEANING = Cleaning(method="report", edits="drop", removed_posts="drop")


def run(
    folder: Path, posts: list[dict[str, Any]], comments: list[dict[str, Any]], **changes: Any
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    write_rows(folder / "posts.parquet", POSTS, [POST | post for post in posts])
    write_rows(folder / "comments.parquet", COMMENTS, [COMMENT | row for row in comments])
    connection = connect()
    for name in ("posts", "comments"):
        connection.execute(f"CREATE VIEW {name} AS FROM {scan(folder / f'{name}.parquet')}")
    counts = count_input(connection)
    cleaning = replace(CLEANING, **changes)
    batches = [candidates(batch, cleaning) for batch in joined(connection)]
    assert all(batch.schema == CANDIDATES for batch in batches)
    return [row for batch in batches for row in batch.to_pylist()], counts


def test_a_clean_pair_is_measured(in_tmp: Path) -> None:
    (row,), _ = run(in_tmp, [{}], [{}])
    assert row["question"] == "Why is rain wet? Really."
    assert row["answer"] == "It is water. Water is wet."
    assert (row["id"], row["question_id"], row["words"]) == ("t1_c", "t3_p", 6)
    # 6 words in 2 sentences; pyphen hyphenates "wa-ter" twice: 8 syllables, 1.3 a word.
    assert row["ease"] == pytest.approx(206.835 - 1.015 * 3.0 - 84.6 * 1.3, abs=0.006)
    assert row["dropped_by"] is None and row["question_dropped_by"] is None


@pytest.mark.parametrize(
    ("post", "comment", "reason"),
    [
        ({"selftext": "[removed]"}, {}, "deleted"),
        ({"author": "[deleted]"}, {}, "deleted"),
        ({}, {"body": "[deleted]"}, "deleted"),
        ({}, {"author": "[deleted]"}, "deleted"),
        ({}, {"author": "AutoModerator"}, "bot"),
        ({"author": "news_bot"}, {}, "bot"),
        ({}, {"distinguished": "moderator"}, "stickied"),
        ({"stickied": True}, {}, "stickied"),
        ({"over_18": True}, {}, "nsfw"),
        ({"is_self": False}, {}, "not_self"),
        ({"title": "Rain is wet."}, {}, "not_a_question"),
        ({"title": "Weekly megathread: why?"}, {}, "not_a_question"),
        ({"distinguished": "moderator"}, {}, "not_a_question"),
        ({"title": "Rain", "selftext": "It is wet."}, {}, "not_a_question"),
        ({"selftext": "Edit: who knows?", "title": "Rain."}, {}, "not_a_question"),
        ({"over_18": True, "is_self": False}, {"author": "x_bot"}, "bot"),
        ({"author": "[deleted]"}, {"author": "x_bot"}, "deleted"),
    ],
)
def test_one_reason_the_first_in_order(
    in_tmp: Path, post: dict[str, Any], comment: dict[str, Any], reason: str
) -> None:
    (row,), _ = run(in_tmp, [post], [comment])
    assert row["dropped_by"] == reason
    assert row["ease"] is None


def test_a_bad_answer_does_not_condemn_its_question(in_tmp: Path) -> None:
    (row,), _ = run(in_tmp, [{}], [{"body": "[removed]"}])
    assert row["dropped_by"] == "deleted" and row["question_dropped_by"] is None


def test_replies_orphans_and_unanswered_posts_are_counted(in_tmp: Path) -> None:
    comments = [
        {},
        {"id": "reply", "parent_id": "t1_c"},
        {"id": "orphan", "link_id": "t3_gone", "parent_id": "t3_gone"},
    ]
    rows, counts = run(in_tmp, [{}, {"id": "q"}], comments)
    assert [(row["id"], row["dropped_by"]) for row in rows] == [("t1_c", None), ("t3_q", "unanswered")]
    assert counts == {
        "comments": 3,
        "reply": 1,
        "orphan": 1,
        "unanswered": 1,
        "removed_posts": 0,
        "answers_to_removed_posts": 0,
    }


@pytest.mark.parametrize(
    ("edits", "answer", "question", "edited"),
    [
        ("drop", "It is water. Edit: not snow.", "Why is rain wet? Really?", True),
        ("cut", "It is water.", "Why is rain wet? Really?", False),
        (
            "keep",
            "It is water. Edit: not snow.",
            "Why is rain wet? Really? Thanks! Edit: I mean rain. PS: hi",
            True,
        ),
    ],
)
def test_edits_are_dropped_cut_or_kept(
    in_tmp: Path, edits: str, answer: str, question: str, edited: bool
) -> None:
    post = {"selftext": "Really? Thanks!\n\nEdit: I mean rain.\n\nPS: hi"}
    comments = [{"body": "It is water. Edit: not snow."}]
    (row,), _ = run(in_tmp, [post], comments, edits=edits)
    assert (row["answer"], row["question"]) == (answer, question)
    assert (row["edited"], row["dropped_by"], row["words"]) == (edited, None, len(answer.split()))


def test_a_title_asks_by_its_body(in_tmp: Path) -> None:
    (row,), _ = run(in_tmp, [{"title": "ELI5: Rain", "selftext": "Why is it wet?"}], [{}])
    assert (row["question"], row["dropped_by"]) == ("Rain Why is it wet?", None)


@pytest.mark.parametrize("gone", ["[removed]", "[deleted]"])
def test_a_removed_post_may_keep_the_question_of_its_title(in_tmp: Path, gone: str) -> None:
    posts = [
        {"selftext": gone, "author": "[deleted]"},
        {"id": "t", "title": "Rain", "selftext": gone},
        {"id": "u", "title": "[removed]", "selftext": gone},
    ]
    comments = [{}, {"id": "d", "link_id": "t3_t", "parent_id": "t3_t"}]
    rows, counts = run(in_tmp, posts, comments, removed_posts="title")
    assert [(row["question"], row["dropped_by"]) for row in rows] == [
        ("Why is rain wet?", None),
        ("Rain", "not_a_question"),
        ("[removed]", "deleted"),
    ]
    assert counts["removed_posts"] == 3 and counts["answers_to_removed_posts"] == 2
    dropped, _ = run(in_tmp, posts, comments)
    assert {row["dropped_by"] for row in dropped} == {"deleted"}


@pytest.mark.parametrize("mark", ["\\#\\#\\# Human: so", "so \\#\\#\\#Assistant: it is"])
def test_what_imitates_the_prompt_is_dropped_by_name(in_tmp: Path, mark: str) -> None:
    (row,), _ = run(in_tmp, [{}], [{"body": f"Water. {mark}"}])
    assert (row["dropped_by"], row["question_dropped_by"]) == ("prompt_mark", None)
    (row,), _ = run(in_tmp, [{"selftext": mark}], [{}])
    assert (row["dropped_by"], row["question_dropped_by"]) == ("prompt_mark", "prompt_mark")
    # A heading is no mark once it is prose.
    (row,), _ = run(in_tmp, [{}], [{"body": "### Human: so\n\nWater is wet."}])
    assert row["dropped_by"] is None and row["answer"].startswith("Human: so")
