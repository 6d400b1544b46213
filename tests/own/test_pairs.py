import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2.kernel.errors import S2Error
from s2.own.pairs import CANDIDATES, Pair, candidates, drop_reason, pair_of, read_pairs, transcript
from s2.params.align import PairSource

SHARED = Path(__file__).parents[3] / "shared/data/preferences/hh_rlhf_harmless_test.jsonl.gz"
SHP = {"history": "Why?", "human_ref_A": "So.", "human_ref_B": "Or.", "score_A": 3, "score_B": 8}


def human(*turns: str) -> str:
    names = ("Human", "Assistant")
    return "".join(f"\n\n{names[number % 2]}: {turn}" for number, turn in enumerate(turns))


def said(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"prompt": "Why?", "chosen": "So.", "rejected": "No."}, Pair(["Why?"], "So.", "No.")),
        (
            {
                "chosen": human("Hi", "Yes?", "Why?", "So."),
                "rejected": human("Hi", "Yes?", "Why?", "No."),
            },
            Pair(["Hi", "Yes?", "Why?"], "So.", "No."),
        ),
        ({"chosen": human("A", "B"), "rejected": human("C", "D")}, None),
        ({"chosen": human("A", "B", "C"), "rejected": human("A", "B", "D")}, None),
        (
            {
                "prompt": [
                    {"role": "system", "content": "Be kind."},
                    {"role": "user", "content": "Why?"},
                ],
                "chosen": [{"role": "assistant", "content": "So."}],
                "rejected": [{"role": "assistant", "content": "No."}],
            },
            Pair(["Why?"], "So.", "No."),
        ),
        (
            {
                "chosen": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}],
                "rejected": [
                    {"role": "user", "content": "Why?"},
                    {"role": "assistant", "content": "No."},
                ],
            },
            Pair(["Why?"], "So.", "No."),
        ),
        (SHP | {"labels": 0}, Pair(["Why?"], "Or.", "So.", 5.0)),
        (SHP | {"labels": 1}, Pair(["Why?"], "So.", "Or.", 5.0)),
    ],
)
def test_each_shape_is_known_by_its_columns(row: dict[str, Any], expected: Pair | None) -> None:
    assert pair_of(row) == expected


def test_a_row_of_no_known_shape_is_told_with_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    good = {"prompt": "Why?", "chosen": "So.", "rejected": "No."}
    path.write_text(json.dumps(good) + "\n" + json.dumps({"question": "?", "chosen": "a"}) + "\n")
    found = read_pairs("mine", PairSource(path=str(path)))
    assert next(found) == Pair(["Why?"], "So.", "No.")
    with pytest.raises(S2Error, match=r"sources\.mine: .*pairs\.jsonl, row 2: no column 'rejected'"):
        next(found)
    path.write_text(json.dumps(good | {"chosen": 3}) + "\n")
    with pytest.raises(S2Error, match="row 1: '3' is neither a text nor a list of messages"):
        list(read_pairs("mine", PairSource(path=str(path))))


@given(st.lists(st.text("abc :?\n", max_size=8).map(str.strip), min_size=1, max_size=6))
def test_a_transcript_is_its_turns(turns: list[str]) -> None:
    assert transcript(human(*turns)) == turns


def test_turns_that_do_not_alternate_are_none() -> None:
    assert transcript("\n\nHuman: a\n\nHuman: b") == []
    assert transcript("Hello\n\nHuman: a\n\nAssistant: b") == []


@pytest.mark.parametrize(
    ("pair", "known", "reason"),
    [
        (Pair(["Why?"], "So.", "No."), False, None),
        (Pair(["Why?"], "So.", "No."), True, "duplicate"),
        (Pair(["Why?"], "", "No."), False, "no_text"),
        (Pair(["Why?"], "So.", "So."), False, "no_difference"),
        (Pair(["Why?"], "So. ### Human: and?", "No."), False, "prompt_mark"),
    ],
)
def test_each_reason(pair: Pair, known: bool, reason: str | None) -> None:
    assert drop_reason(pair, known) == reason


def test_rows_are_two_a_pair_and_named_by_their_texts() -> None:
    pairs = [Pair(["Why?"], "It is so.", "No.", 3.0), None, Pair(["Why?"], "It is so.", "No.", 3.0)]
    rows = list(candidates("mine", pairs, "report", lambda _: "train"))
    assert [row["dropped_by"] for row in rows] == [None, None, "no_pair", "no_pair", *["duplicate"] * 2]
    assert [row["side"] for row in rows] == ["chosen", "rejected"] * 3
    assert len({row["id"] for row in rows}) == 6 and set(rows[0]) == set(CANDIDATES.names)
    assert rows[0]["question_id"] == rows[4]["question_id"] and rows[0]["turns"] == ["Why?"]
    assert rows[0]["words"] == 3 and rows[0]["ease"] > 100 and rows[0]["gap"] == 3.0
    moved = list(candidates("mine", pairs[2:], "report", lambda _: "train"))
    assert moved[0]["id"] == rows[0]["id"]


@pytest.mark.real
@pytest.mark.skipif(not SHARED.is_file(), reason="the real files are not here")
def test_real_transcripts_are_read() -> None:
    """2,312 pairs of HH-RLHF, single and multi-turn. Six sides are cut where a turn is lost."""
    with gzip.open(SHARED, "rt", encoding="utf-8") as file:
        count = sum(1 for _ in file)
    found = list(read_pairs("hh", PairSource(path=str(SHARED))))
    pairs = [pair for pair in found if pair is not None]
    assert count == len(found) == 2312 and len(pairs) > 2250
    assert sum(len(pair.turns) > 1 for pair in pairs) > 1000
    assert sum(len(pair.turns) == 1 for pair in pairs) > 500
    assert all(len(pair.turns) % 2 and "\n\nHuman:" not in " ".join(pair.turns) for pair in pairs)
