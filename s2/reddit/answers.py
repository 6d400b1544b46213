"""Posts and top-level comments, joined into cleaned question/answer rows.

What is known to be unusable whatever the thresholds (deleted, by a bot, no question ...) is named
in `dropped_by` here; what depends on a threshold is only measured, and decided by
`s2.quality.gates`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from s2.models.prompts import has_prompt_mark
from s2.params.data import Edits, Method, RemovedPosts
from s2.quality.readability import Readability, count_words, scorer
from s2.reddit import text
from s2.reddit.edits import edit_at, paragraphs, without_courtesies, without_edit
from s2.reddit.questions import is_question, question_title

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
        ("edited", pa.bool_()),
        ("question_dropped_by", pa.string()),
        ("dropped_by", pa.string()),
    ]
)

_GONE = f"lower(trim(posts.selftext)) IN {text.GONE}"
_COUNTS = f"""
WITH top AS (FROM comments WHERE parent_id LIKE 't3_%')
SELECT
    (SELECT count(*) FROM comments) AS comments,
    (SELECT count(*) FROM comments WHERE parent_id NOT LIKE 't3_%') AS reply,
    (SELECT count(*) FROM top ANTI JOIN posts ON link_id = 't3_' || posts.id) AS orphan,
    (SELECT count(*) FROM posts ANTI JOIN top ON link_id = 't3_' || posts.id) AS unanswered,
    (SELECT count(*) FROM posts WHERE {_GONE}) AS removed_posts,
    (SELECT count(*) FROM top JOIN posts ON link_id = 't3_' || posts.id WHERE {_GONE})
        AS answers_to_removed_posts
"""

_JOIN = """
SELECT
    't3_' || p.id AS question_id, p.subreddit, p.title, p.selftext,
    p.author AS post_author, p.stickied AS post_stickied, p.over_18, p.is_self,
    p.distinguished AS post_distinguished,
    't1_' || c.id AS answer_id, c.author, c.body, c.stickied, c.distinguished, c.score
FROM posts AS p
LEFT JOIN (FROM comments WHERE parent_id LIKE 't3_%') AS c ON c.link_id = 't3_' || p.id
ORDER BY p.id, c.id NULLS FIRST
"""


def count_input(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Comments, posts that no comment answers, what the join leaves out (replies to other comments,
    `reply`, and answers to posts that are not in the dumps, `orphan`), and the posts whose body was
    removed or deleted, with the comments that answer them."""
    found = connection.sql(_COUNTS)
    return dict(zip(found.columns, found.fetchall()[0], strict=True))


def joined(connection: duckdb.DuckDBPyConnection) -> Iterator[pa.RecordBatch]:
    """Posts and their comments out of the views `posts` and `comments`: one row for each top-level
    comment, and one without an answer for each post that has none, in order of their ids."""
    return iter(connection.sql(_JOIN).to_arrow_reader(ROWS))


@dataclass(frozen=True)
class Cleaning:
    """How rows are cleaned: readability measured by `method`, what becomes of texts with an edit, and
    of posts whose body was removed."""

    method: Method
    edits: Edits
    removed_posts: RemovedPosts


def candidates(rows: pa.RecordBatch, cleaning: Cleaning) -> pa.RecordBatch:
    """Rows of `joined` as rows of `CANDIDATES`."""
    score = scorer(cleaning.method)
    last_id, question, question_drop, found = "", "", None, []
    for row in rows.to_pylist():
        if row["question_id"] != last_id:
            last_id, question, question_drop = row["question_id"], *_question(row, cleaning)
        answer = _answer(row["body"], cleaning.edits) if row["answer_id"] is not None else None
        found.append(_candidate(row, answer, question, question_drop, score))
    return pa.RecordBatch.from_pylist(found, CANDIDATES)


def _answer(markdown: str, edits: Edits) -> str:
    """An answer, a paragraph a line; with `edits: cut` up to its first edit."""
    answer = paragraphs(markdown)
    return without_edit(answer) if edits == "cut" else answer


def _candidate(
    row: dict[str, Any],
    paragraphs: str | None,
    question: str,
    question_drop: str | None,
    score: Callable[[str], Readability],
) -> dict[str, Any]:
    answer = " ".join(paragraphs.split()) if paragraphs is not None else None
    dropped_by = drop_reason(row, answer, question_drop)
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
        "edited": edit_at(paragraphs) is not None if paragraphs is not None else None,
        "question_dropped_by": question_drop,
        "dropped_by": dropped_by,
    }


def _question(row: dict[str, Any], cleaning: Cleaning) -> tuple[str, str | None]:
    """A post's question, its title and its body, and why it is no usable one, or None.

    Unless edits are kept, a body ends before its first one, and its thanks and its postscript go too.
    It drops no answer: what an asker adds is mostly thanks for them.
    """
    body = "" if text.is_gone(row["selftext"]) else paragraphs(row["selftext"])
    if cleaning.edits != "keep":
        body = without_courtesies(without_edit(body))
    question = " ".join(f"{question_title(row['title'])} {body}".split())
    return question, question_drop_reason(row, body, cleaning.removed_posts)


def question_drop_reason(row: dict[str, Any], body: str, removed_posts: RemovedPosts) -> str | None:
    """Why a post is no usable question, the first reason that holds, or None; `body` is its prose."""
    gone = text.is_gone(row["selftext"]) or text.is_gone(row["post_author"])
    checks = {
        "deleted": text.is_gone(row["title"]) or (gone and removed_posts == "drop"),
        "bot": text.is_bot(row["post_author"]),
        "stickied": row["post_stickied"],
        "nsfw": row["over_18"],
        "not_self": not row["is_self"],
        "not_a_question": bool(row["post_distinguished"]) or not is_question(row["title"], body),
        "prompt_mark": has_prompt_mark(f"{question_title(row['title'])} {body}"),
    }
    return next((reason for reason, holds in checks.items() if holds), None)


_ORDER = ["deleted", "bot", "stickied", "nsfw", "not_self", "not_a_question"]
_ORDER += ["prompt_mark", "unanswered"]


def drop_reason(row: dict[str, Any], answer: str | None, question_drop: str | None) -> str | None:
    """Why a question/answer row is unusable: the first reason, in the order of `_ORDER`, that
    holds of its post or of its comment, whose prose is `answer`, or None."""
    if row["answer_id"] is None:
        return question_drop or "unanswered"
    checks = {
        "deleted": text.is_gone(row["body"]) or text.is_gone(row["author"]),
        "bot": text.is_bot(row["author"]),
        "stickied": row["stickied"] or row["distinguished"] == "moderator",
        "prompt_mark": has_prompt_mark(answer or ""),
    }
    reasons = [reason for reason, holds in checks.items() if holds]
    reasons += [question_drop] if question_drop else []
    return min(reasons, key=_ORDER.index, default=None)
