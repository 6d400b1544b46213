"""Bring the base model to models/base as bf16 safetensors with its tokenizer."""

from pathlib import Path

from s2.files import new_folder
from s2.models import fetched, save_causal_model
from s2.params import load_params
from stages.runner import run

OUT = Path("models/base")


def main() -> None:
    params = load_params()
    with fetched(params.model.base) as files, new_folder(OUT) as folder:
        save_causal_model(files, folder)


if __name__ == "__main__":
    run(main)
