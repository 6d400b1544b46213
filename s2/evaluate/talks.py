"""What a model says to the questions that a judge is to rate its answers to."""

from collections.abc import Sequence

from s2.evaluate.judge import Question
from s2.evaluate.truth import Claim
from s2.llm.answers import RemoteAnswerer
from s2.models.generation import Answerer
from s2.models.prompts import format_prompt
from s2.params.evaluate import Answers


def talks_of(
    answerer: Answerer | RemoteAnswerer, questions: Sequence[Question], settings: Answers, seed: int
) -> list[list[str]]:
    """A model's answers to both turns of each question: question, answer, question, answer."""
    first = answerer.answer([format_prompt(question.turns[0]) for question in questions], settings, seed)
    talks = []
    for question, answer in zip(questions, first, strict=True):
        said = [question.turns[0], answer.text, question.turns[1]]
        talks.append([*said, answerer.reply(said, settings, seed).text])
    return talks


def claims_of(
    answerer: Answerer | RemoteAnswerer, claims: Sequence[Claim], settings: Answers, seed: int
) -> list[tuple[Claim, str]]:
    """Each question to which many know a wrong answer, with the model's."""
    asked = [format_prompt(claim.question) for claim in claims]
    told = answerer.answer(asked, settings, seed)
    return [(claim, answer.text) for claim, answer in zip(claims, told, strict=True)]
