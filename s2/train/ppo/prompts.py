"""The prompts of PPO."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import md5
from typing import Any

from s2.models.encoding import Encoder


@dataclass(frozen=True)
class Prompt:
    """A question's id and its prompt's tokens, and whether the classifier finds it risky."""

    id: str
    ids: list[int]
    risky: bool = False


def prompts_of(
    rows: Sequence[dict[str, Any]],
    encoder: Encoder,
    longest: int,
    toxicity: Callable[[Sequence[str]], list[float]],
    risky: float,
) -> list[Prompt]:
    """The prompts of at most `longest` tokens of rows of questions, the first by a hash of their ids, so
    that more of them move few; one whose toxicity is above `risky` is."""
    ordered = sorted(rows, key=lambda row: md5(row["question_id"].encode()).hexdigest())
    scores = toxicity([row["question"] for row in ordered])
    found = (
        Prompt(row["question_id"], encoder.turns([row["question"]]), score > risky)
        for row, score in zip(ordered, scores, strict=True)
    )
    return [prompt for prompt in found if len(prompt.ids) <= longest]


def repeated(prompts: Sequence[Prompt], answers: int) -> list[Prompt]:
    """Prompts for so many answers: where there are fewer, each is asked several times."""
    return [prompts[place % len(prompts)] for place in range(answers)]
