"""Posts and top-level comments, joined into cleaned question/answer rows.

What is known to be unusable whatever the thresholds (deleted, by a bot, no question ...) is named
in `dropped_by` here; what depends on a threshold is only measured, and decided by
`s2.quality.gates`.
"""

from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import pyarrow as pa

from s2.quality.readability import Readability, count_words, scorer
from s2.reddit import text

ROWS = 4_096

CANDIDATES = pa.schema(
    [
        ("id", pa.string()),
        ("question_id", pa.string()),
        ("subreddit", pa.string()),
        ("question", pa.string()),
        ("answer", pa.string()),
        ("score", pa.int64()),
        ("words", pa.int64()),
        ("ease", pa.float64()),
        ("grade", pa.float64()),
        ("ends_with_edit", pa.bool_()),
        ("question_dropped_by", pa.string()),
        ("dropped_by", pa.string()),
    ]
)

_COUNTS = """
SELECT
    (SELECT count(*) FROM comments) AS comments,
    (SELECT count(*) FROM comments WHERE parent_id NOT LIKE 't3_%') AS reply,
    (SELECT count(*) FROM comments ANTI JOIN posts ON comments.link_id = 't3_' || posts.id
     WHERE parent_id LIKE 't3_%') AS orphan,
    (SELECT count(*) FROM posts
     ANTI JOIN (FROM comments WHERE parent_id LIKE 't3_%') AS top
     ON top.link_id = 't3_' || posts.id) AS unanswered
"""

_JOIN = """
SELECT
    't3_' || p.id AS question_id, p.subreddit, p.title, p.selftext,
    p.author AS post_author, p.stickied AS post_stickied, p.over_18, p.is_self,
    't1_' || c.id AS answer_id, c.author, c.body, c.stickied, c.distinguished, c.score
FROM posts AS p
LEFT JOIN (FROM comments WHERE parent_id LIKE 't3_%') AS c ON c.link_id = 't3_' || p.id
ORDER BY p.id, c.id NULLS FIRST
"""


def count_input(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Comments, posts that no comment answers, and what the join leaves out: replies to other
    comments (`reply`) and answers to posts that are not in the dumps (`orphan`)."""
    found = connection.sql(_COUNTS)
    return dict(zip(found.columns, found.fetchall()[0], strict=True))


def joined(connection: duckdb.DuckDBPyConnection) -> Iterator[pa.RecordBatch]:
    """Posts and their comments out of the views `posts` and `comments`: one row for each top-level
    comment, and one without an answer for each post that has none, in order of their ids."""
    return iter(connection.sql(_JOIN).to_arrow_reader(ROWS))


def candidates(rows: pa.RecordBatch, method: str) -> pa.RecordBatch:
    """Rows of `joined` as rows of `CANDIDATES`, readability measured by `method`."""
    score = scorer(method)
    last_id, question, question_drop, found = "", "", None, []
    for row in rows.to_pylist():
        if row["question_id"] != last_id:
            last_id, question, question_drop = row["question_id"], *_question(row)
        found.append(_candidate(row, question, question_drop, score))
    return pa.RecordBatch.from_pylist(found, CANDIDATES)


def _candidate(
    row: dict[str, Any],
    question: str,
    question_drop: str | None,
    score: Callable[[str], Readability],
) -> dict[str, Any]:
    blocks = text.blocks(row["body"]) if row["answer_id"] is not None else None
    answer = " ".join(blocks) if blocks is not None else None
    dropped_by = drop_reason(row, question_drop)
    measured = score(answer) if answer is not None and dropped_by is None else None
    return {
        "id": row["answer_id"] or row["question_id"],
        "question_id": row["question_id"],
        "subreddit": row["subreddit"],
        "question": question,
        "answer": answer,
        "score": row["score"],
        "words": count_words(answer) if answer is not None else None,
        "ease": measured.ease if measured else None,
        "grade": measured.grade if measured else None,
        "ends_with_edit": text.ends_with_edit(blocks) if blocks is not None else None,
        "question_dropped_by": question_drop,
        "dropped_by": dropped_by,
    }


def _question(row: dict[str, Any]) -> tuple[str, str | None]:
    title = text.question_title(row["title"])
    body = text.prose(row["selftext"])
    return f"{title} {body}".strip(), question_drop_reason(row)


def question_drop_reason(row: dict[str, Any]) -> str | None:
    """Why a post is no usable question, the first reason that holds, or None."""
    checks = {
        "deleted": text.is_gone(row["selftext"])
        or text.is_gone(row["title"])
        or text.is_gone(row["post_author"]),
        "bot": text.is_bot(row["post_author"]),
        "stickied": row["post_stickied"],
        "nsfw": row["over_18"],
        "not_self": not row["is_self"],
        "not_a_question": not text.is_question(row["title"]),
    }
    return next((reason for reason, holds in checks.items() if holds), None)


_ORDER = ["deleted", "bot", "stickied", "nsfw", "not_self", "not_a_question", "unanswered"]


def drop_reason(row: dict[str, Any], question_drop: str | None) -> str | None:
    """Why a question/answer row is unusable: the first reason, in the order of `_ORDER`, that
    holds of its post or of its comment, or None."""
    if row["answer_id"] is None:
        return question_drop or "unanswered"
    checks = {
        "deleted": text.is_gone(row["body"]) or text.is_gone(row["author"]),
        "bot": text.is_bot(row["author"]),
        "stickied": row["stickied"] or row["distinguished"] == "moderator",
    }
    reasons = [reason for reason, holds in checks.items() if holds]
    reasons += [question_drop] if question_drop else []
    return min(reasons, key=_ORDER.index, default=None)
