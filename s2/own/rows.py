"""Anybody's questions and answers, out of a file or a set of a hub, as rows that the gates read."""

from collections.abc import Iterator, Sequence
from hashlib import md5
from pathlib import Path
from typing import Any

import pyarrow as pa

from s2.evaluate.texts import read_texts
from s2.kernel.errors import S2Error
from s2.kernel.paths import local
from s2.models.prompts import has_prompt_mark
from s2.params.data import Method, OwnSource
from s2.quality.readability import count_words, scorer

CANDIDATES = pa.schema(
    [
        ("id", pa.string()),
        ("question_id", pa.string()),
        ("subreddit", pa.string()),  # the source's name, by which datasets take it
        ("question", pa.string()),
        ("answer", pa.string()),
        ("words", pa.int64()),
        ("ease", pa.float64()),
        ("grade", pa.float64()),
        ("question_dropped_by", pa.string()),
        ("dropped_by", pa.string()),
    ]
)
Pair = Sequence[str | None]  # a question and its answer


def read_source(name: str, source: OwnSource) -> Iterator[Pair]:
    """A source's questions and answers; raises `S2Error` that names what cannot be read."""
    if source.path:
        yield from read_texts(Path(source.path), [source.question, source.answer])
        return
    from datasets import load_dataset

    try:
        found = load_dataset(
            source.hub, split=source.split, revision=source.revision, cache_dir=str(local("hub"))
        )
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise S2Error(f"sources.{name}: cannot load {source.hub}@{source.revision}: {reason}") from None
    for row in found:
        for column in (source.question, source.answer):
            if column not in row or not isinstance(row[column], str | None):
                raise S2Error(f"sources.{name}: {source.hub} has no column of texts {column!r}")
        yield row[source.question], row[source.answer]


def candidates(name: str, pairs: Iterator[Pair], method: Method) -> Iterator[dict[str, Any]]:
    """Rows of `CANDIDATES`, readability by `method`. A row's id is a hash of its texts: another order
    or more rows move none. Of two that are alike the second is dropped."""
    score = scorer(method)
    seen: set[str] = set()
    for number, pair in enumerate(pairs, start=1):
        question, answer = (" ".join((text or "").split()) for text in pair)
        row_id = f"{name}_{_hash(question, answer)}"
        reason = _drop_reason(question, answer, row_id in seen)
        if reason in ("no_text", "duplicate"):
            row_id = f"{row_id}_{number}"
        seen.add(row_id)
        measured = score(answer) if reason is None else None
        yield {
            "id": row_id,
            "question_id": f"{name}_q_{_hash(question)}",
            "subreddit": name,
            "question": question,
            "answer": answer,
            "words": count_words(answer),
            "ease": measured.ease if measured else None,
            "grade": measured.grade if measured else None,
            "question_dropped_by": _drop_reason(question, "-", is_known=False),
            "dropped_by": reason,
        }


def _drop_reason(question: str, answer: str, is_known: bool) -> str | None:
    if not question or not answer:
        return "no_text"
    if is_known:
        return "duplicate"
    return "prompt_mark" if has_prompt_mark(f"{question} {answer}") else None


def _hash(*texts: str) -> str:
    return md5("\n".join(texts).encode()).hexdigest()[:12]
