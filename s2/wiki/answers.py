"""Articles to answers: rows with `dropped_by`, and the truncation at so many words or characters."""

import re
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from s2.models.prompts import has_prompt_mark
from s2.params.data import Truncate
from s2.quality.readability import Readability, count_words, scorer

_RESIDUE = re.compile(r"\{\{|\}\}|\[\[|\]\]|\{\||\|\}|\|-|'''|</?[a-z]+[ />]|\b(?:thumb|\d+px)\|", re.I)

CANDIDATES = pa.schema(
    [
        ("id", pa.string()),
        ("title", pa.string()),
        ("answer", pa.string()),
        ("article_words", pa.int64()),
        ("words", pa.int64()),
        ("ease", pa.float64()),
        ("grade", pa.float64()),
        ("residual_markup", pa.bool_()),
        ("dropped_by", pa.string()),
    ]
)


def candidates(articles: pa.RecordBatch, truncate: Truncate, method: str) -> pa.RecordBatch:
    """Rows of `s2.wiki.articles.ARTICLES` as rows of `CANDIDATES`, readability by `method`."""
    score = scorer(method)
    rows = [_candidate(row, truncate, score) for row in articles.to_pylist()]
    return pa.RecordBatch.from_pylist(rows, CANDIDATES)


def _candidate(
    row: dict[str, Any], truncate: Truncate, score: Callable[[str], Readability]
) -> dict[str, Any]:
    kept = first_paragraphs(row["paragraphs"], truncate)
    answer = " ".join(kept)
    dropped_by = drop_reason(row, answer)
    measured = score(answer) if dropped_by is None else None
    return {
        "id": row["id"],
        "title": row["title"],
        "answer": answer,
        "article_words": sum(map(count_words, row["paragraphs"])),
        "words": count_words(answer),
        "ease": measured.ease if measured else None,
        "grade": measured.grade if measured else None,
        "residual_markup": has_residue(kept),
        "dropped_by": dropped_by,
    }


def first_paragraphs(paragraphs: list[str], truncate: Truncate) -> list[str]:
    """Whole paragraphs from the top until they have the words or characters of `truncate`; the last
    one may run over."""
    measure, enough = (count_words, truncate.words) if truncate.words else (len, truncate.characters)
    assert enough
    kept, found = [], 0
    for paragraph in paragraphs:
        kept.append(paragraph)
        found += measure(paragraph)
        if found >= enough:
            break
    return kept


def has_residue(paragraphs: list[str]) -> bool:
    """Whether markup is left in the prose, as it is after broken tags or tables."""
    return any(_RESIDUE.search(paragraph) for paragraph in paragraphs)


def drop_reason(row: dict[str, Any], answer: str) -> str | None:
    """Why a page is no article, or its answer none to train on, or None."""
    checks = {
        "redirect": row["redirect"],
        "namespace": row["namespace"] != 0,
        "disambiguation": row["disambiguation"] or row["title"].endswith("(disambiguation)"),
        "list": row["list"] or row["title"].startswith(("List of ", "Lists of ")),
        "prompt_mark": has_prompt_mark(answer),
    }
    return next((reason for reason, holds in checks.items() if holds), None)
