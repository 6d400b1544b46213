"""Lay the pairs of a declared preference set out for training: `python -m stages.preferences NAME`."""

import sys
from pathlib import Path

from s2.kernel.files import write_json
from s2.kernel.tables import connect, query_to_parquet, scan
from s2.params.base import Above0, Name
from s2.params.loading import load
from s2.splits.preference import of_set
from stages.runner import run

PAIRS = [Path(f"data/pairs/{kind}.parquet") for kind in ("votes", "safety", "simplicity", "own")]
SPLITS = ["train", "validation", "test"]


def main() -> None:
    name = sys.argv[1]
    sources = load(f"preference.sets.{name}", list[Name])
    connection = connect(load("machine.memory", Above0))
    connection.execute(f"CREATE TEMP TABLE pairs AS {of_set([scan(path) for path in PAIRS], sources)}")
    out = Path(f"data/preference/{name}")
    counts: dict[str, int] = {}
    for split in SPLITS:
        taken = f"FROM pairs WHERE split = '{split}' ORDER BY id"
        counts[split] = query_to_parquet(connection, taken, out / f"{split}.parquet")
    for source, found in connection.sql("SELECT source, count(*) FROM pairs GROUP BY ALL").fetchall():
        counts[f"of_{source}"] = found
    write_json(Path(f"metrics/data/preference-{name}.json"), counts)


if __name__ == "__main__":
    run(main)
