"""The gates: SQL that applies thresholds to measures, and the accounting that every row must pass.

A gate is a CASE expression that gives the one reason why a row leaves, or NULL. Reasons are tested
in the order in which they stand.
"""

from collections.abc import Mapping
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from s2.errors import S2Error
from s2.params import Length
from s2.tables import scan


def reddit_gate(length: Length, min_ease: float, max_grade: float) -> str:
    """Reason for which a Reddit candidate leaves, as SQL over the columns of its candidates file."""
    return _case(
        [
            ("dropped_by IS NOT NULL", "dropped_by"),
            (f"words < {length.min_words}", "'too_short'"),
            (f"words > {length.max_words}", "'too_long'"),
            (_not_simple(min_ease, max_grade), "'not_simple'"),
        ]
    )


def wiki_gate(length: Length, min_ease: float, max_grade: float, max_toxic: float) -> str:
    """Reason for which a Wikipedia candidate leaves, as SQL over the columns of its file."""
    return _case(
        [
            ("dropped_by IS NOT NULL", "dropped_by"),
            (f"words < {length.min_words}", "'too_short'"),
            ("residual_markup", "'residual_markup'"),
            (f"words > {length.max_words}", "'too_long'"),
            (_not_simple(min_ease, max_grade), "'not_simple'"),
            (f"toxicity > {max_toxic}", "'toxic'"),
        ]
    )


def _case(branches: list[tuple[str, str]]) -> str:
    body = " ".join(f"WHEN {condition} THEN {reason}" for condition, reason in branches)
    return f"CASE {body} END"


def _not_simple(min_ease: float, max_grade: float) -> str:
    return f"ease < {min_ease} OR grade >= {max_grade}"


def gate_table(candidates: Path, toxicity: Path, verdict: str, split: str) -> str:
    """SQL that makes the table `gated` out of a candidates file and its toxicity: `dropped_by` is
    the verdict, `toxicity` the worst of all labels, `split` the given expression."""
    labels = [name for name in pq.read_schema(toxicity).names if name != "id"]
    worst = ", ".join(f't."{label}"' for label in labels)
    return f"""
        CREATE TEMP TABLE gated AS
        WITH measured AS (
            SELECT c.*, greatest({worst}) AS toxicity
            FROM {scan(candidates)} AS c LEFT JOIN {scan(toxicity)} AS t USING (id)
        )
        SELECT * REPLACE ({verdict} AS dropped_by), {split} AS split FROM measured"""


def count_reasons(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, int]:
    """Rows by reason in `table`, kept rows left out."""
    query = f"SELECT dropped_by, count(*) FROM {table} WHERE dropped_by IS NOT NULL GROUP BY ALL"
    return dict(connection.sql(query).fetchall())


def count_kept(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """Rows of `table` that no gate dropped."""
    query = f"SELECT count(*) FROM {table} WHERE dropped_by IS NULL"
    return connection.sql(query).fetchall()[0][0]


def account(rows_in: int, rows_out: int, dropped: Mapping[str, int]) -> dict[str, object]:
    """The accounting of a stage, for its metrics file; raises `S2Error` unless
    rows in = rows out + the sum of rows dropped by reason."""
    if rows_in != rows_out + sum(dropped.values()):
        raise S2Error(f"rows are unaccounted for: {rows_in} in, {rows_out} out, dropped {dict(dropped)}")
    kept = {reason: count for reason, count in sorted(dropped.items()) if count}
    return {"rows_in": rows_in, "rows_out": rows_out, "dropped": kept}
