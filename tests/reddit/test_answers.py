from pathlib import Path
from typing import Any

import pytest

from s2.kernel.tables import connect, scan, write_rows
from s2.reddit.answers import CANDIDATES, candidates, count_input, joined
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


def run(
    folder: Path, posts: list[dict[str, Any]], comments: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    write_rows(folder / "posts.parquet", POSTS, [POST | post for post in posts])
    write_rows(folder / "comments.parquet", COMMENTS, [COMMENT | row for row in comments])
    connection = connect()
    for name in ("posts", "comments"):
        connection.execute(f"CREATE VIEW {name} AS FROM {scan(folder / f'{name}.parquet')}")
    counts = count_input(connection)
    batches = [candidates(batch, "report") for batch in joined(connection)]
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
    assert counts == {"comments": 3, "reply": 1, "orphan": 1, "unanswered": 1}
