"""Where S2 keeps what is no output: caches, checkpoints, logs and spilled queries.

All of it lies in `.s2` at the root of the repository. DVC names the root in DVC_ROOT; an experiment
that it runs elsewhere (`dvc exp run --temp`, `--queue`) gets the root of the repository that asked
for it, so that all experiments share one `.s2`.
"""

import os
from pathlib import Path


def local(*parts: str) -> Path:
    """A path inside `.s2`."""
    return Path(os.environ.get("DVC_ROOT", ".")).joinpath(".s2", *parts)
