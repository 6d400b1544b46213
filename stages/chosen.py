"""Lay the chosen answers of a preference set out for fine-tuning: `python -m stages.chosen NAME`."""

import sys
from pathlib import Path

from s2.kernel.accounting import account
from s2.kernel.files import write_json
from s2.kernel.tables import connect, count_rows, scan
from s2.params.base import Above0, Name
from s2.params.loading import load
from s2.splits.layout import write_for_sft
from s2.splits.preference import best_chosen
from stages.runner import run

SPLITS = ["train", "validation", "test"]


def main() -> None:
    name = sys.argv[1]
    folder = Path("data/preference") / load(f"preference.chosen.{name}", Name)
    connection = connect(load("machine.memory", Above0))
    pairs = {split: folder / f"{split}.parquet" for split in SPLITS}
    counts = {
        split: write_for_sft(
            Path(f"data/sft/{name}/{split}.parquet"), connection.sql(best_chosen(scan(path)))
        )
        for split, path in pairs.items()
    }
    pairs_in, taken = sum(map(count_rows, pairs.values())), sum(counts.values())
    several = len(connection.sql(f"FROM {scan(*pairs.values())} WHERE len(turns) > 1"))
    dropped = {"several_turns": several, "same_question": pairs_in - several - taken}
    write_json(Path(f"metrics/data/chosen-{name}.json"), account(pairs_in, taken, dropped) | counts)


if __name__ == "__main__":
    run(main)
