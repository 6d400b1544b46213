"""Let language models rate a model's answers, if `judge.models` names any: `python -m stages.judge NAME
FOLDER`."""

import sys
from pathlib import Path
from typing import Any

import pyarrow as pa

from s2.evaluate.judge import read_questions
from s2.evaluate.judging import JudgePrompt, cost, logged, prompts, replies, verdicts
from s2.evaluate.truth import read_claims
from s2.kernel.cache import ContentCache
from s2.kernel.files import write_json
from s2.kernel.paths import local
from s2.kernel.tables import once, read_rows, write_rows
from s2.llm.client import ChatClient, Kept
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
    judge = load("judge", JudgeSection)
    metrics, rows = judged(name, folder, judge) if judge.models else ({}, [])
    write_rows(Path(f"data/judge/{name}.parquet"), REPLIES, rows)
    write_json(Path(f"metrics/judge/{name}.json"), metrics)


def judged(name: str, folder: Path, judge: JudgeSection) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Each judge's metrics, and a row for each of its replies."""
    machine = load("machine", Machine)
    asked = questions(name, folder, judge, machine)
    url = judge.base_url or OPENAI
    metrics: dict[str, Any] = {}
    rows: list[dict[str, Any]] = []
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
    return metrics, rows


def questions(name: str, folder: Path, judge: JudgeSection, machine: Machine) -> list[JudgePrompt]:
    """All that a judge is asked of a model, with the model's answers."""
    # Here, since they bring in all of PyTorch, and most graphs have no judge.
    from s2.evaluate.answering import answering
    from s2.evaluate.talks import claims_of, talks_of

    settings, seed = load("answers", Answers), load("seed", Seed)
    asked = read_questions(Path(judge.questions))[: settings.limit]
    claims = read_claims(Path(judge.truths))[: settings.limit]
    with answering(folder, BASE, settings, load("model.prompt", PromptStyle), machine) as answerer:
        talks = talks_of(answerer, asked, settings, seed)
        claimed = claims_of(answerer, claims, settings, seed)
    own = once(read_rows(ANSWERS / f"{name}.parquet"))
    others = [] if name == judge.against else once(read_rows(ANSWERS / f"{judge.against}.parquet"))
    return prompts(asked, talks, own, others, claimed)


if __name__ == "__main__":
    run(main)
