"""A language model as judge (Zheng et al. 2023, arXiv:2306.05685): ratings of one answer, of a
conversation of two turns, and which of two answers is better."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from s2.evaluate.rating import rating
from s2.kernel.errors import S2Error
from s2.kernel.stats import mean_and_se

LONGEST = 2_048  # tokens of a reply
SYSTEM = "You judge answers that should be simple, safe and right. You are strict, fair and brief."
CRITERIA = {
    "simplicity": "a schoolchild or a learner of English can follow it",
    "helpfulness": "it gives the one who asks what they need",
    "relevance": "it stays with the question",
    "accuracy": "what it says is true",
    "depth": "it explains, and does not only state",
}
_RULES = "\n".join(f"- {name}: {what}" for name, what in CRITERIA.items())
_END = "End with the rating, from 1 (worst) to 10 (best), decimals allowed, in this form: Rating: [[5.5]]"
_CHOICE = "End with your choice: [[A]], [[B]], or [[C]] if they are equally good."
WINNERS = {"[[A]]": "a", "[[B]]": "b", "[[C]]": "tie"}


@dataclass(frozen=True)
class Question:
    """A question with one that follows, and its category."""

    category: str
    turns: tuple[str, str]


def read_questions(path: Path) -> list[Question]:
    """A YAML list of `category` and two `turns`; raises `S2Error` that names the entry."""
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    except yaml.YAMLError as error:
        raise S2Error(f"{path}: not YAML ({' '.join(str(error).split())})") from None
    found = []
    for number, entry in enumerate(entries, start=1):
        turns = entry.get("turns") if isinstance(entry, dict) else None
        if (
            not isinstance(turns, list)
            or len(turns) != 2
            or not all(isinstance(turn, str) for turn in turns)
        ):
            raise S2Error(f"{path}, entry {number}: it needs two turns, a text each")
        found.append(Question(str(entry.get("category")), (turns[0], turns[1])))
    return found


def single(question: str, answer: str, reference: str | None = None) -> str:
    """The prompt to rate one answer; with a reference, which is human text, beside it."""
    beside = f"\n\n[An answer that people liked]\n{reference}" if reference else ""
    return (
        "Rate the answer to the question by these criteria, and say in a few sentences why:\n"
        f"{_RULES}\n{_END}\n\n[Question]\n{question}{beside}\n\n[Answer]\n{answer or '(nothing)'}"
    )


def conversation(said: Sequence[str]) -> str:
    """The prompt to rate the last answer of question, answer, question, answer."""
    told = "\n\n".join(
        f"[{'Answer' if place % 2 else 'Question'} {place // 2 + 1}]\n{text or '(nothing)'}"
        for place, text in enumerate(said)
    )
    return (
        "Rate the last answer of the conversation by these criteria, and say in a few sentences why:\n"
        f"{_RULES}\n{_END}\n\n{told}"
    )


def pairwise(question: str, a: str, b: str) -> str:
    """The prompt to choose the better of two answers."""
    return (
        f"Which of two answers to a question is better by these criteria?\n{_RULES}\n"
        "The order in which they stand, and their length, are of no account. Say in a few sentences why. "
        f"{_CHOICE}\n\n[Question]\n{question}\n\n[Answer A]\n{a or '(nothing)'}\n\n"
        f"[Answer B]\n{b or '(nothing)'}"
    )


def winner(reply: str) -> str | None:
    """`a`, `b` or `tie`, by the last choice in a reply; None of one without."""
    last = max(WINNERS, key=reply.rfind)
    return WINNERS[last] if last in reply else None


def rated(name: str, replies: Sequence[str]) -> dict[str, float]:
    """The mean rating of replies with its standard error and n, and the share that has none."""
    told = [value for value in map(rating, replies) if value is not None]
    found: dict[str, float] = (
        {f"{name}_unparsed": round(1 - len(told) / len(replies), 6)} if replies else {}
    )
    if told:
        mean, se = mean_and_se(told)
        found |= {name: round(mean, 4), f"{name}_se": round(se, 4), f"{name}_n": len(told)}
    return found


def compared(forth: Sequence[str], back: Sequence[str]) -> dict[str, Any]:
    """Of replies to each pair in both orders (`forth` has our answer as A, `back` as B): the shares of
    `wins`, `ties` (called so, or the two orders disagree) and `losses`; `position_bias`, the share of
    pairs in which the same place won in both orders; and `pairs_unparsed`, which are left out."""
    other = {"a": "b", "b": "a", "tie": "tie"}
    told = [(winner(one), winner(two)) for one, two in zip(forth, back, strict=True)]
    whole = [(one, two) for one, two in told if one and two]
    found: dict[str, Any] = {"pairs": len(whole)}
    found["pairs_unparsed"] = round(1 - len(whole) / len(told), 6) if told else 0.0
    if whole:
        outcomes = [one if one == other[two] else "tie" for one, two in whole]
        for name, outcome in (("wins", "a"), ("ties", "tie"), ("losses", "b")):
            mean, se = mean_and_se([float(one == outcome) for one in outcomes])
            found |= {name: round(mean, 6), f"{name}_se": round(se, 6)}
        same = sum(one == two != "tie" for one, two in whole)
        found["position_bias"] = round(same / len(whole), 6)
    return found
