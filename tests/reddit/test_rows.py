import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2.reddit.rows import COMMENTS, POSTS, Unusable, parse_line, to_batch


def parse(rows: list[dict[str, Any]], schema: pa.Schema = POSTS) -> list[dict[str, Any]]:
    lines = [parse_line(json.dumps(row).encode()) for row in rows]
    return to_batch(lines, list(range(len(lines))), "RS", schema).to_pylist()


def test_any_eras_schema_becomes_one() -> None:
    old = {"id": "a", "subreddit": "x", "created_utc": "1136074029", "score": None, "domain": "self.x"}
    new = {"id": "b", "subreddit": "X", "created_utc": 1.6e9, "score": "7", "stickied": None, "title": 5}
    first, second = parse([old, new | {"is_self": True, "domain": "self.x"}])
    assert (first["created_utc"], first["score"], first["is_self"]) == (1136074029, 0, True)
    assert (second["created_utc"], second["score"], second["title"]) == (1_600_000_000, 7, "5")
    assert first["title"] == "" and second["stickied"] is False
    assert (first["file"], first["offset"], second["offset"]) == ("RS", 0, 1)


@pytest.mark.parametrize(
    ("field", "value"),
    [("score", "many"), ("score", 2**70), ("score", [1]), ("title", {"a": 1}), ("over_18", [0])],
)
def test_a_value_of_no_fitting_type_is_told(field: str, value: Any) -> None:
    with pytest.raises(Unusable, match=f"^{field} is ") as raised:
        parse([{"id": "a", "subreddit": "x", field: value}])
    assert raised.value.reason == "wrong_type"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{"id":"a"', "not_json"),
        (b'["id"]', "not_json"),
        (b'{"id":""}', "no_id"),
        (b'{"body":"x"}', "no_id"),
        (b'{"id":"a","body":"\xff"}', "bad_utf8"),
        (b'{"id":' + b"[" * 100_000 + b"}", "not_json"),
    ],
)
def test_what_is_no_line_of_a_dump_is_told(text: bytes, reason: str) -> None:
    with pytest.raises(Unusable) as raised:
        parse_line(text)
    assert raised.value.reason == reason


def test_lone_surrogates_and_nan_do_not_stop_a_month() -> None:
    assert parse_line(b'{"id":"a","body":"\\ud83d broken"}').body == "? broken"
    assert parse_line(b'{"id":"b","ratio":NaN}').id == "b"


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-9, 9),
    st.floats(-9, 9),
    st.sampled_from(["", "0", "1", "5", "-7", "true", "false", "null", "1.5", " 3", "1e3"]),
)


@given(st.sampled_from(["score", "created_utc", "stickied", "is_self", "author", "link_id"]), SCALARS)
def test_both_ways_of_reading_a_line_agree(field: str, value: Any) -> None:
    """A line that the decoder refuses for another field must not change this one's value."""
    outcomes: list[Any] = []
    for other in ("x", 5):
        text = json.dumps({"id": "a", "title": other, field: value}).encode()
        try:
            outcomes.append(parse_line(text))
        except Unusable as error:
            outcomes.append(str(error))
    ours, theirs = (to_row(outcome, field) for outcome in outcomes)
    assert ours == theirs


def to_row(outcome: Any, field: str) -> Any:
    if isinstance(outcome, str):
        return outcome
    schema = COMMENTS if field in COMMENTS.names else POSTS
    return to_batch([outcome], [0], "RC", schema)[field].to_pylist()
