"""The story of one row: where it stands in a dump, what each gate said and why, where it went."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from s2.errors import S2Error
from s2.params import Length, Params
from s2.tables import connect, scan

DATA = Path("data")
DATASETS = ("eli5", "wiki", "eli5-wiki")
SPLITS = ("train", "validation", "test")

_Row = dict[str, Any]


def story(row_id: str, params: Params) -> Iterator[str]:
    """Lines about the comment `t1_…`, the post `t3_…` or the page `wiki_…`; an id as it stands in a
    dump is looked for among all three. Raises `S2Error` if no dump has it."""
    if row_id.startswith("wiki_") or (row_id.isdecimal() and _find("wiki/articles", f"wiki_{row_id}")):
        yield from _page(f"wiki_{row_id.removeprefix('wiki_')}", params)
        return
    bare = row_id.removeprefix("t1_").removeprefix("t3_")
    comment = None if row_id.startswith("t3_") else _find("reddit/comments", bare)
    post = None if row_id.startswith("t1_") or comment else _find("reddit/posts", bare)
    if comment:
        yield from _comment(comment, params)
    elif post:
        yield from _post(post)
    else:
        raise S2Error(
            f"no row {row_id!r} in data/reddit or data/wiki: it is not in the dumps under data.raw, "
            "or its subreddit is not one of data.reddit.subreddits"
        )


def _find(table: str, value: str, column: str = "id") -> _Row | None:
    return next(iter(_rows(table, value, column)), None)


def _path(table: str) -> Path:
    return DATA / f"{table}.parquet"


def _rows(table: str, value: str, column: str = "id") -> list[_Row]:
    """The rows of data/<table>.parquet whose column has a value."""
    path = _path(table)
    if not path.is_file():
        raise S2Error(f"{path} is not built yet: build it with `dvc repro`")
    query = f'FROM {scan(path)} WHERE "{column}" = $value ORDER BY ALL'
    found = connect().sql(query, params={"value": value})
    return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def _place(row: _Row) -> str:
    return f"in {row['file']}, at byte {row['offset']:,} of its text"


def _comment(comment: _Row, params: Params) -> Iterator[str]:
    row_id = f"t1_{comment['id']}"
    yield f"{row_id}: a comment in r/{comment['subreddit']}, score {comment['score']}, {_place(comment)}"
    post = _find("reddit/posts", comment["link_id"].removeprefix("t3_"))
    if not comment["parent_id"].startswith("t3_"):
        yield f"dropped: it replies to {comment['parent_id']}, so that it is no answer (reply)"
        return
    if not post:
        yield f"dropped: its post {comment['link_id']} is not in the dumps (orphan)"
        return
    yield f"answers t3_{post['id']}: {post['title']!r}, {_place(post)}"
    measured = _find("candidates/reddit", row_id) or {}
    if measured.get("question_dropped_by"):
        yield f"its question is dropped by {measured['question_dropped_by']}"
    yield from _measures(measured, params.quality.length.reddit, params)
    if measured.get("ends_with_edit"):
        yield "ends with an edit"
    yield from _toxicity("reddit", row_id, params)
    verdict = _find("splits/verdicts/reddit", row_id) or {}
    yield from _leak(verdict.get("question_id", ""), params)
    if verdict.get("purpose") == "sft":
        low = comment["score"] < params.splits.min_score
        yield f"score: {comment['score']} (for SFT at least {params.splits.min_score}){_mark(not low)}"
    yield from _verdict(verdict)
    yield from _whereabouts(row_id)


def _post(post: _Row) -> Iterator[str]:
    row_id = f"t3_{post['id']}"
    yield f"{row_id}: a post in r/{post['subreddit']}, {post['title']!r}, {_place(post)}"
    answers = _rows("splits/verdicts/reddit", row_id, "question_id")
    dropped = [row["question_dropped_by"] for row in _rows("candidates/reddit", row_id, "question_id")]
    yield f"question dropped by {dropped[0]}" if dropped and dropped[0] else "a usable question"
    for answer in answers:
        if answer["id"] != row_id:
            fate = f"dropped by {answer['dropped_by']}" if answer["dropped_by"] else answer["purpose"]
            yield f"answer {answer['id']}: {fate}"
    if answers:
        yield f"split: {answers[0]['split']}"
    if _find("splits/prompts/reddit", row_id, "question_id"):
        yield "in data/splits/prompts/reddit.parquet: no answer of it was kept"


def _page(row_id: str, params: Params) -> Iterator[str]:
    page = _find("wiki/articles", row_id)
    if not page:
        raise S2Error(f"no page {row_id!r} in data/wiki: it is not in the dumps under data.raw")
    yield f"{row_id}: {page['title']!r}, namespace {page['namespace']}, {_place(page)}"
    measured = _find("candidates/wiki", row_id) or {}
    yield from _measures(measured, params.quality.length.wiki, params)
    if measured.get("residual_markup"):
        yield "markup is left in its text"
    yield from _toxicity("wiki", row_id, params)
    yield from _verdict(_find("splits/verdicts/wiki", row_id) or {})
    question = _find("questions/wiki", row_id) if _path("questions/wiki").is_file() else None
    if question:
        yield f"question: {question['question']!r}"
    yield from _whereabouts(row_id)


def _measures(row: _Row, length: Length, params: Params) -> Iterator[str]:
    """Words, FRE and FKG, each with its threshold; what was dropped before has no FRE and FKG."""
    limits = params.quality.readability
    words, ease, grade = row.get("words"), row.get("ease"), row.get("grade")
    if words is not None:
        holds = length.min_words <= words <= length.max_words
        yield f"words: {words} (of {length.min_words} to {length.max_words}){_mark(holds)}"
    if ease is not None and grade is not None:
        yield f"FRE: {ease:g} (at least {limits.min_ease:g}){_mark(ease >= limits.min_ease)}"
        yield f"FKG: {grade:g} (below {limits.max_grade:g}){_mark(grade < limits.max_grade)}"


def _mark(holds: bool) -> str:
    return "" if holds else "  <- fails"


def _toxicity(source: str, row_id: str, params: Params) -> Iterator[str]:
    scores = _find(f"toxicity/{source}", row_id)
    if scores:
        limit = params.quality.toxicity.max_score
        label, worst = max(
            ((name, score) for name, score in scores.items() if name != "id"), key=lambda pair: pair[1]
        )
        yield f"toxicity: {worst:g} for {label} (at most {limit:g}){_mark(worst <= limit)}"


def _leak(question_id: str, params: Params) -> Iterator[str]:
    leak = _find("splits/leaks/reddit", question_id, "question_id")
    if leak:
        yield (
            f"leakage: its question is like {leak['like']}, which is held out: cosine "
            f"{leak['cosine']:g} (below {params.splits.leakage:g}){_mark(False)}"
        )


def _verdict(row: _Row) -> Iterator[str]:
    if row.get("dropped_by"):
        yield f"dropped by {row['dropped_by']}"
    elif row:
        yield f"kept; purpose: {row.get('purpose', 'sft')}, split: {row['split']}"


def _whereabouts(row_id: str) -> Iterator[str]:
    """The datasets that hold a row, of those that are built."""
    for name, split in product(DATASETS, SPLITS):
        path = _path(f"sft/{name}/{split}")
        if path.is_file() and _find(f"sft/{name}/{split}", row_id):
            yield f"in {path}"
    for side in ("chosen", "rejected"):
        pairs = len(_rows("splits/preference/reddit", row_id, f"{side}_id"))
        if pairs:
            yield f"{side} in {pairs} pairs of data/splits/preference/reddit.parquet"
