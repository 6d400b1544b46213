"""Lay the chosen answers of a preference set out for fine-tuning: `python -m stages.chosen NAME`."""

import sys
from pathlib import Path

import pyarrow as pa

from s2.kernel.accounting import account
from s2.kernel.files import write_json
from s2.kernel.tables import connect, read_rows, scan, write_rows
from s2.models.prompts import format_prompt
from s2.params.base import Above0, Name
from s2.params.loading import load
from s2.splits.preference import best_chosen
from stages.runner import run

SPLITS = ["train", "validation", "test"]
SCHEMA = pa.schema([("id", pa.string()), ("prompt", pa.string()), ("completion", pa.string())])


def main() -> None:
    name = sys.argv[1]
    pairs = Path("data/preference") / load(f"preference.chosen.{name}", Name)
    connection = connect(load("machine.memory", Above0))
    pairs_in = several = 0
    counts = {}
    for split in SPLITS:
        path = pairs / f"{split}.parquet"
        turns = [len(row["turns"]) for row in read_rows(path, ["turns"])]
        pairs_in, several = pairs_in + len(turns), several + sum(count > 1 for count in turns)
        rows = (
            {"id": id_, "prompt": format_prompt(question), "completion": answer}
            for id_, question, answer in connection.sql(best_chosen(scan(path))).fetchall()
        )
        counts[split] = write_rows(Path(f"data/sft/{name}/{split}.parquet"), SCHEMA, rows)
    taken = sum(counts.values())
    dropped = {"several_turns": several, "same_question": pairs_in - several - taken}
    write_json(Path(f"metrics/data/chosen-{name}.json"), account(pairs_in, taken, dropped) | counts)


if __name__ == "__main__":
    run(main)
