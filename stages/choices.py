"""Make the multiple-choice task of the test rows: the right answer among those to like questions."""

import json
from pathlib import Path

import numpy as np

from s2.evaluate.choices import choices
from s2.kernel.files import write_text
from s2.kernel.tables import read_rows
from s2.models.prompts import question_in
from s2.params.base import Name
from s2.params.loading import load
from s2.splits.embed import embed
from stages.runner import run

DATASETS = Path("data/sft")
ENCODER = Path("models/encoder")
OUT = Path("data/choices/test.jsonl")


def main() -> None:
    rows = {
        row["id"]: row
        for name in load("evaluate.sets", list[Name])
        for row in read_rows(DATASETS / name / "test.parquet")
    }
    told = [rows[key] for key in sorted(rows)]
    vectors = np.array(list(embed([question_in(row["prompt"]) for row in told], ENCODER)))
    found = choices(told, vectors) if told else []
    write_text(OUT, "".join(json.dumps(row) + "\n" for row in found))


if __name__ == "__main__":
    run(main)
