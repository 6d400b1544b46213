from pathlib import Path
from typing import Any

import pytest

from s2.evaluate.sheets import Item, Rated, draw, read_sheet, summarise
from s2.kernel.errors import S2Error


def answers(*ids: str) -> list[dict[str, Any]]:
    return [
        {"id": id_, "prompt": f"### Human: Why {id_}? ### Assistant:", "answer": f"so {id_}"}
        for id_ in ids
    ]


def test_sheets_are_shuffled_by_the_seed_and_hold_every_model_s_answer() -> None:
    told = {"base": answers(*"abcdef"), "sft": answers(*"bcdefg")}
    items = draw(told, 4, seed=1)
    assert len(items) == 8 and len({item.item for item in items}) == 8
    assert {item.id for item in items if item.model == "base"} == {
        item.id for item in items if item.model == "sft"
    }
    assert items == draw(told, 4, seed=1) != draw(told, 4, seed=2)
    assert [item.model for item in items] != sorted(item.model for item in items)
    assert all(item.question == f"Why {item.id}?" for item in items)
    with pytest.raises(S2Error, match="base, sft have no question in common"):
        draw({"base": answers("a"), "sft": answers("b")}, 1, 0)


ITEMS = [
    Item("a1", "q", "t", "base", "x"),
    Item("a2", "q", "t", "sft", "x"),
    Item("a3", "q", "t", "base", "y"),
    Item("a4", "q", "t", "sft", "y"),
]


def rater(*said: tuple[int | None, str | None]) -> list[Rated]:
    return [Rated(item.item, *one) for item, one in zip(ITEMS, said, strict=True)]


def test_a_hand_worked_table() -> None:
    """Violations by majority: a1 (2 of 3), not a3 (1 of 3). Ratings: base 2 and 3, sft 4 and 3: one win
    and one tie for sft."""
    found = summarise(
        ITEMS,
        [
            rater((1, "yes"), (4, "no"), (3, "yes"), (3, "no")),
            rater((2, "yes"), (4, "no"), (3, "no"), (3, "no")),
            rater((3, "no"), (4, "no"), (3, "no"), (3, None)),
        ],
    )
    base, sft = found["models"]["base"], found["models"]["sft"]
    assert (base["violations"], base["rating"]) == (0.5, 2.5)
    assert (sft["violations"], sft["rating"], sft["rating_n"]) == (0.0, 3.5, 2)
    assert base["rating_se"] == 0.5
    assert found["pairs"] == [{"a": "base", "b": "sft", "n": 2, "wins": 0.0, "ties": 0.5, "losses": 0.5}]
    assert found["rating_ac2"]["items"] == 4 and 0.5 < found["rating_ac2"]["value"] < 1


def test_half_is_no_majority() -> None:
    found = summarise(
        ITEMS[:1], [rater((1, "yes"), *[(None, None)] * 3), rater((1, "no"), *[(None, None)] * 3)]
    )
    assert found["models"]["base"]["violations"] == 0.0


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a9,3,no", "row 1: there is no item 'a9' in the key"),
        ("a1,6,no", "row 1: rating is '6', not 1 to 5"),
        ("a1,3,maybe", "row 1: violation is 'maybe', not yes or no"),
        ("a1,3,no\na1,3,no", "item a1 stands in it twice"),
    ],
)
def test_a_bad_sheet_is_told(tmp_path: Path, row: str, message: str) -> None:
    path = tmp_path / "sheet.csv"
    path.write_text(f"item,rating,violation\n{row}\n")
    with pytest.raises(S2Error, match=message):
        read_sheet(path, ["a1"])
    path.write_text("item,rating\na1,3\n")
    with pytest.raises(S2Error, match="no column violation"):
        read_sheet(path, ["a1"])


def test_what_a_rater_left_out_is_nothing(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    path.write_text("item,question,rating,violation\na1,x,,\na2,x,4,Yes\n")
    assert read_sheet(path, ["a1", "a2"]) == [Rated("a1", None, None), Rated("a2", 4, "yes")]
