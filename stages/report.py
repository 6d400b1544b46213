"""Gather every model's means into the leaderboard, the published ones beside them, and the few by
which runs are compared into the headline."""

import json
from pathlib import Path
from typing import Any

from s2.kernel.files import new_folder, write_json, write_text
from s2.params.base import Name, Positive
from s2.params.data import Dataset
from s2.params.loading import load
from s2.report.figures import alike, published
from s2.report.page import plots_page
from s2.report.tables import headline, intervals, leaderboard, render, wide_console
from stages.runner import run

EVALUATED = Path("metrics/evaluate")
TRAINED = Path("metrics/sft")
LEADERBOARD = Path("metrics/leaderboard.json")
HEADLINE = Path("metrics/headline")
INTERVALS = Path("metrics/plots/leaderboard.json")
PAGE = Path("metrics/plots/page.html")


def main() -> None:
    folders = load("evaluate.models", dict[Name, str])
    ours = {name: read(EVALUATED / f"{name}.json") for name in folders}
    trained = {name: read(TRAINED / f"{name}.json") for name in load("sft.models", dict[Name, Any])}
    names = alike(load("datasets", dict[Name, Dataset]), load("data.reddit.subreddits", list[str]))
    board = leaderboard(ours, published(names), load("answers.max_new_tokens", Positive))
    write_json(LEADERBOARD, board)
    write_json(INTERVALS, intervals(ours))
    write_text(PAGE, plots_page())
    with new_folder(HEADLINE) as folder:
        for name, numbers in headline(ours, trained, folders).items():
            write_json(folder / f"{name}.json", numbers)
    for set_name in load("evaluate.sets", list[Name]):
        wide_console().print(*render(board, set_name))


def read(path: Path) -> Any:
    """A metrics file."""
    return json.loads(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    run(main)
