"""Bring the sentence encoder to models/encoder."""

from pathlib import Path

from s2.kernel.files import new_folder
from s2.models.encoders import copy_encoder
from s2.models.sources import fetched
from s2.params.loading import load
from s2.params.models import Source
from stages.runner import run

OUT = Path("models/encoder")


def main() -> None:
    with fetched(load("encoder", Source)) as files, new_folder(OUT) as folder:
        copy_encoder(files, folder)


if __name__ == "__main__":
    run(main)
