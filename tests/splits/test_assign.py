from collections.abc import Iterable
from hashlib import md5
from math import log
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2.kernel.tables import connect
from s2.params.data import PairChoice
from s2.quality.gates import Rule
from s2.splits.assign import FEW, Shares, assign_answers, moves, split

Answer = tuple[str, str, int, float, bool, str | None]

LOW = Rule("low_score", "score", "score", ">=", 4)
TOXIC = Rule("toxic", "toxicity", "toxicity", "<=", 0.1)
EDITED = Rule("edited", "holds an edit", "edited", "=", False)


def expected_split(id_: str, validation: float, test: float) -> str:
    place = int(md5(id_.encode()).hexdigest()[:12], 16) / 2**48
    return "validation" if place < validation else "test" if place >= 1 - test else "train"


@given(st.lists(st.text(max_size=12), min_size=1, max_size=30, unique=True))
def test_the_split_is_the_ids_own(ids: list[str]) -> None:
    connection = duckdb.connect()
    connection.execute("CREATE TABLE t (id TEXT)")
    connection.executemany("INSERT INTO t VALUES (?)", [(id_,) for id_ in ids])
    found = connection.sql(f"SELECT id, {split('id', Shares(0.2, 0.1))} FROM t").fetchall()
    assert dict(found) == {id_: expected_split(id_, 0.2, 0.1) for id_ in ids}


def test_shares_are_kept_and_test_does_not_move_with_validation() -> None:
    ids = [f"t3_{number}" for number in range(5_000)]
    small = [expected_split(id_, 0.1, 0.1) for id_ in ids]
    large = [expected_split(id_, 0.3, 0.1) for id_ in ids]
    assert 0.08 < small.count("validation") / 5_000 < 0.12
    assert [s == "test" for s in small] == [s == "test" for s in large]
    assert all(b == "validation" for a, b in zip(small, large, strict=True) if a == "validation")


def assign(answers: Iterable[Answer], choice: PairChoice = "widest", cap: int = 10) -> Any:
    """Rows of (id, question, score, toxicity, edited, dropped by)."""
    connection = connect()
    connection.execute(
        "CREATE TABLE gated (id TEXT, question_id TEXT, score INT, toxicity DOUBLE,"
        " edited BOOL, dropped_by TEXT)"
    )
    connection.executemany("INSERT INTO gated VALUES (?, ?, ?, ?, ?, ?)", list(answers))
    connection.execute(
        "ALTER TABLE gated ADD COLUMN split TEXT DEFAULT 'train';"
        "ALTER TABLE gated ADD COLUMN question TEXT DEFAULT 'Why?';"
        "ALTER TABLE gated ADD COLUMN answer TEXT DEFAULT 'So.';"
        "ALTER TABLE gated ADD COLUMN subreddit TEXT DEFAULT 'x';"
        "CREATE TABLE questions AS SELECT DISTINCT question_id, question, split FROM gated"
    )
    assign_answers(connection, [LOW, TOXIC, EDITED], choice, max_pairs=cap)
    fates = connection.sql("SELECT id, purpose, dropped_by FROM assigned").fetchall()
    pairs = connection.sql(
        "SELECT chosen_id, rejected_id, weight, margin FROM pairs"
        " ORDER BY margin DESC, chosen_id, rejected_id"
    ).fetchall()
    prompts = connection.sql("SELECT question_id FROM prompts").fetchall()
    return {id_: fate for id_, *fate in fates}, pairs, [q for (q,) in prompts]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (("a", "q", 4, 0.1, False, None), None),
        (("a", "q", 3, 0.0, False, None), "low_score"),
        (("a", "q", 4, 0.2, False, None), "toxic"),
        (("a", "q", 4, 0.0, True, None), "edited"),
        (("a", "q", 4, 0.0, False, "bot"), "bot"),
    ],
)
def test_a_single_answer_is_for_sft(answer: Answer, reason: str | None) -> None:
    fates, pairs, prompts = assign([answer])
    assert fates["a"] == ["sft" if answer[5] is None else None, reason]
    assert pairs == []
    assert prompts == ([] if reason is None else ["q"])


