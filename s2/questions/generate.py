"""A question for each article: the first of the prompts whose reply is a question about it."""

import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pyarrow as pa
from tqdm import tqdm

from s2.kernel.errors import S2Error
from s2.llm.client import Refused
from s2.models.prompts import has_prompt_mark

MAX_WORDS = 30
OPENING_WORDS = 40
MANY = 50

# A prompt and whether a reply to it is of use, to the reply.
Reply = Callable[[str, Callable[[str], bool]], str]

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

_ASKING = (
    r"(?:(?:what|who|whom|whose|which|when|where|why|how|is|are|am|was|were|do|does|did|can|could|will"
    r"|would|shall|should|may|might|must|has|have|had)(?:n['’]t|['’]s|['’]re)?\b)"
)
_BEHIND = (
    r"(?:in|at|on|from|for|to|of|by|with|within|without|during|under|over|after|before|about|above|across"
    r"|against|along|among|around|as|behind|below|beside|between|despite|inside|into|near|off|out|since"
    r"|through|towards?|until|upon|because|according)"
)
_CHATTING = (
    r"(?:tell|please|sure|certainly|of course|absolutely|here|yes|okay|ok|let|well|thanks?|name|i"
    r"|as an ai|(?:can|could|would) you|(?:the |one |a )?(?:possible )?question)"
)
# A question word may stand behind a preposition ("During which war …") or behind a first clause
# ("Although it is small, why …"), which is no chat ("Certainly, what …").
_OPENING = re.compile(
    rf"^(?!{_CHATTING}\b)(?:{_ASKING}|{_BEHIND}\b.*\b{_ASKING}"
    rf"|\w[^?,;]*[,;]\s+(?:(?:and|but|so|or|then)\s+)?(?:\w+\s+)?{_ASKING})",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_FIELD = re.compile(r"\{(title|text|opening)\}")
_LABEL = re.compile(r"^(?:question|q|x)\s*:\s*", re.IGNORECASE)
_NO_SUBJECT = re.compile(r"\bthis (?:question|text|article)\b|\bthe text\b", re.IGNORECASE)


def parse_question(reply: str, title: str, text: str) -> str | None:
    """The question that a reply is, or None: one line, one question mark, at its end, an opening or a
    second clause that asks, and a word of the title or of the text."""
    question = _LABEL.sub("", reply.strip().strip("\"'*")).strip().strip("\"'*")
    words = question.split()
    if "\n" in question or question.count("?") != 1 or not question.endswith("?"):
        return None
    if not 3 <= len(words) <= MAX_WORDS or not _OPENING.match(question):
        return None
    if has_prompt_mark(question) or _NO_SUBJECT.search(question):
        return None
    if not _content(question) & _content(f"{title} {text}"):
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
    reply: Reply,
    workers: int,
) -> Iterator[dict[str, Any]]:
    """Rows of `SCHEMA` in the order of `rows`; a row for which no prompt brought a question has
    `dropped_by` = refused, if one of them was refused, or no_question.

    Raises `S2Error` if every row was refused, or the first `MANY`, which no row is to blame for.
    """
    refusals: list[str] = []
    heard: list[bool] = []

    def told_nothing(count: int) -> S2Error:
        return S2Error(f"all {count:,} rows were refused, the first with: {refusals[0]}")

    def ask(row: dict[str, Any]) -> dict[str, Any]:
        if len(heard) >= MANY and not any(heard):
            raise told_nothing(MANY)
        asked = _ask(row, prompts, reply)
        refusals.extend(asked.refusals[:1])
        heard.append(len(asked.refusals) < len(prompts))
        reason = "refused" if asked.refusals else "no_question"
        return {
            "id": row["id"],
            "split": row["split"],
            "question": asked.question,
            "answer": row["answer"],
            "prompt_number": asked.number,
            "dropped_by": None if asked.question else reason,
        }

    listed = list(rows)
    pool = ThreadPoolExecutor(workers)
    try:
        yield from tqdm(pool.map(ask, listed), total=len(listed), desc="questions", unit=" rows")
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    if listed and not any(heard):
        raise told_nothing(len(listed))


def unasked(rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Rows of `SCHEMA` for rows that no dataset takes, so that nobody is asked."""
    for row in rows:
        kept = {"id": row["id"], "split": row["split"], "answer": row["answer"]}
        yield kept | {"question": None, "prompt_number": None, "dropped_by": "no_dataset"}


@dataclass
class _Asked:
    """What became of a row: its question and its prompt's number, or the prompts' refusals."""

    question: str | None = None
    number: int | None = None
    refusals: list[str] = field(default_factory=list)


def _ask(row: dict[str, Any], prompts: list[str], reply: Reply) -> _Asked:
    title, text = row["title"], row["answer"]
    fields = {"title": title, "text": text, "opening": opening(text)}
    read = partial(parse_question, title=title, text=text)
    asked = _Asked()
    for number, prompt in enumerate(prompts):
        filled = _FIELD.sub(lambda match: fields[match.group(1)], prompt)
        try:
            question = read(reply(filled, lambda said: read(said) is not None))
        except Refused as refusal:
            asked.refusals.append(str(refusal))
            continue
        if question:
            return _Asked(question, number, asked.refusals)
    return asked
