"""Preference pairs: those that the votes make, those that the pipeline makes itself (the safer of two
answers to one question, the more readable), and a user's own, as one kind of row."""

from collections.abc import Sequence

import duckdb

from s2.quality.gates import Rule

# What every file of pairs has.
COLUMNS = "id, question_id, source, split, turns, chosen_id, chosen, rejected_id, rejected, gap, margin"


def votes(pairs: str) -> str:
    """SQL for the pairs of the votes, out of those of `s2.splits.assign`."""
    return f"""
        SELECT chosen_id || ' ' || rejected_id AS id, question_id, 'votes' AS source, split,
            [question] AS turns, chosen_id, chosen, rejected_id, rejected,
            round(exp(margin) - 1) AS gap, margin
        FROM {pairs}"""


def made(
    connection: duckdb.DuckDBPyConnection,
    answers: str,
    kinds: dict[str, tuple[str, float]],
    chosen: Sequence[Rule],
    most: int,
) -> None:
    """Make the table `made` of pairs of `answers` (SQL; rows of a candidates file with `toxicity` and
    `split`) to one question, with `dropped_by`.

    kinds: for each its SQL for what the rejected answer has more of (`good` and `bad` stand for the two),
    and by how much at least. A chosen answer keeps every rule of `chosen`. Of a question's pairs of a
    kind at most `most` stay, the widest first (`over_pairs`).
    """
    good = " AND ".join(rule.keeps("good.") for rule in chosen)
    parts = [
        f"""SELECT '{kind}' AS source, {distance} AS gap, good.question_id, good.split, good.question,
            good.id AS chosen_id, good.answer AS chosen, bad.id AS rejected_id, bad.answer AS rejected
        FROM answers AS good JOIN answers AS bad USING (question_id)
        WHERE good.id <> bad.id AND ({good}) AND {distance} >= {least}"""
        for kind, (distance, least) in kinds.items()
    ]
    connection.execute(f"CREATE TEMP TABLE answers AS {answers}")
    connection.execute(_MADE.format(pairs=" UNION ALL ".join(parts)), {"most": most})


_MADE = """
CREATE TEMP TABLE made AS
WITH found AS ({pairs}), ranked AS (
    SELECT *, row_number() OVER (
        PARTITION BY source, question_id ORDER BY gap DESC, chosen_id, rejected_id) AS place
    FROM found
)
SELECT source || ' ' || chosen_id || ' ' || rejected_id AS id, question_id, source, split,
    [question] AS turns, chosen_id, chosen, rejected_id, rejected, gap, ln(1 + gap) AS margin,
    CASE WHEN place > $most THEN 'over_pairs' END AS dropped_by
FROM ranked
"""


def own(rows: str, toxicity: str, chosen: Sequence[Rule], rejected: Sequence[Rule]) -> str:
    """SQL for a user's own pairs (rows of `s2.own.pairs`, two a pair) with `dropped_by`: the first rule
    that the chosen answer breaks, or then the rejected one."""
    reasons = [
        f"WHEN NOT ({rule.keeps(f'{side}.')}) THEN '{rule.reason}'"
        for side, rules in (("good", chosen), ("bad", rejected))
        for rule in rules
    ]
    return f"""
        WITH sides AS (
            SELECT c.*, greatest(*COLUMNS(t.* EXCLUDE id)) AS toxicity
            FROM {rows} AS c LEFT JOIN {toxicity} AS t USING (id))
        SELECT good.pair_id AS id, good.question_id, good.source, good.split, good.turns,
            good.id AS chosen_id, good.answer AS chosen, bad.id AS rejected_id, bad.answer AS rejected,
            good.gap, coalesce(ln(1 + good.gap), 0) AS margin,
            CASE WHEN good.dropped_by IS NOT NULL THEN good.dropped_by {" ".join(reasons)} END AS
            dropped_by
        FROM sides AS good JOIN sides AS bad USING (pair_id)
        WHERE good.side = 'chosen' AND bad.side = 'rejected'"""


def without_leaks(pairs: str, leaks: str) -> str:
    """SQL for pairs with `dropped_by` completed by the questions that leak."""
    return f"""
        SELECT * REPLACE (CASE WHEN dropped_by IS NOT NULL THEN dropped_by
            WHEN question_id IN (FROM {leaks} SELECT question_id) THEN 'leakage' END AS dropped_by)
        FROM ({pairs})"""


def of_set(parts: Sequence[str], sources: Sequence[str]) -> str:
    """SQL for the pairs of a set, out of files of pairs, with weights: of one source each pair weighs
    1/(pairs of its question); of several, they are balanced, so that in a split all of them together
    weigh the same."""
    named = ", ".join(f"'{name}'" for name in sources)
    union = " UNION ALL ".join(f"FROM {part} SELECT {COLUMNS}" for part in parts)
    # By whole numbers: a sum of weights would differ in its last digit by the order of threads.
    return f"""
        WITH alone AS (
            SELECT *, count(*) OVER (PARTITION BY source, question_id, split) AS of_question
            FROM ({union}) WHERE source IN ({named})
        ), totals AS (
            SELECT source, split, count(DISTINCT question_id) AS questions,
                avg(count(DISTINCT question_id)) OVER (PARTITION BY split) AS fair
            FROM alone GROUP BY source, split
        )
        SELECT * EXCLUDE (of_question, questions, fair), fair / questions / of_question AS weight
        FROM alone JOIN totals USING (source, split)"""


def best_chosen(pairs: str) -> str:
    """Of each question of one turn the answer that is chosen by the widest gap, as `id` (the question's),
    `question` and `answer`."""
    return f"""FROM {pairs}
        SELECT question_id AS id, turns[1] AS question,
            arg_max(chosen, (coalesce(gap, 0), chosen_id)) AS answer
        WHERE len(turns) = 1 GROUP BY ALL ORDER BY id"""
