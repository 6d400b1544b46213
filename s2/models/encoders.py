"""Sentence encoders, kept as they are."""

import shutil
from pathlib import Path

from s2.kernel.errors import S2Error


def copy_encoder(files: Path, folder: Path) -> None:
    """Copy a sentence encoder's folder, and check that it has what it needs."""
    if not (files / "config.json").is_file() or not any(files.glob("*.safetensors")):
        raise S2Error(f"{files} is no sentence encoder: config.json and *.safetensors are needed")
    shutil.copytree(files, folder, dirs_exist_ok=True)
