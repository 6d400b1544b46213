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


def histogram(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> list[dict[str, Any]]:
    """Share of rows in each bin of a column, as rows for a plot; [] if it has no values."""
    start, width, bins = BINS[column]
    counted = connection.execute(
        f"SELECT least(greatest(floor(({column} - {start}) / {width}), 0), {bins - 1})::INT AS bin,"
        f" count(*) / sum(count(*)) OVER () FROM {table} WHERE {column} IS NOT NULL"
        " GROUP BY bin ORDER BY bin"
    ).fetchall()
    shares = dict(counted)
    return [
        {
            column: round(start + number * width, 4),
            "share": round(float(shares.get(number, 0.0)), 5),
        }
        for number in range(bins if shares else 0)
    ]


def top_reasons(dropped: Mapping[str, int]) -> list[dict[str, Any]]:
    """The most frequent reasons, most frequent first, as rows for a plot."""
    ranked = sorted(dropped.items(), key=lambda pair: (-pair[1], pair[0]))
    return [{"reason": reason, "rows": count} for reason, count in ranked[:TOP_REASONS]]
