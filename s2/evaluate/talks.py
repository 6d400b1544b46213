"""What a model says to a judge's questions: of MT(S)-bench, whose second is asked after its own answer to
the first, and of truth."""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from s2.evaluate.judge import Question
from s2.evaluate.truth import Claim
from s2.llm.answers import RemoteAnswerer
from s2.models.generation import Answerer
from s2.models.prompts import format_prompt
from s2.params.evaluate import Answers

SCHEMA = pa.schema([("kind", pa.string()), ("said", pa.list_(pa.string()))])


def talks(
    answerer: Answerer | RemoteAnswerer,
    questions: Sequence[Question],
    claims: Sequence[Claim],
    settings: Answers,
    seed: int,
) -> Iterator[dict[str, Any]]:
    """A row a question in their order, of `kind` turns or claim, and what was `said`: question, answer,
    question, answer, or question, answer. Of each kind the first `settings.limit`."""
    questions, claims = questions[: settings.limit], claims[: settings.limit]
    first = answerer.answer([format_prompt(question.turns[0]) for question in questions], settings, seed)
    for question, answer in zip(questions, first, strict=True):
        said = [question.turns[0], answer.text, question.turns[1]]
        yield {"kind": "turns", "said": [*said, answerer.reply(said, settings, seed).text]}
    told = answerer.answer([format_prompt(claim.question) for claim in claims], settings, seed)
    for claim, answer in zip(claims, told, strict=True):
        yield {"kind": "claim", "said": [claim.question, answer.text]}
