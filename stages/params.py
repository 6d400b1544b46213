"""Check every key of params.yaml and what it refers to, so that a wrong one is told before anything
is built on it; write down which sources the declared datasets take."""

from pathlib import Path

from s2.kernel.files import write_json
from s2.params.whole import load_params
from stages.runner import run

OUT = Path("data/declared.json")


def main() -> None:
    datasets = load_params().datasets.values()
    write_json(OUT, {"sources": sorted({source for taken in datasets for source in taken.sources()})})


if __name__ == "__main__":
    run(main)
