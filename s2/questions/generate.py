"""A question for each article: the first of the prompts whose reply is a question about it."""

import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
from tqdm import tqdm

MAX_WORDS = 30
OPENING_WORDS = 40

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("split", pa.string()),
        ("question", pa.string()),
        ("answer", pa.string()),
        ("prompt_number", pa.int64()),
        ("dropped_by", pa.string()),
    ]
)

_OPENING = re.compile(
    r"^(?:what|who|whom|whose|which|when|where|why|how|is|are|was|were|do|does|did|can|could|in|at"
    r"|on|from|for|to|of|by)\b",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_FIELD = re.compile(r"\{(title|text|opening)\}")
_LABEL = re.compile(r"^(?:question|q|x)\s*:\s*", re.IGNORECASE)
_NO_SUBJECT = re.compile(r"\bthis (?:question|text|article)\b|\bthe text\b", re.IGNORECASE)


def parse_question(reply: str, title: str, text: str) -> str | None:
    """The question that a reply is, or None: one line, one question mark, at its end, an opening
    that asks, and a word of the title or of the text."""
    question = _LABEL.sub("", reply.strip().strip("\"'*")).strip().strip("\"'*")
    words = question.split()
    if "\n" in question or question.count("?") != 1 or not question.endswith("?"):
        return None
    if not 3 <= len(words) <= MAX_WORDS or not _OPENING.match(question):
        return None
    if _NO_SUBJECT.search(question) or not _content(question) & _content(f"{title} {text}"):
        return None
    return question


def opening(text: str) -> str:
    """Whole sentences from the start of a text until they have `OPENING_WORDS`."""
    kept, words = [], 0
    for sentence in _SENTENCE_END.split(text):
        kept.append(sentence)
        words += len(sentence.split())
        if words >= OPENING_WORDS:
            break
    return " ".join(kept)


def _content(text: str) -> set[str]:
    """The words that carry a text's subject, by their first four letters, so that `moons` meets
    `moon`; short lower-case words and question words do not count."""
    words = re.findall(r"\w+", text)
    asking = {"what", "which", "where", "when", "does", "were", "have", "whose", "with", "from"}
    found = {word for word in words if len(word) >= 4 or not word.islower()}
    return {word.lower()[:4] for word in found if word.lower() not in asking | {"who", "how", "why"}}


def generate(
    rows: Iterable[dict[str, Any]],
    prompts: list[str],
    reply: Callable[[str], str],
    workers: int,
) -> Iterator[dict[str, Any]]:
    """Rows of `SCHEMA` in the order of `rows`; a row for which no prompt brought a question has
    `dropped_by` = no_question."""

    def ask(row: dict[str, Any]) -> dict[str, Any]:
        question, number = _first_question(row, prompts, reply)
        return {
            "id": row["id"],
            "split": row["split"],
            "question": question,
            "answer": row["answer"],
            "prompt_number": number,
            "dropped_by": None if question else "no_question",
        }

    listed = list(rows)
    pool = ThreadPoolExecutor(workers)
    try:
        yield from tqdm(pool.map(ask, listed), total=len(listed), desc="questions", unit=" rows")
    finally:
        pool.shutdown(cancel_futures=True)


def unasked(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Rows of `SCHEMA` for rows that no dataset takes, so that nobody is asked."""
    for row in rows:
        kept = {"id": row["id"], "split": row["split"], "answer": row["answer"]}
        yield kept | {"question": None, "prompt_number": None, "dropped_by": "no_dataset"}


def _first_question(
    row: dict[str, Any], prompts: list[str], reply: Callable[[str], str]
) -> tuple[str | None, int | None]:
    title, text = row["title"], row["answer"]
    fields = {"title": title, "text": text, "opening": opening(text)}
    for number, prompt in enumerate(prompts):
        filled = _FIELD.sub(lambda match: fields[match.group(1)], prompt)
        question = parse_question(reply(filled), title, text)
        if question:
            return question, number
    return None, None
