"""Gather every model's means into the leaderboard, the published ones beside them, and the few by
which runs are compared into the headline."""

from pathlib import Path
from typing import Any

from s2.kernel.files import new_folder, read_json, write_json, write_text
from s2.params.base import Name, Positive
from s2.params.data import Dataset
from s2.params.loading import load
from s2.report.figures import alike, published
from s2.report.plots import plots_page
from s2.report.tables import headline, intervals, leaderboard, render, wide_console, with_alignment
from stages.runner import run

EVALUATED = Path("metrics/evaluate")
TRAINED = Path("metrics/sft")
REWARD = Path("metrics/reward")
DPO = Path("metrics/dpo")
PPO = Path("metrics/ppo")
REJECTION = Path("metrics/rejection")
MERGE = Path("metrics/merge")
BERTSCORE = Path("metrics/bertscore.json")
LEADERBOARD = Path("metrics/leaderboard.json")
HEADLINE = Path("metrics/headline")
INTERVALS = Path("metrics/plots/leaderboard.json")
PAGE = Path("metrics/plots/page.html")


def main() -> None:
    folders = load("evaluate.models", dict[Name, str])
    ours = {name: read_json(EVALUATED / f"{name}.json") for name in folders}
    trained = {name: read_json(TRAINED / f"{name}.json") for name in load("sft.models", dict[Name, Any])}
    sets = alike(load("datasets", dict[Name, Dataset]), load("data.reddit.subreddits", list[str]))
    tokens = load("answers.max_new_tokens", Positive)
    board = leaderboard(ours, published(sets), tokens) | {"bertscore": read_json(BERTSCORE)}
    write_json(LEADERBOARD, board)
    write_json(INTERVALS, intervals(ours))
    write_text(PAGE, plots_page())
    with new_folder(HEADLINE) as folder:
        aligned = with_alignment(headline(ours, trained, folders), alignment(), folders)
        for name, numbers in aligned.items():
            write_json(folder / f"{name}.json", numbers)
    for set_name in load("evaluate.sets", list[Name]):
        wide_console().print(*render(board, set_name))


def alignment() -> dict[str, dict[str, Any]]:
    """The metrics of what is trained on preferences, and of merges, by section and name."""
    return {
        "reward": {
            name: read_json(REWARD / f"{name}.json") for name in load("reward.models", dict[Name, Any])
        },
        "dpo": {name: read_json(DPO / f"{name}.json") for name in load("dpo.models", dict[Name, Any])},
        "ppo": {name: read_json(PPO / f"{name}.json") for name in load("ppo.models", dict[Name, Any])},
        "rejection": {
            name: read_json(REJECTION / f"{name}.json")
            for name in load("rejection.models", dict[Name, Any])
        },
        "merge": {
            name: read_json(MERGE / f"{name}.json") for name in load("merge.models", dict[Name, Any])
        },
    }


if __name__ == "__main__":
    run(main)
