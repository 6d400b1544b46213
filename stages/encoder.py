"""Bring the sentence encoder to models/encoder."""

from pathlib import Path

from s2.files import new_folder
from s2.models import copy_encoder, fetched
from s2.params import load_params
from stages.runner import run

OUT = Path("models/encoder")


def main() -> None:
    params = load_params()
    with fetched(params.encoder) as files, new_folder(OUT) as folder:
        copy_encoder(files, folder)


if __name__ == "__main__":
    run(main)
