"""Let language models rate a model's answers, if `judge.models` names any:
`python -m stages.judge NAME`."""

import sys
from pathlib import Path
from typing import Any

import pyarrow as pa

from s2.evaluate.judge import read_questions
from s2.evaluate.judging import cost, logged, prompts, replies, verdicts
from s2.evaluate.truth import read_claims
from s2.kernel.cache import ContentCache
from s2.kernel.files import write_json
from s2.kernel.paths import local
from s2.kernel.tables import once, read_rows, write_rows
from s2.llm.client import ChatClient, Kept
from s2.params.evaluate import JudgeSection
from s2.params.loading import load
from s2.params.machine import Machine
from stages.runner import run

ANSWERS, TALKS = Path("data/answers"), Path("data/talks")
OPENAI = "https://api.openai.com/v1"
REPLIES = pa.schema(
    [*((name, pa.string()) for name in ("judge", "kind", "id", "reply")), ("rating", pa.float64())]
)


def main() -> None:
    name = sys.argv[1]
    judge, machine = load("judge", JudgeSection), load("machine", Machine)
    metrics: dict[str, Any] = {}
    rows: list[dict[str, Any]] = []
    if judge.models:
        own = once(read_rows(ANSWERS / f"{name}.parquet"))
        others = [] if name == judge.against else once(read_rows(ANSWERS / f"{judge.against}.parquet"))
        said: dict[str, list[list[str]]] = {"turns": [], "claim": []}
        for row in read_rows(TALKS / f"{name}.parquet"):
            said[row["kind"]].append(row["said"])
        questions = read_questions(Path(judge.questions))[: len(said["turns"])]
        claims = read_claims(Path(judge.truths))[: len(said["claim"])]
        claimed = [(claim, answer) for claim, (_, answer) in zip(claims, said["claim"], strict=True)]
        asked = prompts(questions, said["turns"], own, others, claimed)
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


if __name__ == "__main__":
    run(main)