def test_two_scores_make_a_pair_with_margin_and_weight() -> None:
    fates, pairs, prompts = assign([("a", "q", 9, 0.0, False, None), ("b", "q", 2, 0.9, True, None)])
    assert fates == {"a": ["preference", None], "b": ["preference", None]}
    assert pairs == [("a", "b", 1.0, pytest.approx(2.0794415))]  # ln(1 + 7)
    assert prompts == []


def test_of_a_tie_one_stays_and_the_others_go_to_sft() -> None:
    answers = [(id_, "q", score, 0.0, False, None) for id_, score in [("b", 7), ("a", 7), ("c", 5)]]
    fates, pairs, _ = assign(answers)
    assert fates == {"a": ["preference", None], "b": ["sft", None], "c": ["preference", None]}
    assert [pair[:2] for pair in pairs] == [("a", "c")]


def test_only_ties_are_all_for_sft() -> None:
    fates, pairs, _ = assign([("a", "q", 7, 0.0, False, None), ("b", "q", 7, 0.0, False, None)])
    assert fates == {"a": ["sft", None], "b": ["sft", None]} and pairs == []


def test_toxic_and_edited_answers_are_never_chosen() -> None:
    for bad in [("a", "q", 9, 0.5, False, None), ("a", "q", 9, 0.0, True, None)]:
        fates, pairs, prompts = assign([bad, ("b", "q", 5, 0.0, False, None)])
        assert pairs == [] and prompts == ["q"]
        assert fates == {"a": ["preference", "unpaired"], "b": ["preference", "unpaired"]}


def test_a_chosen_answer_has_the_least_score_of_sft() -> None:
    low = [("a", "q", -3, 0.0, False, None), ("b", "q", -9, 0.0, False, None)]
    fates, pairs, prompts = assign(low)
    assert pairs == [] and prompts == ["q"] and {fate[1] for fate in fates.values()} == {"unpaired"}
    _, pairs, _ = assign([("c", "q", 4, 0.0, False, None), *low])
    assert [pair[:2] for pair in pairs] == [("c", "b"), ("c", "a")]


SCORES = {"a": 9, "b": 7, "c": 5, "d": 4, "e": 1}
SEVERAL: list[Answer] = [(name, "q", score, 0.0, False, None) for name, score in SCORES.items()]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("widest", [("a", "e"), ("b", "e"), ("a", "d")]),  # gaps of 8, 6 and 5
        ("top_two", [("a", "b")]),
        ("contrast", [("a", "e")]),
    ],
)
def test_the_pairs_are_those_of_the_choice(choice: PairChoice, expected: list[tuple[str, str]]) -> None:
    _, pairs, _ = assign(SEVERAL, choice, cap=3)
    assert [pair[:2] for pair in pairs] == expected
    assert [pair[2] for pair in pairs] == [pytest.approx(1 / len(expected))] * len(expected)
    gaps = [SCORES[chosen] - SCORES[rejected] for chosen, rejected in expected]
    assert [pair[3] for pair in pairs] == [pytest.approx(log(1 + gap)) for gap in gaps]


def test_the_best_that_is_not_good_leaves_its_place_to_the_next() -> None:
    toxic = [("a", "q", 9, 0.9, False, None), *SEVERAL[1:]]
    assert [pair[:2] for pair in assign(toxic, "top_two")[1]] == [("b", "c")]
    assert [pair[:2] for pair in assign(toxic, "contrast")[1]] == [("b", "e")]


def test_random_pairs_are_capped_and_more_answers_move_few_of_them() -> None:
    answers: list[Answer] = [(f"a{n}", "q", n, 0.0, False, None) for n in range(30)]
    _, pairs, _ = assign(answers, "random")
    assert len(pairs) == 10 and {weight for _, _, weight, _ in pairs} == {0.1}
    assert pairs != assign(answers, "widest")[1]
    assert pairs == assign(list(reversed(answers)), "random")[1]
    _, more, _ = assign([*answers, ("b", "q", 15, 0.0, False, None)], "random")
    assert len({pair[:2] for pair in pairs} & {pair[:2] for pair in more}) >= 7


