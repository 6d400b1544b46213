"""Lay the rows of a declared dataset out for fine-tuning: `python -m stages.datasets NAME`."""

import sys
from pathlib import Path

import duckdb

from s2.kernel.accounting import account, count_reasons
from s2.kernel.files import write_json
from s2.kernel.tables import connect, count_rows
from s2.params.base import Above0
from s2.params.data import Dataset
from s2.params.loading import load
from s2.splits.layout import write_for_sft
from s2.splits.select import Files, select_rows
from stages.runner import run

FILES = Files(
    kept={
        "reddit": Path("data/splits/sft/reddit.parquet"),
        "wiki": Path("data/questions/wiki.parquet"),
        "own": Path("data/splits/sft/own.parquet"),
    },
    leaks={
        "reddit": Path("data/leaks/reddit.parquet"),
        "wiki": Path("data/leaks/wiki.parquet"),
        "own": Path("data/leaks/own.parquet"),
    },
)
SPLITS = ["train", "validation", "test"]


def main() -> None:
    name = sys.argv[1]
    dataset = load(f"datasets.{name}", Dataset)
    connection = connect(load("machine.memory", Above0))
    select_rows(connection, dataset, FILES)
    counts = {split: write_split(connection, name, split) for split in SPLITS}
    rows_in = sum(count_rows(FILES.kept[source]) for source in dataset.sources())
    accounting = account(rows_in, sum(counts.values()), count_reasons(connection, "selected"))
    write_json(Path(f"metrics/data/datasets-{name}.json"), accounting | counts)


def write_split(connection: duckdb.DuckDBPyConnection, name: str, split: str) -> int:
    """Write one split of a dataset; returns its rows."""
    taken = connection.sql(
        "FROM selected SELECT id, question, answer WHERE dropped_by IS NULL AND split = $split "
        "ORDER BY source, id",
        params={"split": split},
    )
    return write_for_sft(Path(f"data/sft/{name}/{split}.parquet"), taken)


if __name__ == "__main__":
    run(main)
