"""The versions of the packages by which results are made."""

from pathlib import Path

TOLD = (
    "torch",
    "transformers",
    "peft",
    "datasets",
    "duckdb",
    "dvc",
    "lm_eval",
    "bert-score",
    "rouge_score",
)


def pins(lock: Path) -> dict[str, str]:
    """Their versions in a lock file (`NAME==VERSION`, a line each)."""
    lines = (line.split(" ")[0].partition("==") for line in lock.read_text(encoding="utf-8").splitlines())
    found = {name: version for name, _, version in lines}
    return {name: found[name] for name in TOLD}
