"""How fast stages ran and what memory they took: a log in `.s2`, because it differs at every run."""

import json
import resource
import time
from collections.abc import Iterator
from typing import Any

import torch

from s2.kernel.paths import local

LOG = ("logs", "speed.jsonl")


def peak_memory_gb() -> float:
    """Peak memory in 10^9 bytes: of the GPU if there is one, else of this process."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def log_speed(stage: str, tokens: int, seconds: float) -> None:
    """Append a line: the stage, when it ended, its tokens, seconds and tokens a second, and the peak
    memory of this process."""
    line = {
        "stage": stage,
        "ended": time.strftime("%Y-%m-%d %H:%M"),
        "tokens": tokens,
        "seconds": round(seconds, 1),
        "tokens_per_second": round(tokens / seconds, 1) if seconds else 0.0,
        "peak_memory_gb": round(peak_memory_gb(), 3),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
    }
    path = local(*LOG)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def speeds() -> Iterator[dict[str, Any]]:
    """The lines of the log, oldest first; a line that a kill cut off is left out."""
    path = local(*LOG)
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            continue
