"""The story of one row: where it stands in a dump, what each gate said and why, where it went."""

from collections.abc import Collection, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from s2.kernel.errors import S2Error
from s2.kernel.tables import connect, scan
from s2.quality.gates import Rule
from s2.quality.thresholds import Thresholds, load_leakage, load_thresholds
from s2.report.reasons import explained

DATA = Path("data")
SPLITS = ("train", "validation", "test")

_Row = dict[str, Any]


def story(row_id: str, datasets: Collection[str]) -> Iterator[str]:
    """Lines about the comment `t1_…`, the post `t3_…` or the page `wiki_…`, and which of the datasets
    hold it; an id as it stands in a dump is looked for among all three. Raises `S2Error` if no dump
    has it."""
    rules = load_thresholds()
    if not row_id.isprintable():
        raise S2Error(f"{row_id!r} is no id: it holds what no text can hold")
    if row_id.startswith("wiki_") or (row_id.isdecimal() and _find("wiki/articles", f"wiki_{row_id}")):
        yield from _page(f"wiki_{row_id.removeprefix('wiki_')}", rules, datasets)
        return
    bare = row_id.removeprefix("t1_").removeprefix("t3_")
    comment = None if row_id.startswith("t3_") else _find("reddit/comments", bare)
    post = None if row_id.startswith("t1_") or comment else _find("reddit/posts", bare)
    own = None if comment or post else _find_own(row_id)
    if own:
        yield from _own(own, rules, datasets)
    elif comment:
        yield from _comment(comment, rules, datasets)
    elif post:
        yield from _post(post)
    else:
        raise S2Error(
            f"no row {row_id!r} in data/reddit, data/wiki or your sources: it is not in the dumps "
            "under data.raw, or its subreddit is not one of data.reddit.subreddits"
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


def _comment(comment: _Row, rules: Thresholds, datasets: Collection[str]) -> Iterator[str]:
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
    yield f"text: {measured.get('answer') or comment['body']}"
    if measured.get("question_dropped_by"):
        yield f"its question is dropped by {explained(measured['question_dropped_by'])}"
    verdict = _find("splits/verdicts/reddit", row_id) or {}
    measured |= _worst("reddit", row_id)
    must = "to be chosen, must be" if verdict.get("purpose") == "preference" else "must be"
    yield from _measures(measured, rules.reddit)
    yield from _measures(measured, rules.good, must)
    leak = _leak("reddit", verdict.get("question_id", ""))
    yield from _verdict(verdict, leak)
    yield from _whereabouts(row_id, datasets)


def _post(post: _Row) -> Iterator[str]:
    row_id = f"t3_{post['id']}"
    yield f"{row_id}: a post in r/{post['subreddit']}, {post['title']!r}, {_place(post)}"
    answers = _rows("splits/verdicts/reddit", row_id, "question_id")
    dropped = [row["question_dropped_by"] for row in _rows("candidates/reddit", row_id, "question_id")]
    measured = _rows("candidates/reddit", row_id, "question_id")
    if measured:
        yield f"text: {measured[0]['question']}"
    yield (
        f"question dropped by {explained(dropped[0])}" if dropped and dropped[0] else "a usable question"
    )
    for answer in answers:
        if answer["id"] != row_id:
            fate = f"dropped by {answer['dropped_by']}" if answer["dropped_by"] else answer["purpose"]
            yield f"answer {answer['id']}: {fate}"
    yield from _told(_leak("reddit", row_id))
    if answers:
        yield f"split: {answers[0]['split']}"
    if _find("splits/prompts/reddit", row_id, "question_id"):
        yield "in data/splits/prompts/reddit.parquet: no answer of it was kept"


def _page(row_id: str, rules: Thresholds, datasets: Collection[str]) -> Iterator[str]:
    page = _find("wiki/articles", row_id)
    if not page:
        raise S2Error(f"no page {row_id!r} in data/wiki: it is not in the dumps under data.raw")
    yield f"{row_id}: {page['title']!r}, namespace {page['namespace']}, {_place(page)}"
    measured = _find("candidates/wiki", row_id) or {}
    if measured.get("answer"):
        yield f"text: {measured['answer']}"
    yield from _measures(measured | _worst("wiki", row_id), rules.wiki)
    question = _find("questions/wiki", row_id) if _path("questions/wiki").is_file() else None
    if question:
        yield f"question: {question['question']!r}"
    verdict = _find("splits/verdicts/wiki", row_id) or {}
    if not question and verdict and not verdict["dropped_by"] and _path("questions/wiki").is_file():
        yield "dropped by no_question, or refused: the language model gave no question for it"
        return
    leak = _leak("wiki", row_id) if question else None
    yield from _verdict(verdict, leak)
    yield from _whereabouts(row_id, datasets)


def _find_own(row_id: str) -> _Row | None:
    return _find("candidates/own", row_id) if _path("candidates/own").is_file() else None


def _own(row: _Row, rules: Thresholds, datasets: Collection[str]) -> Iterator[str]:
    yield f"{row['id']}: of your source {row['subreddit']}"
    yield f"question: {row['question']!r}"
    yield f"text: {row['answer']}"
    yield from _measures(row | _worst("own", row["id"]), rules.own)
    verdict = _find("splits/verdicts/own", row["id"]) or {}
    yield from _verdict(verdict, _leak("own", row["question_id"]))
    yield from _whereabouts(row["id"], datasets)


def _measures(row: _Row, rules: Sequence[Rule], must: str = "must be") -> Iterator[str]:
    """Each measure of a row beside its rules; one that it does not have is left out."""
    for rule in rules:
        value = row.get(rule.column)
        if value is not None:
            shown = ("no", "yes")[value] if isinstance(value, bool) else f"{value:g}"
            yield f"{rule.what}: {shown} ({must}: {rule.words()}){_mark(rule.holds(value))}"


def _worst(source: str, row_id: str) -> _Row:
    """The highest label of a row's toxicity, if it was scored."""
    scores = _find(f"toxicity/{source}", row_id) or {}
    labels = [score for name, score in scores.items() if name != "id"]
    return {"toxicity": max(labels)} if labels else {}


def _mark(holds: bool) -> str:
    return "" if holds else "  <- fails"


def _leak(source: str, question_id: str) -> _Row | None:
    return _find(f"leaks/{source}", question_id, "question_id")


def _told(leak: _Row | None) -> Iterator[str]:
    if leak:
        yield f"its question is like {leak['like']}, which is held out"
        yield from _measures(leak, [load_leakage()])


def _verdict(row: _Row, leak: _Row | None) -> Iterator[str]:
    yield from _told(leak)
    if row.get("dropped_by"):
        yield f"dropped by {explained(row['dropped_by'])}"
    elif leak:
        yield f"dropped by {explained('leakage')}"
    elif row:
        yield f"kept; purpose: {row.get('purpose', 'sft')}, split: {row['split']}"


def _whereabouts(row_id: str, datasets: Collection[str]) -> Iterator[str]:
    """The datasets that hold a row, of those that are built."""
    for name, split in product(datasets, SPLITS):
        path = _path(f"sft/{name}/{split}")
        if path.is_file() and _find(f"sft/{name}/{split}", row_id):
            yield f"in {path}"
    for side in ("chosen", "rejected"):
        pairs = len(_rows("splits/preference/reddit", row_id, f"{side}_id"))
        if pairs:
            yield f"{side} in {pairs} pairs of data/splits/preference/reddit.parquet"
