"""What is in the data: counts and distributions by source and split, as flat metrics and histograms."""

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

QUANTILES = {"p10": 0.1, "median": 0.5, "p90": 0.9}
TOP_REASONS = 10

# Left edge and width of the first bin, and the number of bins; what lies outside is in the end bins.
BINS = {
    "words": (0, 25, 20),
    "ease": (0, 10, 12),
    "grade": (0, 1, 16),
    "score": (0, 5, 20),
    "toxicity": (0.0, 0.05, 20),
}


def describe(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str]
) -> dict[str, float]:
    """Count, mean and quantiles of each column, flat; a column without values is left out."""
    metrics: dict[str, float] = {}
    for column in columns:
        quantiles = ", ".join(f"quantile_cont({column}, {q})" for q in QUANTILES.values())
        query = f"SELECT count({column}), avg({column}), {quantiles} FROM {table}"
        found = connection.sql(query).fetchall()[0]
        if found[0]:
            names = ["count", "mean", *QUANTILES]
            values = zip(names, found, strict=True)
            metrics |= {f"{column}_{name}": round(float(value), 3) for name, value in values}
    return metrics


def histograms(
    connection: duckdb.DuckDBPyConnection, tables: Mapping[str, str], column: str
) -> list[dict[str, Any]]:
    """For each of the tables (name to SQL) a row for each bin of a column: the table as `part`, the
    bin's left edge, and the share of rows in it; a table that has no values is left out."""
    start, width, bins = BINS[column]
    rows: list[dict[str, Any]] = []
    for name, table in tables.items():
        shares = _shares(connection, table, column)
        for number in range(bins if shares else 0):
            edge = {"part": name, column: round(start + number * width, 4)}
            rows.append(edge | {"share": round(shares.get(number, 0.0), 5)})
    return rows


def _shares(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> dict[int, float]:
    start, width, bins = BINS[column]
    counted = connection.execute(
        f"SELECT least(greatest(floor(({column} - {start}) / {width}), 0), {bins - 1})::INT AS bin,"
        f" count(*) / sum(count(*)) OVER () FROM {table} WHERE {column} IS NOT NULL"
        " GROUP BY bin ORDER BY bin"
    ).fetchall()
    return {number: float(share) for number, share in counted}


def top_reasons(dropped: Mapping[str, Mapping[str, int]]) -> list[dict[str, Any]]:
    """Of each source the most frequent reasons, most frequent first, as rows for a plot."""
    rows = []
    for source, counts in dropped.items():
        ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        rows += [{"reason": f"{source}: {reason}", "rows": n} for reason, n in ranked[:TOP_REASONS]]
    return rows
