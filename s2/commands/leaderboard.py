"""`s2 leaderboard`: our models' scores, and the published ones under them."""

import json
from pathlib import Path

from s2.kernel.errors import S2Error
from s2.params.evaluate import ALL_SETS
from s2.report.tables import render, wide_console

BOARD = Path("metrics/leaderboard.json")


def leaderboard(set_name: str) -> None:
    """Print the table of a set, or of all; raises `S2Error` for a set that is not there."""
    if not BOARD.is_file():
        raise S2Error(f"{BOARD} is missing: build it with `dvc repro report`")
    board = json.loads(BOARD.read_text(encoding="utf-8"))
    sets = list(dict.fromkeys(name for model in board["ours"].values() for name in model))
    names = sets if set_name == ALL_SETS else [set_name]
    if not set(names) <= set(sets):
        raise S2Error(f"there is no set {set_name!r}; there are: {', '.join(sets)}")
    for name in names:
        wide_console().print(*render(board, name))
