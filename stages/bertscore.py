"""Bring BERTScore's encoder to models/bertscore: one of its own, or the sentence encoder."""

from contextlib import nullcontext
from pathlib import Path

from s2.kernel.files import new_folder
from s2.models.encoders import check_layer, copy_encoder
from s2.models.sources import fetched
from s2.params.base import Positive
from s2.params.loading import load
from s2.params.models import Source
from stages.runner import run

SHARED = Path("models/encoder")
OUT = Path("models/bertscore")


def main() -> None:
    source = load("evaluate.bertscore.model", Source | None)
    with nullcontext(SHARED) if source is None else fetched(source) as files, new_folder(OUT) as folder:
        copy_encoder(files, folder)
        check_layer(folder, load("evaluate.bertscore.layer", Positive))


if __name__ == "__main__":
    run(main)
