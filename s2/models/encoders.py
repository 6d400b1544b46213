"""Sentence encoders, kept as they are."""

import json
import shutil
from pathlib import Path

from s2.kernel.errors import S2Error


def copy_encoder(files: Path, folder: Path) -> None:
    """Copy a sentence encoder's folder, and check that it has what it needs."""
    if not (files / "config.json").is_file() or not any(files.glob("*.safetensors")):
        raise S2Error(f"{files} is no sentence encoder: config.json and *.safetensors are needed")
    shutil.copytree(files, folder, dirs_exist_ok=True)


def check_layer(folder: Path, layer: int) -> None:
    """Raise `S2Error` unless an encoder has so many layers."""
    layers = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("num_hidden_layers")
    if layers is not None and layer > layers:
        raise S2Error(f"evaluate.bertscore.layer is {layer}, but its encoder has {layers} layers")
