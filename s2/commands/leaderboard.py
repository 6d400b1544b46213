"""`s2 leaderboard`: our models' scores, and the published ones under them; how fast stages ran."""

import json
from pathlib import Path

from rich.table import Table

from s2.kernel.errors import S2Error
from s2.params.evaluate import ALL_SETS
from s2.report.tables import render, wide_console
from s2.train.speed import speeds as logged

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


def speeds() -> None:
    """Print the latest speed and peak memory of each stage that has run here; raises `S2Error` if none
    has."""
    latest = {line["stage"]: line for line in logged()}
    if not latest:
        raise S2Error("no training has run here yet: `dvc repro` runs it")
    title = "the latest run of each stage here"
    table = Table("stage", "ended", "device", title=title, title_justify="left")
    for name in ("tokens/s", "seconds", "peak GB"):
        table.add_column(name, justify="right")
    for stage, line in sorted(latest.items()):
        numbers = (f"{line[name]:,}" for name in ("tokens_per_second", "seconds", "peak_memory_gb"))
        table.add_row(stage, line["ended"], line["device"], *numbers)
    wide_console().print(table)
