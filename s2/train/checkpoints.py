"""Where training keeps its checkpoints, and from which one it goes on.

They live in `.s2/`, outside the stage's outputs, which DVC may delete, in a folder named by a
fingerprint of everything that the result depends on: a run goes on where it stopped when, and only
when, its inputs are unchanged.
"""

import json
import shutil
from pathlib import Path
from typing import Any

from s2.files import fingerprint

ROOT = Path(".s2/checkpoints")


def checkpoint_folder(name: str, inputs: list[Path], *values: Any) -> Path:
    """The checkpoint folder of a run called `name`; those of the same name with other inputs are
    removed, since nothing will resume from them."""
    code = sorted(Path(__file__).parent.glob("*.py"))
    folder = ROOT / f"{name}-{fingerprint([*inputs, *code], *values)[:16]}"
    for other in ROOT.glob(f"{name}-{'[0-9a-f]' * 16}"):
        if other != folder:
            shutil.rmtree(other)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def last_checkpoint(folder: Path) -> str | None:
    """The newest whole checkpoint; a run killed while it saved leaves one without a readable
    `trainer_state.json`, which is written last."""
    numbered = {int(path.name.rpartition("-")[2]): path for path in folder.glob("checkpoint-*")}
    for _, path in sorted(numbered.items(), reverse=True):
        try:
            json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            continue
        return str(path)
    return None