def test_pairs_are_capped_widest_gap_first_and_share_their_weight() -> None:
    answers = [(f"a{n}", "q", n, 0.0, False, None) for n in range(1, 9)]
    _, pairs, _ = assign(answers)
    assert len(pairs) == 10 and {weight for _, _, weight, _ in pairs} == {0.1}
    assert pairs[0][:2] == ("a8", "a1")
    _, capped, _ = assign(answers, cap=3)
    assert len(capped) == 3 and sum(weight for _, _, weight, _ in capped) == pytest.approx(1)


ANSWERS = st.lists(
    st.tuples(
        st.sampled_from(["q1", "q2", "q3"]),
        st.integers(0, 8),
        st.sampled_from([0.0, 0.9]),
        st.booleans(),
        st.sampled_from([None, None, None, "bot"]),
    ),
    min_size=1,
    max_size=8,
)


@settings(deadline=None, max_examples=30)
@given(ANSWERS, ANSWERS)
def test_every_answer_has_one_fate_which_other_questions_do_not_change(
    before: list[tuple[str, int, float, bool, str | None]],
    more: list[tuple[str, int, float, bool, str | None]],
) -> None:
    rows: list[Answer] = [(f"a{n}", *row) for n, row in enumerate(before)]
    new: list[Answer] = [(f"b{n}", f"new-{row[0]}", *row[1:]) for n, row in enumerate(more)]
    fates, pairs, prompts = assign(rows)
    assert set(fates) == {row[0] for row in rows}
    paired = {id_ for pair in pairs for id_ in pair[:2]}
    for id_, (purpose, dropped_by) in fates.items():
        assert dropped_by or purpose == ("preference" if id_ in paired else "sft")
    grown_fates, grown_pairs, grown_prompts = assign([*rows, *new])
    assert {id_: grown_fates[id_] for id_ in fates} == fates
    assert [pair for pair in grown_pairs if pair[0] in fates] == pairs
    assert {q for q in grown_prompts if not q.startswith("new-")} == set(prompts)


def kept(parts: dict[str, list[str]], shares: Shares) -> Any:
    connection = duckdb.connect()
    connection.execute("CREATE TABLE t (part TEXT, id TEXT)")
    rows = [(part, id_) for part, ids in parts.items() for id_ in ids]
    connection.executemany("INSERT INTO t VALUES (?, ?)", rows)
    return connection, f"SELECT part, id, {split('id', shares)} AS split FROM t"


@given(
    st.lists(st.text(max_size=8), min_size=1, max_size=40, unique=True),
    st.sampled_from([Shares(0.2, 0.1), Shares(0.01, 0.0), Shares(0.5, 0.49), Shares(0.0, 0.01)]),
)
def test_a_split_never_takes_all_or_none_of_ten_rows_or_more(ids: list[str], shares: Shares) -> None:
    connection, rows = kept({"a": ids, "b": ["one"]}, shares)
    moved = moves(connection, rows, shares)
    before = dict(connection.sql(f"SELECT id, split FROM ({rows}) WHERE part = 'a'").fetchall())
    after = before | moved
    if len(ids) < FEW:
        assert not moved
        return
    wanted = {"train"} | {n for n, share in shares._asdict().items() if share > 0}
    assert set(after.values()) == wanted
    assert len(moved) == len(wanted - set(before.values()))  # and not one row more
    if moved:
        again = split("id", shares, moved)
        found = dict(connection.sql(f"SELECT id, {again} FROM t WHERE part = 'a'").fetchall())
        assert found == after


def test_what_is_moved_is_next_to_the_border() -> None:
    ids = sorted((f"q{n}" for n in range(200)), key=lambda id_: md5(id_.encode()).hexdigest())[100:130]
    connection, rows = kept({"a": ids}, Shares(0.2, 0.1))
    assert moves(connection, rows, Shares(0.2, 0.1)) == {ids[0]: "validation", ids[-1]: "test"}
