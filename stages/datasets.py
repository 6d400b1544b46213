"""Lay rows out as a fine-tuning dataset: `python -m stages.datasets NAME FILE [FILE]`.

Each file has `id`, `split`, `question` and `answer`.
"""

import sys
from pathlib import Path

import pyarrow as pa

from s2.files import write_json
from s2.quality.gates import account
from s2.tables import count_rows, stream_rows, write_rows
from s2.train.prompts import format_prompt
from stages.runner import run

SPLITS = ["train", "validation", "test"]
SCHEMA = pa.schema([("id", pa.string()), ("prompt", pa.string()), ("completion", pa.string())])


def main() -> None:
    name, files = sys.argv[1], [Path(file) for file in dict.fromkeys(sys.argv[2:])]
    counts = {split: write_split(name, files, split) for split in SPLITS}
    accounting = account(sum(map(count_rows, files)), sum(counts.values()), {})
    write_json(Path(f"metrics/data/datasets-{name}.json"), accounting | counts)


def write_split(name: str, files: list[Path], split: str) -> int:
    """Write one split of a dataset; returns its rows."""
    rows = (
        {
            "id": row["id"],
            "prompt": format_prompt(row["question"]),
            "completion": row["answer"],
        }
        for file in files
        for row in stream_rows(file, ["id", "split", "question", "answer"])
        if row["split"] == split
    )
    return write_rows(Path(f"data/sft/{name}/{split}.parquet"), SCHEMA, rows)


if __name__ == "__main__":
    run(main)
