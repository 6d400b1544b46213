"""Let a model answer every validation set: `python -m stages.answers NAME FOLDER`."""

import sys
from hashlib import md5
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa

from s2.evaluate.answering import answering
from s2.kernel.tables import read_rows, write_rows
from s2.params.base import Seed
from s2.params.evaluate import Answers
from s2.params.loading import load
from s2.params.machine import Machine
from s2.params.models import PromptStyle
from stages.runner import run

BASE = Path("models/base")
SETS = Path("data/sets/validation.parquet")
SCHEMA = pa.schema(
    [
        ("set", pa.string()),
        ("id", pa.string()),
        ("prompt", pa.string()),
        ("reference", pa.string()),
        ("answer", pa.string()),
        ("tokens", pa.int64()),
        ("ended", pa.bool_()),
        ("next_turn", pa.bool_()),
    ]
)


def main() -> None:
    name, folder = sys.argv[1], Path(sys.argv[2])
    answers = load("answers", Answers)
    rows = limited(read_rows(SETS), answers.limit)
    prompts = list(dict.fromkeys(row["prompt"] for row in rows))
    style, machine = load("model.prompt", PromptStyle), load("machine", Machine)
    with answering(folder, BASE, answers, style, machine) as answerer:
        found = answerer.answer(prompts, answers, load("seed", Seed))
    said = dict(zip(prompts, found, strict=True))
    for row in rows:
        answer = said[row["prompt"]]
        row |= {"answer": answer.text, "tokens": answer.tokens}
        row |= {"ended": answer.ended, "next_turn": answer.next_turn}
    write_rows(Path(f"data/answers/{name}.parquet"), SCHEMA, rows)


def limited(rows: list[dict[str, Any]], limit: int | None) -> list[dict[str, Any]]:
    """Of each set the first `limit` rows in the order of their ids' MD5, so that a set that grows
    keeps most of its sample."""
    found = []
    for _, group in groupby(rows, key=lambda row: row["set"]):
        found += sorted(group, key=lambda row: md5(row["id"].encode()).hexdigest())[:limit]
    return found


if __name__ == "__main__":
    run(main)
