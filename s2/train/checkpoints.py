"""Where training keeps its checkpoints, and from which one it goes on.

They live in `.s2`, outside the stage's outputs, which DVC deletes, in a folder named by a
fingerprint of everything that they depend on: a run goes on where it stopped when, and only when,
its inputs are unchanged.
"""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from s2.kernel.files import files_under
from s2.kernel.hashes import fingerprint
from s2.kernel.locks import locked
from s2.kernel.paths import local

FORGOTTEN_DAYS = 14


def checkpoint_path(name: str, inputs: list[Path], *values: object) -> Path:
    """The checkpoint folder of a run called `name` with these inputs and JSON-able values."""
    return local("checkpoints", f"{name}-{fingerprint(inputs, *values)[:16]}")


@contextmanager
def checkpoint_folder(name: str, inputs: list[Path], *values: object) -> Iterator[Path]:
    """The folder of `checkpoint_path`, made, and removed when the block succeeds.

    A second run with the same inputs waits for the first. Folders of killed runs stay until they
    are `FORGOTTEN_DAYS` old.
    """
    folder = checkpoint_path(name, inputs, *values)
    with locked(folder.with_suffix(".lock")):
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        shutil.rmtree(folder)
    _forget(folder.parent)


def _forget(root: Path) -> None:
    """Remove the folders in which nothing was written for `FORGOTTEN_DAYS`."""
    oldest = time.time() - FORGOTTEN_DAYS * 24 * 3600
    for folder in (path for path in root.iterdir() if path.is_dir()):
        try:
            newest = max(path.stat().st_mtime for path in [folder, *files_under([folder])])
        except FileNotFoundError:  # another run is writing there
            continue
        if newest < oldest:
            shutil.rmtree(folder, ignore_errors=True)


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
