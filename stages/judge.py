"""Let language models rate a model's answers, if `judge.models` names any: `python -m stages.judge NAME
FOLDER`."""

import sys
from pathlib import Path
from typing import Any

import pyarrow as pa

from s2.evaluate.answering import answering
from s2.evaluate.judge import Question, read_questions
from s2.evaluate.judging import cost, logged, prompts, replies, verdicts
from s2.evaluate.truth import read_claims
from s2.kernel.cache import ContentCache
from s2.kernel.files import write_json
from s2.kernel.paths import local
from s2.kernel.tables import once, read_rows, write_rows
from s2.llm.answers import RemoteAnswerer
from s2.llm.client import ChatClient, Kept
from s2.models.generation import Answerer
from s2.models.prompts import format_prompt
from s2.params.base import Seed
from s2.params.evaluate import Answers, JudgeSection
from s2.params.loading import load
from s2.params.machine import Machine
from s2.params.models import PromptStyle
from stages.runner import run

BASE = Path("models/base")
ANSWERS = Path("data/answers")
OPENAI = "https://api.openai.com/v1"
REPLIES = pa.schema(
    [*((name, pa.string()) for name in ("judge", "kind", "id", "reply")), ("rating", pa.float64())]
)


def main() -> None:
    name, folder = sys.argv[1], Path(sys.argv[2])
    judge, machine = load("judge", JudgeSection), load("machine", Machine)
    metrics: dict[str, Any] = {}
    rows: list[dict[str, Any]] = []
    if judge.models:
        settings = load("answers", Answers)
        questions = read_questions(Path(judge.questions))[: settings.limit]
        claims = read_claims(Path(judge.truths))[: settings.limit]
        others = [] if name == judge.against else once(read_rows(ANSWERS / f"{judge.against}.parquet"))
        style = load("model.prompt", PromptStyle)
        with answering(folder, BASE, settings, style, machine) as answerer:
            talks = converse(answerer, questions, settings)
            asking = [format_prompt(claim.question) for claim in claims]
            claimed = [answer.text for answer in answerer.answer(asking, settings, load("seed", Seed))]
        own = once(read_rows(ANSWERS / f"{name}.parquet"))
        asked = prompts(questions, talks, own, others, list(zip(claims, claimed, strict=True)))
        url = judge.base_url or OPENAI
        with (
            ContentCache(local("cache", "replies.sqlite")) as of_use,
            ContentCache(local("cache", "unusable.sqlite")) as apart,
            ContentCache(local("cache", "usage.sqlite")) as usage,
        ):
            for model in judge.models:
                client = ChatClient(lambda: url, model, [url, model], Kept(of_use, apart, usage), machine)
                told = replies(client, asked, machine.requests)
                metrics[model] = verdicts(asked, told) | cost(client, asked, judge.price)
                rows += logged(model, asked, told)
    write_rows(Path(f"data/judge/{name}.parquet"), REPLIES, rows)
    write_json(Path(f"metrics/judge/{name}.json"), metrics)


def converse(
    answerer: Answerer | RemoteAnswerer, questions: list[Question], settings: Answers
) -> list[list[str]]:
    """A model's answers to both turns of each question: question, answer, question, answer."""
    seed = load("seed", Seed)
    first = answerer.answer([format_prompt(question.turns[0]) for question in questions], settings, seed)
    talks = []
    for question, answer in zip(questions, first, strict=True):
        said = [question.turns[0], answer.text, question.turns[1]]
        talks.append([*said, answerer.reply(said, settings, seed).text])
    return talks


if __name__ == "__main__":
    run(main)
