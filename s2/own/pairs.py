"""Anybody's preference pairs, out of a file or a set of a hub, in the shapes that are common.

- `prompt`, `chosen`, `rejected`: texts, or lists of messages ({role, content}), as TRL takes them; where
  there is no prompt, both sides are whole conversations.
- `chosen`, `rejected` as transcripts of turns that begin "\n\nHuman:" and "\n\nAssistant:" (HH-RLHF,
  arXiv:2204.05862); they may have several.
- `history`, `human_ref_A`, `human_ref_B`, `labels` (1 if A is preferred), `score_A`, `score_B` (SHP,
  https://huggingface.co/datasets/stanfordnlp/SHP).
"""

import re
from collections.abc import Callable, Iterable, Iterator
from hashlib import md5
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from s2.evaluate.texts import read_records
from s2.kernel.errors import S2Error
from s2.kernel.paths import local
from s2.models.prompts import has_prompt_mark
from s2.params.align import PairSource
from s2.params.data import Method
from s2.quality.readability import Readability, count_words, scorer

Row = dict[str, Any]
SIDES = ("chosen", "rejected")
CANDIDATES = pa.schema(
    [
        ("id", pa.string()),
        ("pair_id", pa.string()),
        ("side", pa.string()),
        ("source", pa.string()),
        ("question_id", pa.string()),
        ("split", pa.string()),
        ("turns", pa.list_(pa.string())),
        ("question", pa.string()),
        ("answer", pa.string()),
        ("gap", pa.float64()),
        ("words", pa.int64()),
        ("ease", pa.float64()),
        ("grade", pa.float64()),
        ("dropped_by", pa.string()),
    ]
)
_TURN = re.compile(r"(?:^|\n\n)(Human|Assistant):")


class Pair(NamedTuple):
    """The turns before an answer (question, answer, question …), two answers, and the gap between their
    scores if they have any."""

    turns: list[str]
    chosen: str
    rejected: str
    gap: float | None = None


def read_pairs(name: str, source: PairSource) -> Iterator[Pair | None]:
    """A source's pairs, None for a row whose sides are no answers to one question; raises `S2Error` that
    names what cannot be read, or the row that is of no known shape."""
    where = source.path or f"{source.hub}@{source.revision}"
    for number, row in enumerate(_records(name, source), start=1):
        try:
            yield pair_of(row)
        except KeyError as error:
            raise S2Error(
                f"preference.sources.{name}: {where}, row {number}: no column {error}; it has "
                f"{', '.join(row)}, where prompt, chosen, rejected; chosen, rejected; or SHP's are known"
            ) from None
        except (TypeError, ValueError) as error:
            raise S2Error(f"preference.sources.{name}: {where}, row {number}: {error}") from None


def _records(name: str, source: PairSource) -> Iterable[Row]:
    if source.path:
        return read_records(Path(source.path))
    from datasets import load_dataset

    try:
        found: Iterable[Row] = load_dataset(
            source.hub, split=source.split, revision=source.revision, cache_dir=str(local("hub"))
        )
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise S2Error(
            f"preference.sources.{name}: cannot load {source.hub}@{source.revision}: {reason}"
        ) from None
    return found


def pair_of(row: Row) -> Pair | None:
    """A row as a pair, by its columns; None if its sides are no answers to one question.

    Raises `KeyError` for a missing column, `ValueError` for what is not as its shape has it.
    """
    if "human_ref_A" in row:
        return _scored(row)
    chosen, rejected = row["chosen"], row["rejected"]
    if isinstance(chosen, str) and isinstance(rejected, str):
        if row.get("prompt") is None:
            return _shared(transcript(chosen), transcript(rejected))
        if isinstance(row["prompt"], str):
            return Pair([row["prompt"]], chosen, rejected)
    before = _turns(row.get("prompt") or [])
    return _shared([*before, *_turns(chosen)], [*before, *_turns(rejected)])


def _scored(row: Row) -> Pair:
    a, b = row["human_ref_A"], row["human_ref_B"]
    gap = abs(float(row["score_A"]) - float(row["score_B"]))
    chosen, rejected = (a, b) if int(row["labels"]) == 1 else (b, a)
    return Pair([row["history"]], chosen, rejected, gap)


def transcript(text: str) -> list[str]:
    """The turns of a transcript, the human's first; empty where they do not alternate."""
    parts = _TURN.split(text)
    speakers, said = parts[1::2], [part.strip() for part in parts[2::2]]
    wanted = [("Human", "Assistant")[number % 2] for number in range(len(speakers))]
    return said if not parts[0].strip() and speakers == wanted else []


def _turns(messages: Any) -> list[str]:
    """The texts of messages, what the system says left out; raises `ValueError` for no messages."""
    if isinstance(messages, str):
        return [messages]
    if not isinstance(messages, list) or not all(isinstance(m, dict) for m in messages):
        raise ValueError(f"{str(messages)[:50]!r} is neither a text nor a list of messages")
    return [str(message["content"]) for message in messages if message["role"] != "system"]


def _shared(chosen: list[str], rejected: list[str]) -> Pair | None:
    """Two conversations that differ in their last answer alone."""
    if len(chosen) < 2 or len(chosen) % 2 or chosen[:-1] != rejected[:-1]:
        return None
    return Pair(chosen[:-1], chosen[-1], rejected[-1])


def candidates(
    name: str, pairs: Iterable[Pair | None], method: Method, split_of: Callable[[str], str]
) -> Iterator[Row]:
    """Rows of `CANDIDATES`, two a pair, measured by `method`. A pair's id is a hash of its texts, so that
    another order or more rows move none; of two that are alike the second is dropped."""
    score = scorer(method)
    seen: set[str] = set()
    for number, pair in enumerate(pairs, start=1):
        found = _folded(pair) if pair else Pair([""], "", "")
        pair_id = f"{name}_{_hash(*found.turns, found.chosen, found.rejected)}"
        reason = "no_pair" if pair is None else drop_reason(found, pair_id in seen)
        if reason in ("no_pair", "no_text", "duplicate"):
            pair_id = f"{pair_id}_{number}"
        seen.add(pair_id)
        question_id = f"{name}_q_{_hash(*found.turns)}"
        for side, answer in zip(SIDES, (found.chosen, found.rejected), strict=True):
            measured: Readability | None = score(answer) if reason is None else None
            yield {
                "id": f"{pair_id}/{side}",
                "pair_id": pair_id,
                "side": side,
                "source": name,
                "question_id": question_id,
                "split": split_of(question_id),
                "turns": found.turns,
                "question": " ".join(found.turns),
                "answer": answer,
                "gap": found.gap,
                "words": count_words(answer),
                "ease": measured.ease if measured else None,
                "grade": measured.grade if measured else None,
                "dropped_by": reason,
            }


def _folded(pair: Pair) -> Pair:
    turns = [" ".join(turn.split()) for turn in pair.turns]
    return Pair(turns, " ".join(pair.chosen.split()), " ".join(pair.rejected.split()), pair.gap)


def drop_reason(pair: Pair, is_known: bool) -> str | None:
    """Why a pair is unusable whatever the thresholds, or None."""
    texts = [*pair.turns, pair.chosen, pair.rejected]
    if not all(texts):
        return "no_text"
    if pair.chosen == pair.rejected:
        return "no_difference"
    if is_known:
        return "duplicate"
    return "prompt_mark" if any(has_prompt_mark(text) for text in texts) else None


def _hash(*texts: str) -> str:
    return md5("\n".join(texts).encode()).hexdigest()[:12]
