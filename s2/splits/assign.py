"""What each surviving row is for (SFT, preference or prompts), and in which split it stands.

The split is a function of the question's id alone, so that more data never reshuffles what is
there: an id's place on [0, 1) comes from its MD5; validation takes the start, test the end.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import md5
from pathlib import Path
from typing import NamedTuple

import duckdb

from s2.kernel.tables import scan
from s2.params.data import PairChoice
from s2.quality.gates import Rule

FEW = 10


class Shares(NamedTuple):
    """The shares of the questions in validation and in test."""

    validation: float
    test: float


def split(id_column: str, shares: Shares, moved: Mapping[str, str] | None = None) -> str:
    """SQL for an id's split, by its place, or where it was `moved`."""
    place = _place(id_column)
    moves = "".join(
        "WHEN {} = '{}' THEN '{}' ".format(id_column, name.replace("'", "''"), where)
        for name, where in (moved or {}).items()
    )
    return (
        f"CASE {moves}WHEN {place} < {shares.validation} THEN 'validation' "
        f"WHEN {place} >= 1.0 - {shares.test} THEN 'test' ELSE 'train' END"
    )


def _place(id_column: str) -> str:
    """SQL for an id's place on [0, 1): the first 48 bits of its MD5."""
    return f"(('0x' || md5({id_column})[1:12])::BIGINT / {2**48}.0)"


def split_of(name: str, shares: Shares) -> str:
    """`split` of one id, without SQL."""
    place = int(md5(name.encode()).hexdigest()[:12], 16) / 2**48
    if place < shares.validation:
        return "validation"
    return "test" if place >= 1 - shares.test else "train"


def moves(connection: duckdb.DuckDBPyConnection, kept: str, shares: Shares) -> dict[str, str]:
    """Which ids to move to which split, so that of each part of `kept` (SQL for `part`, `id` and
    `split`) with `FEW` ids or more no split of a share above 0 is empty, as chance has it in small
    data: the next one to the split's border, out of the largest split."""
    wanted = {"validation": shares.validation, "test": shares.test, "train": 1.0}
    rows = connection.sql(f"""
        SELECT part, id, any_value(split), any_value({_place("id")}) AS place FROM ({kept})
        WHERE part IN (FROM ({kept}) SELECT part GROUP BY part HAVING count(DISTINCT id) >= {FEW}
            AND count(DISTINCT split) < {sum(share > 0 for share in wanted.values())})
        GROUP BY part, id ORDER BY part, place""").fetchall()
    found: dict[str, str] = {}
    for part in dict.fromkeys(row[0] for row in rows):
        ids = {name: where for of, name, where, _ in rows if of == part}  # by place
        for empty in (name for name, share in wanted.items() if share > 0):
            sizes = Counter(ids.values())
            if not sizes[empty]:
                giving = [name for name, where in ids.items() if where == sizes.most_common(1)[0][0]]
                moved = giving[0] if empty == "validation" else giving[-1]
                ids[moved] = found[moved] = empty
    return found


def usable_questions(candidates: Path, split: str) -> str:
    """SQL that makes the table `questions` of a Reddit candidates file: one row for each question
    that no reason drops, whatever became of its answers."""
    return f"""
        CREATE TABLE questions AS
        SELECT DISTINCT question_id, subreddit, question, {split} AS split FROM {scan(candidates)}
        WHERE question_dropped_by IS NULL"""


def assign_answers(
    connection: duckdb.DuckDBPyConnection, good: Sequence[Rule], choice: PairChoice, max_pairs: int
) -> None:
    """Make the tables `pairs`, `assigned` and `prompts` out of `gated` and `questions`.

    `gated` has the columns of a Reddit candidates file, its `dropped_by` completed by the gate,
    `toxicity` (the worst label) and `split`; `questions` has every usable question.

    An answer of a question with two or more distinct scores is for preference (of a tie, the first
    id; the others go to SFT), any other for SFT. What breaks a rule of `good` is not for SFT, and may
    only be rejected. `assigned` has `purpose`, and `dropped_by` completed by the reasons of `good`
    (SFT) and unpaired (preference). `pairs` has at most `max_pairs` pairs a question, those that the
    `choice` puts first (`widest` gap in score, or at `random`; of `top_two` and `contrast` one alone:
    the best answer with the next below it, or with the worst), each with weight 1/(pairs of the
    question) and margin ln(1 + gap). `prompts` has the usable questions that neither uses.
    """
    chosen = " AND ".join(rule.keeps("good.") for rule in good)
    left = " ".join(
        f"WHEN purpose = 'sft' AND NOT ({rule.keeps()}) THEN '{rule.reason}'" for rule in good
    )
    cap = 1 if choice in ("top_two", "contrast") else max_pairs
    connection.execute(_PURPOSES)
    connection.execute(_PAIRS.format(good=chosen, order=_ORDERS[choice]), {"cap": cap})
    connection.execute(_ASSIGNED.format(left=left))
    connection.execute(_PROMPTS)


# The random order is that of a hash, so that more answers move few pairs.
_ORDERS: dict[PairChoice, str] = {
    "widest": "good.score - bad.score DESC",
    "random": "md5('pairs ' || good.id || ' ' || bad.id)",
    "top_two": "good.score DESC, bad.score DESC",
    "contrast": "good.score DESC, bad.score",
}

_PURPOSES = """
CREATE TEMP TABLE purposes AS
WITH alive AS (
    SELECT id, question_id, score,
        row_number() OVER (PARTITION BY question_id, score ORDER BY id) AS tie
    FROM gated WHERE dropped_by IS NULL
), spread AS (
    SELECT question_id, count(DISTINCT score) AS scores FROM alive GROUP BY question_id
)
SELECT id, CASE WHEN scores >= 2 AND tie = 1 THEN 'preference' ELSE 'sft' END AS purpose
FROM alive JOIN spread USING (question_id)
"""

_PAIRS = """
CREATE TEMP TABLE pairs AS
WITH preferred AS (
    FROM gated JOIN purposes USING (id) SELECT gated.* WHERE purpose = 'preference'
), ranked AS (
    SELECT question_id, good.subreddit, good.split, good.question,
        good.id AS chosen_id, good.answer AS chosen, bad.id AS rejected_id, bad.answer AS rejected,
        good.score - bad.score AS gap,
        row_number() OVER (PARTITION BY question_id ORDER BY {order}, good.id, bad.id) AS place
    FROM preferred AS good JOIN preferred AS bad USING (question_id)
    WHERE good.score > bad.score AND {good}
)
SELECT * EXCLUDE (gap, place), ln(1 + gap) AS margin,
    1.0 / count(*) OVER (PARTITION BY question_id) AS weight
FROM ranked WHERE place <= $cap
"""

_ASSIGNED = """
CREATE TEMP TABLE assigned AS
SELECT gated.* REPLACE (
    CASE
        WHEN dropped_by IS NOT NULL THEN dropped_by
        {left}
        WHEN purpose = 'preference' AND id NOT IN (
            SELECT chosen_id FROM pairs UNION SELECT rejected_id FROM pairs
        ) THEN 'unpaired'
    END AS dropped_by), purpose
FROM gated LEFT JOIN purposes USING (id)
"""

_PROMPTS = """
CREATE TEMP TABLE prompts AS
FROM questions
WHERE question_id NOT IN (SELECT question_id FROM assigned WHERE dropped_by IS NULL)
"""
