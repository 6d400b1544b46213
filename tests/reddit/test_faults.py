"""What a dump's lines may hold: valid ones are read however they are laid out, others are counted."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2.reddit import dump as module
from tests.reddit.test_dump import read

GOOD = '{"id":"%s","subreddit":"x","body":"text"}'


@pytest.mark.parametrize("end", ["\r\n", " \n", "\t\r\n", "\n\n", "\n \n", "\r\n\r\n"])
@pytest.mark.parametrize("start", ["", "\ufeff", " ", "\ufeff\t"])
def test_blanks_line_ends_and_a_byte_order_mark_are_no_content(
    tmp_path: Path, start: str, end: str
) -> None:
    path = tmp_path / "RC"
    content = (start + "".join(f"{GOOD % name}{end} " for name in "abc")).encode()
    path.write_bytes(content)
    rows, bad = read(path)
    assert [row["id"] for row in rows] == ["a", "b", "c"] and not bad
    for row in rows:
        line = content[row["offset"] :].partition(b"\n")[0]
        assert json.loads(line)["id"] == row["id"] and line.startswith(b"{")


def test_a_byte_order_mark_further_on_is_no_blank(tmp_path: Path) -> None:
    path = tmp_path / "RC"
    path.write_text(f"{GOOD % 'a'}\n\ufeff{GOOD % 'b'}\n{GOOD % 'c'}\n", encoding="utf-8")
    rows, (bad,) = read(path)
    assert [row["id"] for row in rows] == ["a", "c"] and bad.reason == "not_json"


@pytest.mark.parametrize("more", ["[" * 100_000, "[" * 100_000 + "]" * 100_000, '{"a":' * 50_000])
def test_nesting_in_a_field_that_nobody_reads_ends_no_dump(tmp_path: Path, more: str) -> None:
    path = tmp_path / "RC"
    deep = f'{{"id":"b","subreddit":"x","media":{more}}}'
    path.write_text("\n".join([GOOD % "a", deep, GOOD % "c", ""]))
    rows, bad = read(path)
    assert {"a", "c"} <= {row["id"] for row in rows}
    assert len(rows) + len(bad) == 3 and all(one.offset == len(GOOD % "a") + 1 for one in bad)


def test_what_a_parser_raises_is_set_aside_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parse = module.parse_line

    def strict(text: memoryview) -> object:
        if b'"b"' in bytes(text):
            raise ZeroDivisionError("what nobody foresaw")
        return parse(text)

    monkeypatch.setattr(module, "parse_line", strict)
    path = tmp_path / "RC"
    path.write_text("\n".join(GOOD % name for name in "abc"))
    rows, (bad,) = read(path)
    assert [row["id"] for row in rows] == ["a", "c"]
    assert (bad.reason, bad.offset, bad.file) == ("unreadable", len(GOOD % "a") + 1, "RC")


@given(st.binary(max_size=200), st.binary(max_size=40))
def test_whatever_bytes_a_dump_holds_good_lines_stay(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, inner: bytes
) -> None:
    path = tmp_path_factory.mktemp("dump") / "RC"
    spoiled = b'{"id":"b","subreddit":"x","body":"' + inner + b'"}'
    path.write_bytes(b"\n".join([(GOOD % "a").encode(), noise, spoiled, (GOOD % "c").encode()]))
    rows, bad = read(path)
    ids = [row["id"] for row in rows]
    assert "a" in ids and "c" in ids
    lines = b"\n".join([noise, spoiled]).split(b"\n")
    assert len(rows) - 2 + len(bad) <= len(lines)
    assert all(one.file == "RC" and one.content for one in bad)
