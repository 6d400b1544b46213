"""Let a model answer every validation set: `python -m stages.answers NAME FOLDER`."""

import sys
from hashlib import md5
from pathlib import Path
from typing import Any

import pyarrow as pa

from s2.evaluate.answers import Answerer
from s2.params import load_params
from s2.tables import read_rows, write_rows
from stages.runner import run

SETS = ["eli5", "wiki", "eli5-wiki"]
SCHEMA = pa.schema(
    [
        ("set", pa.string()),
        ("id", pa.string()),
        ("prompt", pa.string()),
        ("reference", pa.string()),
        ("answer", pa.string()),
        ("tokens", pa.int64()),
        ("ended", pa.bool_()),
    ]
)


def main() -> None:
    params = load_params()
    name, folder = sys.argv[1], Path(sys.argv[2])
    rows = [row for set_name in SETS for row in validation_rows(set_name, params.answers.limit)]
    prompts = list(dict.fromkeys(row["prompt"] for row in rows))
    found = Answerer(folder, params.answers.dtype).answer(prompts, params.answers, params.seed)
    answers = dict(zip(prompts, found, strict=True))
    for row in rows:
        said = answers[row["prompt"]]
        row |= {"answer": said.text, "tokens": said.tokens, "ended": said.ended}
    write_rows(Path(f"data/answers/{name}.parquet"), SCHEMA, rows)


def validation_rows(set_name: str, limit: int | None) -> list[dict[str, Any]]:
    """A validation set's rows, the first `limit` in the order of their ids' MD5, so that a set that
    grows keeps most of its sample."""
    rows = read_rows(Path(f"data/sft/{set_name}/validation.parquet"))
    rows.sort(key=lambda row: md5(row["id"].encode()).hexdigest())
    return [
        {
            "set": set_name,
            "id": row["id"],
            "prompt": row["prompt"],
            "reference": row["completion"],
        }
        for row in rows[:limit]
    ]


if __name__ == "__main__":
    run(main)
