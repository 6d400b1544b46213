"""Bring BERTScore's encoder to models/bertscore: one of its own, or the sentence encoder."""

from pathlib import Path

from s2.kernel.files import new_folder
from s2.models.encoders import copy_encoder
from s2.models.sources import fetched
from s2.params.loading import load
from s2.params.models import Source
from stages.runner import run

SHARED = Path("models/encoder")
OUT = Path("models/bertscore")


def main() -> None:
    source = load("evaluate.bertscore.model", Source | None)
    with new_folder(OUT) as folder:
        if source is None:
            copy_encoder(SHARED, folder)
            return
        with fetched(source) as files:
            copy_encoder(files, folder)


if __name__ == "__main__":
    run(main)
