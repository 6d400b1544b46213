"""Describe the data: counts, lengths, readability and toxicity, before and after the gates."""

from pathlib import Path

import duckdb

from s2.files import write_json
from s2.report.explore import BINS, describe, histogram
from s2.tables import connect, scan
from stages.runner import run

SOURCES = ["reddit", "wiki"]
KEPT = {"reddit": "data/splits/sft/reddit.parquet", "wiki": "data/questions/wiki.parquet"}
METRICS = Path("metrics/data/explore.json")
PLOTS = Path("metrics/plots/data")


def main() -> None:
    connection = connect()
    for source in SOURCES:
        connection.execute(view(source))
    write_json(METRICS, {source: summary(connection, source) for source in SOURCES})
    for column in BINS:
        for table in (*SOURCES, *(f"{source}_sft" for source in SOURCES)):
            write_json(PLOTS / column / f"{table}.json", histogram(connection, table, column))


def view(source: str) -> str:
    """SQL for the views `<source>` (candidates still in) and `<source>_sft` (what SFT keeps)."""
    return f"""
        CREATE VIEW {source} AS
        SELECT c.*, t.* EXCLUDE id FROM {scan(Path(f"data/candidates/{source}.parquet"))} AS c
        JOIN {scan(Path(f"data/toxicity/{source}.parquet"))} AS t USING (id);
        CREATE VIEW {source}_sft AS FROM {source} SEMI JOIN {scan(Path(KEPT[source]))} USING (id)"""


def summary(connection: duckdb.DuckDBPyConnection, source: str) -> dict[str, dict[str, float]]:
    """Counts, means and quantiles of what is still in after cleaning, and of what SFT keeps."""
    columns = list(BINS)
    return {
        "candidates": describe(connection, source, columns),
        "sft": describe(connection, f"{source}_sft", columns),
    }


if __name__ == "__main__":
    run(main)
