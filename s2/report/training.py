"""The curves of training, for the report."""

import csv
import json
from pathlib import Path

from s2.report.charts import Chart, curves, measured


def training(folder: Path) -> list[Chart]:
    """The curves of every trainer that has run, out of a folder of plots."""
    found = [
        curves(f"{trainer}: {title}", column, runs)
        for trainer, name, column, title in (
            ("SFT", "sft", "loss", "training loss"),
            ("reward", "reward", "loss", "training loss"),
            ("DPO", "dpo", "margin", "margin of implicit rewards"),
            ("PPO", "ppo", "kl", "KL in training, nats an answer"),
        )
        if (runs := _logs(folder / name))
    ]
    for path in sorted(folder.glob("ppo/*/measured.json")):
        found += measured(path.parent.name, json.loads(path.read_text(encoding="utf-8")))
    return found


def _logs(folder: Path) -> dict[str, list[dict[str, float]]]:
    return {path.parent.name: _table(path) for path in sorted(folder.glob("*/train.tsv"))}


def _table(path: Path) -> list[dict[str, float]]:
    """A training log."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            {key: float(value) for key, value in row.items()}
            for row in csv.DictReader(file, delimiter="\t")
        ]
