"""Bring the base model to models/base as bf16 safetensors with its tokenizer."""

from pathlib import Path

from s2.kernel.files import new_folder
from s2.models.saving import save_causal_model
from s2.models.sources import fetched
from s2.params.loading import load
from s2.params.models import Base, PromptStyle
from stages.runner import run

OUT = Path("models/base")


def main() -> None:
    base = load("model.base", Base)
    with fetched(base) as files, new_folder(OUT) as folder:
        save_causal_model(files, folder, base.fresh, load("model.prompt", PromptStyle))


if __name__ == "__main__":
    run(main)
