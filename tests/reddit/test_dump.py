import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2.errors import S2Error
from s2.reddit.dump import COMMENTS, POSTS, latest_of_each_id, parse_line, read_dumps, wanted_lines
from s2.tables import connect, query_to_parquet, read_rows, write_batches


def dump(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_wanted_lines_are_picked_out_whatever_their_case_and_spacing(tmp_path: Path) -> None:
    rows = [
        {"id": "a", "subreddit": "askscience", "body": "x"},
        {"id": "b", "subreddit": "pics", "body": 'says "subreddit":"askscience" in its text'},
        {"id": "c", "subreddit": "AskScience", "body": "y"},
    ]
    path = dump(tmp_path / "RC", rows)
    with path.open("a") as file:
        file.write('{"subreddit" : "askscience","id":"d"}')
    (batch,) = read_dumps([path], COMMENTS, ["askscience"])
    assert batch["id"].to_pylist() == ["a", "c", "d"]
    data = path.read_bytes()
    for offset, line in wanted_lines(path, {"askscience"}):
        assert data[offset : offset + len(line)] == line


def test_any_eras_schema_becomes_one() -> None:
    old = {"id": "a", "subreddit": "x", "created_utc": "1136074029", "score": None, "domain": "self.x"}
    new = {"id": "b", "subreddit": "x", "created_utc": 1.6e9, "score": "7", "stickied": None}
    first = parse_line(json.dumps(old).encode(), POSTS, "here")
    second = parse_line(json.dumps(new | {"title": 5, "is_self": True}).encode(), POSTS, "here")
    assert (first["created_utc"], first["score"], first["is_self"]) == (1136074029, 0, True)
    assert (second["created_utc"], second["score"], second["title"]) == (1_600_000_000, 7, "5")
    assert first["title"] == "" and second["stickied"] is False


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"subreddit":"x", "id"', "file, byte 9: not a line of JSON"),
        (b'["subreddit"]', "not a JSON object"),
        (b'{"subreddit":"x"}', "no id"),
        (b'{"subreddit":"x","id":"a","score":"many"}', "score is 'many', not int64"),
        (b'{"subreddit":"x","id":"a","body":"\xff\xfe"}', "not a line of JSON"),
    ],
)
def test_a_bad_line_is_told_with_its_place(line: bytes, message: str) -> None:
    with pytest.raises(S2Error, match=message):
        parse_line(line, COMMENTS, "file, byte 9")


def test_lone_surrogates_do_not_stop_a_month(tmp_path: Path) -> None:
    row = parse_line(b'{"id":"a","subreddit":"x","body":"\\ud83d broken"}', COMMENTS, "here")
    assert row["body"] == "? broken"


@given(
    st.lists(
        st.fixed_dictionaries(
            {"id": st.text("abc", min_size=1), "body": st.text(max_size=20)},
            optional={"score": st.integers(-9, 9), "extra": st.booleans()},
        ),
        max_size=20,
    )
)
def test_every_wanted_line_arrives(tmp_path_factory: pytest.TempPathFactory, rows: list[Any]) -> None:
    path = tmp_path_factory.mktemp("dump") / "RC"
    dump(path, [row | {"subreddit": "x" if i % 2 else "y"} for i, row in enumerate(rows)])
    read = [row for batch in read_dumps([path], COMMENTS, ["x"]) for row in batch.to_pylist()]
    assert [row["id"] for row in read] == [row["id"] for row in rows[1::2]]


def test_the_latest_retrieval_of_an_id_wins(in_tmp: Path) -> None:
    rows = [
        {"id": "a", "subreddit": "x", "body": "old", "retrieved_on": 1},
        {"id": "a", "subreddit": "x", "body": "new", "retrieved_on": 2},
        {"id": "b", "subreddit": "x", "body": "only"},
    ]
    batches = list(read_dumps([dump(in_tmp / "RC", rows)], COMMENTS, ["x"]))
    write_batches(in_tmp / "all.parquet", COMMENTS, batches)
    query_to_parquet(connect(), latest_of_each_id(in_tmp / "all.parquet"), in_tmp / "one.parquet")
    found = read_rows(in_tmp / "one.parquet", ["id", "body"])
    assert found == [{"id": "a", "body": "new"}, {"id": "b", "body": "only"}]


def test_no_wanted_line_is_an_empty_table(tmp_path: Path) -> None:
    path = dump(tmp_path / "RC", [{"id": "a", "subreddit": "pics"}])
    batches = list(read_dumps([path], COMMENTS, ["x"]))
    assert write_batches(tmp_path / "o.parquet", COMMENTS, batches) == 0
    assert pa.schema(COMMENTS) == COMMENTS
