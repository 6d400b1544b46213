"""Where S2 keeps what is no output: caches, checkpoints, logs and spilled queries.

All of it lies in `.s2` at the root of the repository. DVC names the root in DVC_ROOT; an experiment
that it runs elsewhere (`dvc exp run --temp`, `--queue`) gets the root of the repository that asked
for it, so that all experiments share one `.s2`.
"""

import os
from pathlib import Path

from s2.kernel.errors import S2Error


def enter_repository() -> Path:
    """Make the root of the repository, which may be above, the current folder; returns what was.
    Raises `S2Error` where there is none."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "dvc.yaml").is_file():
            os.chdir(folder)
            return here
    raise S2Error(f"{here} is in no S2 repository, which has a dvc.yaml: go to your clone")


def local(*parts: str) -> Path:
    """A path inside `.s2`."""
    return Path(os.environ.get("DVC_ROOT", ".")).joinpath(".s2", *parts)
