"""Every row is accounted for: rows in = rows out + the sum of rows dropped by reason."""

from collections.abc import Mapping

import duckdb

from s2.kernel.errors import S2Error


def account(rows_in: int, rows_out: int, dropped: Mapping[str, int]) -> dict[str, object]:
    """The accounting of a stage, for its metrics file; raises `S2Error` unless it balances."""
    if rows_in != rows_out + sum(dropped.values()):
        raise S2Error(f"rows are unaccounted for: {rows_in} in, {rows_out} out, dropped {dict(dropped)}")
    kept = {reason: count for reason, count in sorted(dropped.items()) if count}
    return {"rows_in": rows_in, "rows_out": rows_out, "dropped": kept}


def count_reasons(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, int]:
    """Rows by reason in `table`, kept rows left out."""
    query = f"SELECT dropped_by, count(*) FROM {table} WHERE dropped_by IS NOT NULL GROUP BY ALL"
    return dict(connection.sql(query).fetchall())


def count_kept(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """Rows of `table` that no reason dropped."""
    query = f"SELECT count(*) FROM {table} WHERE dropped_by IS NULL"
    return connection.sql(query).fetchall()[0][0]
