from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from s2.kernel.tables import connect, scan, write_rows
from s2.own.pairs import CANDIDATES, Pair, candidates
from s2.quality.gates import Rule
from s2.splits.preference import COLUMNS, best_chosen, made, of_set, own, votes, without_leaks

SIMPLE = Rule("not_simple", "ease", "ease", ">=", 60)
TOXIC = Rule("toxic", "toxicity", "toxicity", "<=", 0.1)
KINDS = {
    "safety": ("bad.toxicity - good.toxicity", 0.3),
    "simplicity": ("good.ease - bad.ease", 20),
}


def answers(*rows: tuple[str, str, float, float]) -> str:
    """SQL of answers: id, question, ease, toxicity."""
    values = ", ".join(
        f"('{name}', '{question}', 'Why {question}?', '{name} says', {ease}, {toxicity}, 'train')"
        for name, question, ease, toxicity in rows
    )
    columns = "id, question_id, question, answer, ease, toxicity, split"
    return f"(SELECT * FROM (VALUES {values}) AS t({columns}))"


def pairs_of(query: str, most: int = 4) -> list[tuple[str, str, str, str | None]]:
    connection = connect()
    made(connection, f"FROM {query}", KINDS, [SIMPLE, TOXIC], most)
    found = connection.sql(
        "FROM made SELECT source, chosen_id, rejected_id, dropped_by ORDER BY ALL"
    ).fetchall()
    return found


def test_the_safer_and_the_more_readable_answer_is_chosen() -> None:
    """a is good; b is toxic, so that it is never chosen; c is hard to read, and the same of c."""
    found = pairs_of(
        answers(("a", "q", 80, 0.05), ("b", "q", 90, 0.9), ("c", "q", 30, 0.0), ("d", "other", 10, 0.9))
    )
    assert found == [("safety", "a", "b", None), ("simplicity", "a", "c", None)]


def test_gaps_below_the_least_make_no_pair() -> None:
    assert pairs_of(answers(("a", "q", 80, 0.05), ("b", "q", 61, 0.3))) == []
    assert len(pairs_of(answers(("a", "q", 80, 0.0), ("b", "q", 60, 0.3)))) == 2


def test_of_a_question_the_widest_pairs_stay() -> None:
    query = answers(("a", "q", 90, 0), ("b", "q", 40, 0), ("c", "q", 20, 0), ("d", "q", 30, 0))
    found = pairs_of(query, most=2)
    assert [(row[2], row[3]) for row in found] == [("b", "over_pairs"), ("c", None), ("d", None)]


def given(tmp_path: Path, *pairs: Pair) -> tuple[str, str]:
    """A user's pairs and their toxicity: 0.9 of what says `bad`."""
    rows = list(candidates("mine", pairs, "report", lambda _: "train"))
    write_rows(tmp_path / "pairs.parquet", CANDIDATES, rows)
    scored: list[dict[str, Any]] = [
        {"id": row["id"], "toxicity": 0.9 if "bad" in row["answer"] else 0.0}
        for row in rows
        if row["dropped_by"] is None
    ]
    schema = pa.schema([("id", pa.string()), ("toxicity", pa.float64())])
    write_rows(tmp_path / "toxicity.parquet", schema, scored)
    return scan(tmp_path / "pairs.parquet"), scan(tmp_path / "toxicity.parquet")


def test_own_pairs_are_gated_by_side(tmp_path: Path) -> None:
    """A chosen answer keeps all rules, a rejected one those of length alone."""
    long = Rule("too_long", "words", "words", "<=", 5)
    rows, toxicity = given(
        tmp_path,
        Pair(["1?"], "It is so.", "A bad one."),
        Pair(["2?"], "A bad one.", "It is so."),
        Pair(["3?"], "It is so.", "It is so, they say, and so it is."),
        Pair(["4?"], "It is so.", "It is so."),
    )
    query = own(rows, toxicity, [long, SIMPLE, TOXIC], [long])
    found = connect().sql(f"SELECT turns[1], dropped_by FROM ({query}) ORDER BY 1").fetchall()
    assert found == [("1?", None), ("2?", "toxic"), ("3?", "too_long"), ("4?", "no_difference")]


