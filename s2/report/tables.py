"""The leaderboard: our means, and by the published definitions ours and the published ones together."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from s2.params.evaluate import ALL_SETS
from s2.params.models import OUTSIDE, folder_of

TEXT = {
    "rouge1": "ROUGE-1",
    "rouge2": "ROUGE-2",
    "rougeL": "ROUGE-L",
    "rougeLsum": "ROUGE-Lsum",
    "bertscore_f1": "BERTScore F1",
    "ease": "FRE",
    "grade": "FKG",
}
COLUMNS = TEXT | {"toxicity": "toxicity", "ended": "ended", "next_turn": "next turn"}
TITLES = COLUMNS | {"repetition": "repeats"}  # of all that is compared; a terminal has no room for it

# What `dvc metrics diff` shows, which is to fit a screen: the other means and all errors are in the
# leaderboard, and `s2 compare` says whether a difference is more than noise.
HEADLINE = ["rougeL", "ease", "toxicity"]
LOSSES = ["eval_loss"]
# Of what was trained on preferences, by the section of its parameters: names in its metrics, and here.
TRAINED = {
    "reward": {"validation.accuracy": "pair_accuracy"},
    "dpo": {"validation.accuracy": "pair_accuracy", "prompts.kl": "kl"},
    "ppo": {"gain.reward": "reward_gain", "policy.kl": "kl"},
    "rejection": {"best": "best_reward"},
    "merge": {"kl": "merge_kl"},
}
DRAWN = {**TEXT, "toxicity": "toxicity"}
Z95 = 1.96
DIGITS = 4
WIDTH = 100
BREAK = re.compile(r"[- ]|(?<=[A-Z])(?=[A-Z][a-z])")  # of a column's title: ROUGE-1, BERTScore F1
NAME, WORD = 12, 8  # columns in which a model's name, and what is said of a published row, are to fit

# model → set → metric; the metrics by the published definitions under `published`.
Board = Mapping[str, Mapping[str, Mapping[str, Any]]]


def leaderboard(ours: Board, published: Sequence[Mapping[str, Any]], tokens: int) -> dict[str, Any]:
    """The content of leaderboard.json: `ours`, model → set → metric, the most new `tokens` that they
    had, and rows of `published` figures."""
    sets = {
        model: {name: found[name] for name in found if name != ALL_SETS} for model, found in ours.items()
    }
    return {"ours": sets, "tokens": tokens, "published": list(published)}


def headline(
    ours: Board, trained: Mapping[str, Mapping[str, float]], folders: Mapping[str, str]
) -> dict[str, dict[str, float]]:
    """The few numbers by which runs are compared, by model: its means over all sets together, and, of
    one whose folder is that of a trained model, the loss on its own validation rows. What is trained
    and not scored has its loss alone."""
    found = {model: _picked(scores[ALL_SETS], HEADLINE) for model, scores in ours.items()}
    made = {name: Path(folders[name]) for name in ours if not folders[name].startswith(OUTSIDE)}
    scored = {name: folder.name.removesuffix("-simple") for name, folder in made.items()}
    for model, metrics in trained.items():
        names = [name for name, source in scored.items() if source == model] or [f"{model}-unscored"]
        for name in names:
            found[name] = found.get(name, {}) | _picked(metrics, LOSSES)
    return found


def with_alignment(
    headline: Mapping[str, dict[str, float]],
    metrics: Mapping[str, Mapping[str, Mapping[str, float]]],
    folders: Mapping[str, str],
) -> dict[str, dict[str, float]]:
    """The headline with the few numbers of what was trained on preferences, out of `metrics` (section →
    name → metric): on the row of the model whose folder it is, else on one of its own."""
    found = {model: dict(numbers) for model, numbers in headline.items()}
    rows = {folder: model for model, folder in folders.items()}
    for section, models in metrics.items():
        for name, numbers in models.items():
            row = rows.get(folder_of(section, name), f"{section}-{name}")
            names = TRAINED[section]
            picked = {new: round(numbers[old], DIGITS) for old, new in names.items() if old in numbers}
            found[row] = found.get(row, {}) | picked
    return found


def _picked(scores: Mapping[str, float], names: Sequence[str]) -> dict[str, float]:
    return {name: round(scores[name], DIGITS) for name in names if name in scores}


def intervals(ours: Board) -> list[dict[str, Any]]:
    """Rows for a plot: of each model and metric the mean over all sets together and its 95 % interval,
    the mean ± 1.96 standard errors."""
    return [
        {
            "model": model,
            "metric": title,
            "mean": mean,
            "low": mean - Z95 * error,
            "high": mean + Z95 * error,
        }
        for model, found in ours.items()
        for name, title in DRAWN.items()
        if (mean := found[ALL_SETS].get(name)) is not None
        and (error := found[ALL_SETS].get(f"{name}_se")) is not None
    ]


def render(board: Mapping[str, Any], set_name: str) -> list[Table]:
    """A set's tables, a row a model, under each mean its standard error where it is known: our scores of
    answers alone; and, if there is a published set like it, of prompt and answer together."""
    ours = {model: sets[set_name] for model, sets in board["ours"].items() if set_name in sets}
    alone = _table(f"answers on the validation set {set_name}", [], COLUMNS)
    for model, scores in ours.items():
        alone.add_row(_wrapped(model, NAME), *_cells(scores, COLUMNS))
    published = [row for row in board["published"] if row["set"] == set_name]
    if not published:
        return [alone]
    about = ["tokens", "edits", "source"]
    title = f"by the published definitions (prompt and answer together), {set_name}"
    together = _table(title, about, TEXT)
    for model, scores in ours.items():
        count = {"n": scores["n"]} if "n" in scores else {}
        cells = _cells(scores.get("published", {}) | count, TEXT)
        told = [str(board["tokens"]), "", _wrapped("this run", WORD)]
        together.add_row(_wrapped(model, NAME), *told, *cells)
    together.add_section()
    for row in published:
        told = [_wrapped(str(row[name]), WORD) for name in about]
        together.add_row(_wrapped(row["model"], NAME), *told, *_cells(row, TEXT))
    return [alone, together]


def _table(title: str, about: Iterable[str], columns: Mapping[str, str]) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("model", *about):
        table.add_column(name, overflow="fold")
    for name in ("n", *columns.values()):
        table.add_column(BREAK.sub("\n", name), justify="right", no_wrap=True)
    return table


def _wrapped(text: str, width: int) -> str:
    """A text in lines, broken at spaces and hyphens where it has them; a table breaks it anywhere."""
    return "\n".join(wrap(text, width))


def wide_console() -> Console:
    """The terminal, or lines wide enough for every column."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH)


def _cells(scores: Mapping[str, Any], columns: Iterable[str]) -> list[str]:
    count = f"{scores['n']:.0f}" if "n" in scores else "–"
    return [count, *(_cell(scores, column) for column in columns)]


def _cell(scores: Mapping[str, float], column: str) -> str:
    if column not in scores:
        return "–"
    digits = 1 if column in {"ease", "grade"} else 3
    value = f"{scores[column]:.{digits}f}"
    error = scores.get(f"{column}_se")
    return value if error is None else f"{value}\n±{error:.{digits}f}"
