"""Bring a model that is scored and not trained to models/outside: `python -m stages.outside NAME`."""

import sys
from pathlib import Path

from s2.models.outside import bring
from s2.params.loading import load
from s2.params.models import Outside
from stages.runner import run

OUT = Path("models/outside")


def main() -> None:
    name = sys.argv[1]
    bring(load(f"outside.{name}", Outside), OUT / name)


if __name__ == "__main__":
    run(main)
