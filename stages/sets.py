"""Gather the validation rows of the sets that are evaluated, the one file that models answer."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from s2.kernel.tables import stream_rows, write_rows
from s2.params.base import Name
from s2.params.loading import load
from stages.runner import run

DATASETS = Path("data/sft")
OUT = Path("data/sets/validation.parquet")
SCHEMA = pa.schema([(name, pa.string()) for name in ("set", "id", "prompt", "reference")])


def main() -> None:
    write_rows(OUT, SCHEMA, validation_rows(load("evaluate.sets", list[Name])))


def validation_rows(sets: list[str]) -> Iterator[dict[str, Any]]:
    """The validation rows of each set, in the order of the sets."""
    for name in sets:
        for row in stream_rows(DATASETS / name / "validation.parquet"):
            yield {"set": name, "id": row["id"], "prompt": row["prompt"], "reference": row["completion"]}


if __name__ == "__main__":
    run(main)
