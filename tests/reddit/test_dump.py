import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from s2.dumps.quarantine import Bad, quarantine
from s2.kernel.errors import S2Error
from s2.kernel.tables import read_rows
from s2.reddit import dump as module
from s2.reddit.dump import Dump, read_dump, read_shard
from s2.reddit.rows import COMMENTS

GOOD = b'{"id":"%s","subreddit":"x","body":"text"}\n'


def dump(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def read(path: Path, subreddit: str = "x") -> tuple[list[dict[str, Any]], list[Bad]]:
    items = list(read_dump(path, COMMENTS, [subreddit]))
    rows = [row for item in items if isinstance(item, pa.RecordBatch) for row in item.to_pylist()]
    return rows, [item for item in items if isinstance(item, Bad)]


def test_wanted_lines_are_picked_out_whatever_their_case_and_spacing(tmp_path: Path) -> None:
    rows = [
        {"id": "a", "subreddit": "askscience", "body": "x"},
        {"id": "b", "subreddit": "pics", "body": 'says "subreddit":"askscience" in its text'},
        {"id": "c", "subreddit": "AskScience", "body": "y"},
        {"id": "d", "subreddit": "pics", "crosspost_parent_list": [{"subreddit": "askscience"}]},
    ]
    path = dump(tmp_path / "RC", rows)
    with path.open("a") as file:
        file.write('\n{"subreddit" : "askscience","id":"e"}')
    found, bad = read(path, "ASKscience")
    assert [row["id"] for row in found] == ["a", "c", "e"] and not bad
    data = path.read_bytes()
    for row in found:
        assert data[row["offset"] :].startswith(b"{") and row["file"] == "RC"
        assert json.loads(data[row["offset"] :].partition(b"\n")[0])["id"] == row["id"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"subreddit":"x", "id"', "not_json"),
        (b'{"subreddit":"pics","body":"cut', "not_json"),
        (b"\x00\x00\x00", "not_json"),
        (b"<html>", "not_json"),
        (b'{"subreddit":"x","id":"a","body":"\xff\xfe"}', "bad_utf8"),
        (b'{"subreddit":"x"}', "no_id"),
        (b'{"subreddit":"x","id":"a","score":"many"}', "wrong_type"),
        (b'{"subreddit":"x","id":"b","body":"' + b"y" * 3_000 + b'"}', "line_too_long"),
    ],
)
def test_a_bad_line_is_told_with_its_place_or_set_aside(
    tmp_path: Path, line: bytes, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_LINE", 2_000)
    path = tmp_path / "RC"
    path.write_bytes(GOOD % b"one" + line + b"\n" + GOOD % b"two")
    rows, (bad,) = read(path)
    assert [row["id"] for row in rows] == ["one", "two"]
    assert (bad.reason, bad.offset) == (reason, len(GOOD % b"one"))
    assert line.startswith(bad.content)
    with pytest.raises(S2Error, match=r"RC, byte 43 of its text: .*data.on_error: quarantine"):
        read_shard(Dump(path, COMMENTS), tmp_path, ["x"], "stop")
    shard = read_shard(Dump(path, COMMENTS), tmp_path, ["x"], "quarantine")
    assert (shard.good, dict(shard.bad)) == (2, {reason: 1})
    (aside,) = read_rows(shard.quarantine)
    assert (aside["file"], aside["offset"], aside["reason"]) == ("RC", 43, reason)


def test_a_line_longer_than_memory_allows_is_skipped_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_LINE", 2_000)
    monkeypatch.setattr("s2.dumps.reading.CHUNK", 512)
    path = tmp_path / "RC"
    long = b'{"id":"b","subreddit":"x","body":"' + b"y" * 10_000 + b'"}\n'
    path.write_bytes(GOOD % b"one" + long + GOOD % b"two")
    rows, (bad,) = read(path)
    assert [row["id"] for row in rows] == ["one", "two"]
    assert path.read_bytes()[rows[1]["offset"] :] == GOOD % b"two"
    assert bad.reason == "line_too_long" and 2_000 < len(bad.content) < 3_000


@pytest.mark.parametrize("share", [0.0, 0.4, 0.97])
def test_what_was_read_before_the_damage_is_kept(tmp_path: Path, share: float) -> None:
    data = zstandard.compress(b"".join(GOOD % str(i).encode() for i in range(40_000)))
    path = tmp_path / "RC.zst"
    path.write_bytes(data[: int(len(data) * share)])
    rows, (bad,) = read(path)
    assert [row["id"] for row in rows] == [str(i) for i in range(len(rows))]
    assert bad.reason == "damaged" and "RC.zst is damaged at byte" in bad.detail
    assert bad.offset == sum(len(GOOD % row["id"].encode()) for row in rows)


def test_a_corrupt_byte_is_told(tmp_path: Path) -> None:
    settings = zstandard.ZstdCompressor(write_checksum=True)
    data = bytearray(settings.compress(b"".join(GOOD % str(i).encode() for i in range(9_000))))
    data[len(data) // 2] ^= 0xFF
    path = tmp_path / "RC.zst"
    path.write_bytes(data)
    _, bad = read(path)
    assert "damaged" in {piece.reason for piece in bad}


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
    dump(path, [{"id": "z", "subreddit": "y"}])
    dump(path, [row | {"subreddit": "x" if i % 2 else "y"} for i, row in enumerate(rows)] or [{}])
    found, _ = read(path)
    assert [row["id"] for row in found] == [row["id"] for row in rows[1::2]]


@given(st.lists(st.binary(max_size=30), max_size=8))
def test_whatever_a_line_holds_it_is_a_row_or_set_aside_or_not_wanted(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("dump") / "RC"
    path.write_bytes(
        b"".join(GOOD % b"a" + b'{"subreddit":"x",' + line + b"}\n" for line in lines) or b"\n"
    )
    rows, bad = read(path)
    good = sum(row["id"] == "a" for row in rows)
    assert good >= len(lines)
    assert len(rows) + len(bad) >= 2 * len(lines)


def test_a_quarantine_of_nothing_is_an_empty_file(tmp_path: Path) -> None:
    with quarantine(tmp_path / "q.parquet", "stop") as found:
        assert list(found.good_ones([1, 2])) == [1, 2]
    assert read_rows(tmp_path / "q.parquet") == [] and not found.counts
