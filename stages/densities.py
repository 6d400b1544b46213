"""Lay out how scores are spread over each model's answers, for plots."""

from pathlib import Path

from s2.kernel.files import new_folder, write_json
from s2.kernel.tables import read_rows
from s2.params.base import Name
from s2.params.loading import load
from s2.report.densities import SPREAD, densities
from stages.runner import run

SCORED = Path("data/evaluate")
OUT = Path("metrics/plots/answers")


def main() -> None:
    scored = {
        model: list(read_rows(SCORED / f"{model}.parquet"))
        for model in load("evaluate.models", dict[Name, str])
    }
    with new_folder(OUT) as folder:
        for metric in SPREAD:
            write_json(folder / f"{metric}.json", densities(scored, metric))


if __name__ == "__main__":
    run(main)
