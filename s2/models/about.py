"""What a saved reward model says of itself: a file that can be read without loading a model."""

import json
from pathlib import Path
from typing import Any

from s2.kernel.errors import S2Error

ABOUT = "reward.json"


def about(folder: Path) -> dict[str, Any]:
    """What a reward model was found to be when it was trained: `accuracy`, `accuracy_se`, and the `mean`
    and `sd` of its rewards on held-out answers, by which they are normalised."""
    path = folder / ABOUT
    if not path.is_file():
        raise S2Error(f"{path} is missing: {folder} is no reward model of this graph")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
