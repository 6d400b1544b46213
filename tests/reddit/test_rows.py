import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2.quarantine import Bad
from s2.reddit.rows import COMMENTS, POSTS, parse_lines


def parse(rows: list[dict[str, Any]], schema: pa.Schema = POSTS) -> tuple[list[Any], list[Bad]]:
    texts = [(number, json.dumps(row).encode()) for number, row in enumerate(rows)]
    items = list(parse_lines(texts, "RS", schema, {"x"}))
    batches = [item for item in items if isinstance(item, pa.RecordBatch)]
    return [row for batch in batches for row in batch.to_pylist()], [
        item for item in items if isinstance(item, Bad)
    ]


def test_any_eras_schema_becomes_one() -> None:
    old = {"id": "a", "subreddit": "x", "created_utc": "1136074029", "score": None, "domain": "self.x"}
    new = {"id": "b", "subreddit": "X", "created_utc": 1.6e9, "score": "7", "stickied": None, "title": 5}
    (first, second), bad = parse([old, new | {"is_self": True, "domain": "self.x"}])
    assert not bad
    assert (first["created_utc"], first["score"], first["is_self"]) == (1136074029, 0, True)
    assert (second["created_utc"], second["score"], second["title"]) == (1_600_000_000, 7, "5")
    assert first["title"] == "" and second["stickied"] is False
    assert (first["file"], first["offset"], second["offset"]) == ("RS", 0, 1)


@pytest.mark.parametrize(
    ("field", "value"),
    [("score", "many"), ("score", 2**70), ("score", [1]), ("title", {"a": 1}), ("over_18", [0])],
)
def test_a_value_of_no_fitting_type_is_told_and_the_others_stay(field: str, value: Any) -> None:
    good = {"id": "a", "subreddit": "x"}
    rows, (bad,) = parse([good, good | {field: value}, good | {"score": "3"}])
    assert [row["score"] for row in rows] == [0, 3]
    assert bad.reason == "wrong_type" and bad.detail.startswith(f"{field} is ") and bad.offset == 1


def test_lone_surrogates_and_nan_do_not_stop_a_month() -> None:
    texts = [
        (0, b'{"id":"a","subreddit":"x","body":"\\ud83d broken"}'),
        (1, b'{"id":"b","subreddit":"x","ratio":NaN}'),
    ]
    (batch,) = parse_lines(texts, "RC", COMMENTS, {"x"})
    assert batch["body"].to_pylist() == ["? broken", ""]


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-9, 9), st.floats(-9, 9), st.sampled_from(["", "5", "x", "1.5"])
)
ROWS = st.fixed_dictionaries(
    {"id": st.sampled_from(["a", "b"])},
    optional={name: SCALARS for name in ("score", "stickied", "author", "created_utc", "is_self")},
)


@given(st.lists(ROWS, min_size=1, max_size=6))
def test_a_row_does_not_depend_on_its_neighbours(rows: list[dict[str, Any]]) -> None:
    """Columns of one type take another way to Arrow than mixed ones: the values must be the same."""
    rows = [row | {"subreddit": "x"} for row in rows]
    together, _ = parse(rows)
    alone = [found for row in rows for found in parse([row])[0]]
    assert [row | {"offset": 0} for row in together] == alone
