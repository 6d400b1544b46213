"""Merge an adapter into the base: `python -m stages.merge NAME METHOD`."""

import sys
from pathlib import Path

from s2.kernel.files import new_folder
from s2.train.merge import merge_simple
from stages.runner import run

BASE = Path("models/base")
METHODS = {"simple": merge_simple}


def main() -> None:
    name, method = sys.argv[1:3]
    with new_folder(Path(f"models/merged/{name}-{method}")) as folder:
        METHODS[method](BASE, Path(f"models/sft/{name}"), folder)


if __name__ == "__main__":
    run(main)
