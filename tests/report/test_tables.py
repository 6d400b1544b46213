from collections.abc import Mapping
from typing import Any

from rich.console import Console

from s2.report.tables import headline, leaderboard, render

OURS = {
    "base": {
        "wiki": {
            "n": 6,
            "ease": 70.123,
            "ease_se": 2.05,
            "ended": 0.5,
            "next_turn": 0.25,
            "published": {"ease": 66.6, "ease_se": 1.0, "rouge1": 0.3},
        }
    }
}
PUBLISHED = {"model": "Llama", "set": "wiki", "tokens": 512, "edits": "with", "source": "a report"}


def shown(board: Mapping[str, Any], set_name: str) -> list[list[str]]:
    """The lines of each table."""
    console = Console(width=200)
    found = []
    for table in render(board, set_name):
        with console.capture() as capture:
            console.print(table)
        found.append(capture.get().splitlines())
    return found


def test_published_figures_stand_beside_ours_by_their_definition_alone() -> None:
    board = leaderboard(OURS, [PUBLISHED | {"n": 100, "ease": 58.3, "rouge1": 0.25}], tokens=192)
    alone, together = shown(board, "wiki")
    (ours,) = (line for line in alone if "base" in line)
    assert "70.1 ±2.0" in ours and "0.500" in ours and "0.250" in ours and " 6 " in ours
    assert not any("Llama" in line for line in alone)
    (ours,) = (line for line in together if "base" in line)
    assert "66.6 ±1.0" in ours and "0.300" in ours and " 192 " in ours and "70.1" not in ours
    (theirs,) = (line for line in together if "Llama" in line)
    assert all(f" {part} " in theirs for part in ("512", "with", "a report", "100", "58.3", "0.250"))
    assert together.index(ours) < together.index(theirs)


def test_a_set_that_nothing_published_is_like_has_one_table() -> None:
    board = leaderboard(OURS, [PUBLISHED | {"set": "other"}], tokens=192)
    assert len(shown(board, "wiki")) == 1


def test_the_headline_has_few_numbers_each_with_its_error() -> None:
    scores = {"n": 9, "rougeL": 0.2, "rougeL_se": 0.01, "rouge1": 0.3, "ease": 70.0, "ease_se": 1.0}
    trained = {"m": {"eval_loss": 2.5, "eval_loss_se": 0.1, "steps": 9}}
    assert headline({"m": {"some": scores, "all": scores}}, trained) == {
        "m": {"rougeL": 0.2, "rougeL_se": 0.01, "ease": 70.0, "ease_se": 1.0},
        "m (training)": {"eval_loss": 2.5, "eval_loss_se": 0.1},
    }
    assert set(leaderboard({"m": {"some": scores, "all": scores}}, [], 9)["ours"]["m"]) == {"some"}
