from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2.kernel.errors import S2Error
from s2.kernel.tables import connect, write_rows
from s2.params import Length
from s2.quality.gates import account, count_kept, count_reasons, gate_table, reddit_gate, wiki_gate
from s2.reddit.answers import CANDIDATES
from s2.wiki.answers import CANDIDATES as WIKI_CANDIDATES

LENGTH = Length(min_words=20, max_words=500)
SIMPLE = {"id": "t1_a", "question_id": "t3_q", "words": 20, "ease": 60.0, "grade": 8.9}


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
    verdict = reddit_gate(LENGTH, 60, 9)
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
    verdict = wiki_gate(LENGTH, 60, 9, 0.1)
    found = gated(in_tmp, WIKI_CANDIDATES, verdict, row | {"residual_markup": False} | change, toxicity)
    assert found[0] == reason


def test_counting() -> None:
    connection = connect()
    connection.execute(
        "CREATE TABLE t AS SELECT unnest(['bot', NULL, 'bot', 'nsfw', NULL, NULL]) AS dropped_by"
    )
    assert count_reasons(connection, "t") == {"bot": 2, "nsfw": 1}
    assert count_kept(connection, "t") == 3


@given(st.integers(0, 99), st.dictionaries(st.sampled_from("abc"), st.integers(0, 99)))
def test_the_accounting_balances_or_stops(kept: int, dropped: dict[str, int]) -> None:
    total = kept + sum(dropped.values())
    accounted = account(total, kept, dropped)
    assert (accounted["rows_in"], accounted["rows_out"]) == (total, kept)
    with pytest.raises(S2Error, match="unaccounted"):
        account(total + 1, kept, dropped)
