from collections.abc import Sequence
from typing import Any, cast

from s2.evaluate.judge import Question
from s2.evaluate.talks import talks
from s2.evaluate.truth import Claim
from s2.models.generation import Answer, Answerer
from s2.models.prompts import question_in
from s2.params.evaluate import Answers

QUESTIONS = [Question("food", ("What is soup?", "Is it hot?")), Question("sky", ("Is it blue?", "Why?"))]
CLAIMS = [Claim("Do bats see?", ("Yes.",), ("No.",)), Claim("Is it flat?", ("No.",), ("Yes.",))]


class Parrot:
    """Says how many turns it was told, and the last of them."""

    def answer(self, prompts: Sequence[str], settings: Answers, seed: int) -> list[Answer]:
        return [self._say(f"1: {question_in(prompt)}") for prompt in prompts]

    def reply(self, said: Sequence[str], settings: Answers, seed: int) -> Answer:
        return self._say(f"{len(said)}: {said[-1]}")

    def _say(self, text: str) -> Answer:
        return Answer(text, 1, ended=True, next_turn=False)


def told(limit: int | None) -> list[dict[str, Any]]:
    settings = Answers(
        max_new_tokens=8,
        temperature=0.0,
        top_p=1.0,
        top_k=0,
        repetition_penalty=1.0,
        batch_size=2,
        dtype="float32",
        quantization="none",
        limit=limit,
    )
    return list(talks(cast(Answerer, Parrot()), QUESTIONS, CLAIMS, settings, seed=1))


def test_the_second_question_follows_the_models_own_first_answer() -> None:
    assert told(limit=1) == [
        {"kind": "turns", "said": ["What is soup?", "1: What is soup?", "Is it hot?", "3: Is it hot?"]},
        {"kind": "claim", "said": ["Do bats see?", "1: Do bats see?"]},
    ]


def test_without_a_limit_all_are_asked_in_their_order() -> None:
    assert [(row["kind"], row["said"][0]) for row in told(limit=None)] == [
        *(("turns", "What is soup?"), ("turns", "Is it blue?")),
        *(("claim", "Do bats see?"), ("claim", "Is it flat?")),
    ]
