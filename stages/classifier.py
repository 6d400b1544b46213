"""Bring the classifier of toxicity to models/classifier."""

from pathlib import Path

from s2.kernel.files import new_folder
from s2.params.data import ToxicityModel
from s2.params.loading import load
from s2.quality.classifier import fetch_classifier
from stages.runner import run

OUT = Path("models/classifier")


def main() -> None:
    with new_folder(OUT) as folder:
        fetch_classifier(load("quality.toxicity.model", ToxicityModel), folder)


if __name__ == "__main__":
    run(main)
