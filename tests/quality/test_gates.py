from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from s2.kernel.tables import connect, write_rows
from s2.quality.gates import Rule, gate, gate_table
from s2.quality.thresholds import Thresholds, load_thresholds
from s2.reddit.answers import CANDIDATES
from s2.wiki.answers import CANDIDATES as WIKI_CANDIDATES

ROOT = Path(__file__).parents[2]
SIMPLE = {"id": "t1_a", "question_id": "t3_q", "words": 20, "ease": 60.0, "grade": 8.9}


def sample_rules(folder: Path) -> Thresholds:
    """The rules with the sample's limits, but 20 words for a page too."""
    text = (ROOT / "profiles/sample.yaml").read_text(encoding="utf-8")
    (folder / "params.yaml").write_text(text.replace("wiki: {min_words: 50", "wiki: {min_words: 20"))
    return load_thresholds()


def gated(folder: Path, schema: pa.Schema, verdict: str, row: dict[str, Any], toxicity: float) -> Any:
    write_rows(folder / "c.parquet", schema, [row])
    labels = pa.schema([("id", pa.string()), ("toxicity", pa.float64()), ("insult", pa.float64())])
    scores = {"id": row["id"], "toxicity": 0.01, "insult": toxicity}
    write_rows(folder / "t.parquet", labels, [scores])
    connection = connect()
    connection.execute(gate_table(folder / "c.parquet", folder / "t.parquet", verdict, "'train'"))
    return connection.sql("SELECT dropped_by, toxicity, split FROM gated").fetchall()[0]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"words": 19}, "too_short"),
        ({"words": 500}, None),
        ({"words": 501}, "too_long"),
        ({"ease": 59.99}, "not_simple"),
        ({"grade": 9.0}, "not_simple"),
        ({"words": 19, "ease": 0.0}, "too_short"),
        ({"words": 19, "ease": None, "dropped_by": "bot"}, "bot"),
    ],
)
def test_reddit_gate(in_tmp: Path, change: dict[str, Any], reason: str | None) -> None:
    verdict = gate(sample_rules(in_tmp).reddit)
    assert gated(in_tmp, CANDIDATES, verdict, SIMPLE | change, 0.2) == (reason, 0.2, "train")


@pytest.mark.parametrize(
    ("change", "toxicity", "reason"),
    [
        ({}, 0.1, None),
        ({}, 0.11, "toxic"),
        ({"words": 19, "residual_markup": True}, 0.0, "too_short"),
        ({"words": 501, "residual_markup": True}, 0.0, "residual_markup"),
        ({"words": 501, "ease": 1.0}, 0.0, "too_long"),
        ({"ease": 1.0}, 0.9, "not_simple"),
        ({"dropped_by": "list", "words": 1}, 0.0, "list"),
    ],
)
def test_wiki_gate(in_tmp: Path, change: dict[str, Any], toxicity: float, reason: str | None) -> None:
    row = {name: value for name, value in SIMPLE.items() if name != "question_id"}
    verdict = gate(sample_rules(in_tmp).wiki)
    found = gated(in_tmp, WIKI_CANDIDATES, verdict, row | {"residual_markup": False} | change, toxicity)
    assert found[0] == reason


def test_a_limit_moves_the_sql_and_the_words(in_tmp: Path) -> None:
    """Whatever states a threshold states the same one: it is written once."""
    text = (ROOT / "profiles/sample.yaml").read_text(encoding="utf-8")
    (in_tmp / "params.yaml").write_text(text.replace("max_grade: 9 ", "max_grade: 7.5 "))
    rule = load_thresholds().reddit[-1]
    assert rule.keeps() == "grade < 7.5" and rule.words() == "below 7.5"
    assert rule.holds(7.4) and not rule.holds(7.5) and rule.holds(None)
    verdict = gate([rule])
    assert gated(in_tmp, CANDIDATES, verdict, SIMPLE | {"grade": 8.0}, 0.0)[0] == "not_simple"
    assert gated(in_tmp, CANDIDATES, verdict, SIMPLE | {"grade": 7.4}, 0.0)[0] is None


def test_what_must_not_be_is_said_as_no() -> None:
    rule = Rule("edited", "holds an edit", "edited", "=", False)
    assert rule.words() == "no" and rule.holds(False) and not rule.holds(True)
    assert Rule("x", "is kept", "kept", "=", True).words() == "yes"
