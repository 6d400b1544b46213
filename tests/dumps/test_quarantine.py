from collections.abc import Iterable
from pathlib import Path

import pytest

from s2.dumps.quarantine import Bad, quarantine
from s2.kernel.errors import S2Error
from s2.kernel.tables import read_rows


def bad(offset: int, reason: str) -> Bad:
    return Bad("RC_x", offset, reason, f"it is {reason}", b"bytes")


FOUND: list[str | Bad] = [bad(0, "not_json"), "a", bad(9, "no_id"), bad(20, "not_json"), "b"]


def test_every_piece_is_counted_by_its_reason_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "aside.parquet"
    with quarantine(path, "quarantine") as aside:
        good: Iterable[str] = list(aside.good_ones(iter(FOUND + FOUND)))
    assert good == ["a", "b"] * 2
    assert aside.counts == {"not_json": 4, "no_id": 2}
    rows = read_rows(path)
    assert len(rows) == 6 and {row["content"] for row in rows} == {b"bytes"}
    assert sorted(row["offset"] for row in rows) == [0, 0, 9, 9, 20, 20]


def test_the_first_piece_stops_the_stage_unless_told_otherwise(tmp_path: Path) -> None:
    with (
        pytest.raises(S2Error, match="RC_x, byte 0 of its text: it is not_json"),
        quarantine(tmp_path / "aside.parquet", "stop") as aside,
    ):
        list(aside.good_ones(iter(FOUND)))
    assert not (tmp_path / "aside.parquet").exists()