def test_pairs_of_leaking_questions_leave(tmp_path: Path) -> None:
    rows, toxicity = given(tmp_path, Pair(["1?"], "So.", "No."), Pair(["2?"], "So.", "No."))
    query = own(rows, toxicity, [TOXIC], [])
    leak = f"(SELECT DISTINCT question_id FROM {rows} WHERE turns[1] = '1?')"
    found = connect().sql(f"SELECT turns[1], dropped_by FROM ({without_leaks(query, leak)}) ORDER BY 1")
    assert found.fetchall() == [("1?", "leakage"), ("2?", None)]


def test_votes_keep_their_gap_and_margin() -> None:
    pair = """(SELECT 'q' AS question_id, 'train' AS split, 'Why?' AS question, 'a' AS chosen_id,
        'So.' AS chosen, 'b' AS rejected_id, 'No.' AS rejected, ln(1 + 41) AS margin, 1.0 AS weight)"""
    (row,) = connect().sql(f"SELECT gap, source, turns FROM ({votes(pair)})").fetchall()
    assert row == (41, "votes", ["Why?"])


def test_a_question_weighs_one_and_the_sources_of_a_set_weigh_the_same() -> None:
    """Votes: q with two pairs, r with one: 1/2, 1/2, 1. Beside one safety pair, whose source weighs 1:
    the fair weight of each is 1.5, so that votes are scaled by 3/4 and safety by 3/2."""
    rows = [("v1", "q", "votes"), ("v2", "q", "votes"), ("v3", "r", "votes"), ("s", "q", "safety")]
    columns = COLUMNS.replace(" ", "").split(",")
    told = ("id", "question_id", "source", "split")
    nothing = ", ".join(f"NULL AS {name}" for name in columns if name not in told)
    parts = [
        f"(SELECT '{name}' AS id, '{question}' AS question_id, '{source}' AS source, "
        f"'train' AS split, {nothing})"
        for name, question, source in rows
    ]
    connection = connect()

    def weights(*sources: str) -> dict[str, float]:
        return dict(connection.sql(f"SELECT id, weight FROM ({of_set(parts, sources)})").fetchall())

    assert weights("votes") == {"v1": 0.5, "v2": 0.5, "v3": 1.0}
    both = weights("votes", "safety")
    assert both == pytest.approx({"v1": 0.375, "v2": 0.375, "v3": 0.75, "s": 1.5})


def test_weights_are_exact_in_whatever_order_pairs_come() -> None:
    """Question n has n pairs, each of exactly 1/n: no last digit hangs on the order of a sum."""
    columns = COLUMNS.replace(" ", "").split(",")
    told = {"id": "n || ' ' || m", "question_id": "n::VARCHAR", "source": "'votes'", "split": "'train'"}
    values = ", ".join(f"{told.get(name, 'NULL')} AS {name}" for name in columns)
    for order in range(10):
        pairs = f"""(SELECT {values} FROM range(1, 40) AS a(n), range(1, 40) AS b(m) WHERE m <= n
            ORDER BY md5('{order} ' || n || ' ' || m))"""
        found = (
            connect().sql(f"SELECT question_id, weight FROM ({of_set([pairs], ['votes'])})").fetchall()
        )
        assert len(found) == 780
        assert all(weight == 1 / int(question) for question, weight in found)


def test_of_each_question_the_answer_chosen_by_the_widest_gap_is_taken() -> None:
    """b is chosen by 9 and a by 4; of pairs without a gap the last answer by its id; a conversation of
    two turns is no question."""
    pairs = """(SELECT * FROM (VALUES
        ('q', ['Why?'], 'a', 'So a.', 4.0), ('q', ['Why?'], 'b', 'So b.', 9.0),
        ('r', ['How?'], 'c', 'So c.', NULL), ('s', ['Hi', 'Hello', 'Who?'], 'd', 'So d.', 5.0))
        AS t(question_id, turns, chosen_id, chosen, gap))"""
    assert connect().sql(best_chosen(pairs)).fetchall() == [
        ("q", "Why?", "So b."),
        ("r", "How?", "So c."),
    ]
