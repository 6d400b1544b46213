from pathlib import Path

import pytest
import yaml

from s2.kernel.tables import write_rows
from s2.params.data import Dataset
from s2.quality.gates import Rule
from s2.report.card import Making, card
from s2.splits.layout import SCHEMA

COUNTS = {"train": 1_200, "validation": 1, "test": 0, "rows_in": 1_201, "dropped": {}}
FUNNEL = {
    "reddit": {"rows_in": 9, "rows_out": 3, "sft": 2, "preference": 1, "dropped": {"bot": 2, "toxic": 4}},
    "wiki": {"rows_in": 2, "rows_out": 1, "dropped": {"list": 1}},
}
EASE = Rule("not_simple", "reading ease", "ease", ">=", 60)
MAKING = Making(
    rules={
        "reddit": [EASE, Rule("too_short", "words", "words", ">=", 20)],
        "wiki": [EASE, Rule("too_short", "words", "words", ">=", 50)],
    },
    facts={"toxicity as scored by": "a classifier"},
    subreddits=["askscience", "other"],
    model="tiny",
    removed_posts="Six posts had lost their body.",
)
DATASETS = {
    "asked": Dataset(reddit=["askscience"]),
    "looked-up": Dataset(wiki="all"),
    "mixed": Dataset(reddit="all", wiki="all"),
}


@pytest.mark.parametrize("name", DATASETS)
def test_a_card_states_what_is_in_the_dataset(name: str) -> None:
    text = card(name, DATASETS[name], COUNTS, FUNNEL, MAKING)
    assert "| train | 1,200 |" in text and text.count("| reading ease | at least 60 |") == 1
    assert ("r/askscience" in text) == (name != "looked-up") and ("r/other" in text) == (name == "mixed")
    assert ("CC BY-SA" in text) == (name != "asked")
    assert ("| words of a Reddit answer | at least 20 |" in text) == (name == "mixed")
    assert ("Six posts had lost their body." in text) == (name != "looked-up")
    if name == "asked":
        assert "| words | at least 20 |" in text
        assert text.index("dropped: toxic | 4") < text.index("dropped: bot | 2")
        assert "| kept for fine-tuning | 2 |" in text


def test_the_hub_library_finds_the_splits(tmp_path: Path) -> None:
    from datasets import load_dataset

    for split in ("train", "validation", "test"):
        rows = [{"id": split, "prompt": "p", "completion": "c"}]
        write_rows(tmp_path / f"{split}.parquet", SCHEMA, rows)
    text = card("asked", DATASETS["asked"], COUNTS, FUNNEL, MAKING)
    (tmp_path / "README.md").write_text(text)
    assert yaml.safe_load(text.split("---")[1])["license"] == "other"
    found = load_dataset(str(tmp_path), cache_dir=str(tmp_path / "cache"))
    assert {name: rows["id"] for name, rows in found.items()} == {
        name: [name] for name in ("train", "validation", "test")
    }
