from collections.abc import Mapping
from typing import Any

import pytest
from rich.console import Console

from s2.report.tables import TEXT, headline, intervals, leaderboard, render

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
    console = Console(width=100)
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
    assert all(f" {part} " in f"{ours} " for part in ("70.1", "0.500", "0.250", "6"))
    assert "±2.0" in alone[alone.index(ours) + 1]
    assert not any("Llama" in line for line in alone)
    (ours,) = (line for line in together if "base" in line)
    assert all(f" {part} " in f"{ours} " for part in ("66.6", "0.300", "192")) and "70.1" not in ours
    (theirs,) = (line for line in together if "Llama" in line)
    assert all(
        f" {part} " in f"{theirs} " for part in ("512", "with", "a report", "100", "58.3", "0.250")
    )
    assert together.index(ours) < together.index(theirs)


def test_a_set_that_nothing_published_is_like_has_one_table() -> None:
    board = leaderboard(OURS, [PUBLISHED | {"set": "other"}], tokens=192)
    assert len(shown(board, "wiki")) == 1


def test_every_table_fits_a_hundred_columns() -> None:
    many = dict.fromkeys(TEXT, 0.1234) | {f"{name}_se": 0.0123 for name in TEXT} | {"n": 1234}
    scores = many | {"ease": 70.12, "grade": 11.34, "toxicity": 0.1, "toxicity_se": 0.1, "ended": 1.0}
    ours = {"eli5-wiki": {"wiki": scores | {"ended_se": 0.0, "published": many}}}
    row = PUBLISHED | many | {"model": "Llama-2-13b-ELI5-Cleaned-Wiki", "source": "later report"}
    row |= {"edits": "without"}
    tables = shown(leaderboard(ours, [row], tokens=512), "wiki")
    for table in tables:
        assert max(map(len, table)) <= 100 and not any("…" in line for line in table)
    _, together = tables
    (first,) = (place for place, line in enumerate(together) if "Llama" in line)
    words = [line.split() for line in together[first : first + 3]]
    assert [line[0] for line in words] == ["Llama-2-13b-", "ELI5-", "Cleaned-Wiki"]
    assert words[0][1:5] == ["512", "without", "later", "1234"] and words[1][1] == "report"


def test_the_headline_has_few_numbers_by_model() -> None:
    scores = {"n": 9, "rougeL": 0.2, "rougeL_se": 0.012345, "rouge1": 0.3, "ease": 70.0, "ease_se": 1.0}
    trained = {"m": {"eval_loss": 2.5, "eval_loss_se": 0.1, "steps": 9}, "other": {"eval_loss": 3.0}}
    ours: dict[str, Any] = {"base": {"all": scores}, "mine": {"some": scores, "all": scores}}
    ours["theirs"] = {"all": scores}
    folders = {"base": "models/base", "mine": "models/merged/m-simple", "theirs": "models/outside/other"}
    means = {"rougeL": 0.2, "ease": 70.0}
    assert headline(ours, trained, folders) == {
        "base": means,
        "mine": means | {"eval_loss": 2.5},
        "theirs": means,
        "other-unscored": {"eval_loss": 3.0},
    }
    assert set(leaderboard(ours, [], 9)["ours"]["mine"]) == {"some"}


def test_intervals_are_the_means_and_their_errors() -> None:
    scores = {"rougeL": 0.2, "rougeL_se": 0.01, "ease": 70.0}
    (row,) = intervals({"m": {"all": scores}})
    assert (row["model"], row["metric"], row["mean"]) == ("m", "ROUGE-L", 0.2)
    assert (row["low"], row["high"]) == (pytest.approx(0.1804), pytest.approx(0.2196))
