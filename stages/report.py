"""Gather every model's means into the leaderboard, the published ones beside them."""

import json
from pathlib import Path

from rich.console import Console

from s2.files import write_json
from s2.report.tables import SETS, leaderboard, render
from stages.runner import run

MODELS = ["base", "eli5", "wiki", "eli5-wiki"]
OUT = Path("metrics/leaderboard.json")


def main() -> None:
    ours = {model: json.loads(metrics(model).read_text(encoding="utf-8")) for model in MODELS}
    board = leaderboard(ours)
    write_json(OUT, board)
    for set_name in SETS.values():
        Console().print(render(board, set_name))


def metrics(model: str) -> Path:
    """A model's metrics file."""
    return Path(f"metrics/evaluate/{model}.json")


if __name__ == "__main__":
    run(main)
