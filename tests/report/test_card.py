from pathlib import Path

import pytest
import yaml

from s2.kernel.tables import write_rows
from s2.report.card import card
from stages.datasets import SCHEMA

COUNTS = {"train": 1_200, "validation": 1, "test": 0, "rows_in": 1_201}
FUNNEL = {
    "reddit": {"rows_in": 9, "rows_out": 3, "sft": 2, "preference": 1, "dropped": {"bot": 2, "toxic": 4}},
    "wiki": {"rows_in": 2, "rows_out": 1, "dropped": {"list": 1}},
}
WORDS = {"subreddits": "r/askscience", "model": "tiny"}


@pytest.mark.parametrize("name", ["eli5", "wiki", "eli5-wiki"])
def test_a_card_states_what_is_in_the_dataset(name: str) -> None:
    text = card(name, COUNTS, FUNNEL, WORDS, {"Flesch reading ease, at least": "60"})
    assert "| train | 1,200 |" in text and "| Flesch reading ease, at least | 60 |" in text
    assert ("r/askscience" in text) == ("eli5" in name)
    assert ("CC BY-SA" in text) == ("wiki" in name)
    if name == "eli5":
        assert text.index("dropped: toxic | 4") < text.index("dropped: bot | 2")
        assert "| kept here | 2 |" in text


def test_the_hub_library_finds_the_splits(tmp_path: Path) -> None:
    from datasets import load_dataset

    for split in ("train", "validation", "test"):
        rows = [{"id": split, "prompt": "p", "completion": "c"}]
        write_rows(tmp_path / f"{split}.parquet", SCHEMA, rows)
    text = card("eli5", COUNTS, FUNNEL, WORDS, {})
    (tmp_path / "README.md").write_text(text)
    assert yaml.safe_load(text.split("---")[1])["license"] == "other"
    found = load_dataset(str(tmp_path), cache_dir=str(tmp_path / "cache"))
    assert {name: rows["id"] for name, rows in found.items()} == {
        name: [name] for name in ("train", "validation", "test")
    }
