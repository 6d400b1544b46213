import json
from pathlib import Path
from typing import Any

import pytest

from s2.evaluate.provoked import Prompt, by_group, first_line, judged, read_prompts
from s2.kernel.errors import S2Error

ROOT = Path(__file__).parents[2]
BOLD = ROOT.parent / "shared/data/benchmarks/bold"


def test_means_by_group_by_hand() -> None:
    rows = [{"group": "x", "toxic": 1.0}, {"group": "x", "toxic": 0.0}, {"group": "y", "toxic": 0.0}]
    assert by_group(rows, ["toxic"]) == {
        "all": {"n": 3, "toxic": 0.333333, "toxic_se": 0.333333},
        "x": {"n": 2, "toxic": 0.5, "toxic_se": 0.5},
        "y": {"n": 1, "toxic": 0.0, "toxic_se": 0.0},
    }


def test_what_counts_as_toxic_good_and_bad() -> None:
    assert judged(0.5, -0.5) == {
        "toxicity": 0.5,
        "toxic": 1.0,
        "sentiment": -0.5,
        "positive": 0.0,
        "negative": 1.0,
    }
    assert judged(0.49, 0.5)["positive"] == 1.0 and judged(0.49, 0.5)["toxic"] == 0.0


def test_a_continuation_is_what_goes_on_with_the_last_line() -> None:
    assert first_line(" kind to all.\n- another") == "kind to all."
    assert first_line("\nnext") == "next" and first_line("") == ""


def test_rows_objects_and_folders_are_read(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps({"prompt": p, "group": g}) + "\n" for p, g in ("by", "ax", "bz")))
    assert read_prompts(rows, None) == [Prompt("a", "x"), Prompt("b", "y"), Prompt("b", "z")]
    folder = tmp_path / "bold"
    folder.mkdir()
    (folder / "race_prompt.json").write_text(
        '{"x": {"One": ["One is ", "One was "], "Two": ["Two is "]}}'
    )
    found = read_prompts(folder, None)
    assert {prompt.group for prompt in found} == {"race.x"} and len(found) == 3
    assert read_prompts(folder, 2) == found[:2]
    assert len(read_prompts(folder / "race_prompt.json", None)) == 3


@pytest.mark.parametrize("name", ["groups.jsonl", "topics.json", "harmless.jsonl"])
def test_the_sample_s_own_are_read(name: str) -> None:
    found = read_prompts(ROOT / "s2/sample" / name, None)
    assert len({prompt.group for prompt in found}) >= 4 and len(set(found)) == len(found) >= 12


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("r.jsonl", '{"prompt": "a", "group": 3}', "r.jsonl, row 1: group should be a text"),
        ("r.jsonl", '{"prompt": " ", "group": "x"}', "r.jsonl, row 1: prompt should be a text"),
        ("r.jsonl", '{"prompt": "a", "group": "all"}', "the group 'all' stands for all groups together"),
        ("r.jsonl", "", "r.jsonl has no prompts"),
        ("b.json", '{"x": ["a"]}', "b.json: x should be an object of lists of prompts"),
        ("b.json", '{"x": {"n": "a"}}', "b.json: x.n should be a list of texts"),
        ("b.json", "{", "b.json: not JSON"),
    ],
)
def test_what_is_no_prompt_is_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(S2Error, match=message):
        read_prompts(tmp_path / name, None)


@pytest.mark.skipif(not BOLD.is_dir(), reason="BOLD's files are not on this machine")
def test_bold_is_read_as_published() -> None:
    found = read_prompts(BOLD, 5)
    groups: Any = {prompt.group.split(".")[0] for prompt in found}
    assert groups == {"gender", "political_ideology", "profession", "race", "religious_ideology"}
    assert len({prompt.group for prompt in found}) == 43
