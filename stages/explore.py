"""Describe the data: counts, lengths, scores, readability and toxicity by source and split, and the
reasons for which rows were dropped."""

import json
from itertools import product
from pathlib import Path
from typing import Any

import duckdb

from s2.files import new_folder, write_json
from s2.report.explore import BINS, describe, histogram, top_reasons
from s2.tables import connect, scan
from stages.runner import run

SPLITS = ["train", "validation", "test"]
COLUMNS = {"reddit": list(BINS), "wiki": [column for column in BINS if column != "score"]}
KEPT = {"reddit": "data/splits/sft/reddit.parquet", "wiki": "data/questions/wiki.parquet"}
FUNNEL = Path("metrics/data/splits.json")
METRICS = Path("metrics/data/explore.json")
PLOTS = Path("metrics/plots/data")


def main() -> None:
    connection = connect()
    funnel = json.loads(FUNNEL.read_text(encoding="utf-8"))
    with new_folder(PLOTS) as plots:
        for source, columns in COLUMNS.items():
            connection.execute(view(source))
            write_json(plots / "dropped" / f"{source}.json", top_reasons(funnel[source]["dropped"]))
            for column, (name, table) in product(columns, tables(source).items()):
                rows = histogram(connection, table, column)
                write_json(plots / column / f"{source}-{name}.json", rows)
        write_json(METRICS, {source: summary(connection, source) for source in COLUMNS})


def view(source: str) -> str:
    """SQL for the views `<source>` (candidates still in) and `<source>_sft` (what SFT keeps)."""
    toxicity = scan(Path(f"data/toxicity/{source}.parquet"))
    return f"""
        CREATE VIEW {source} AS
        SELECT c.*, greatest(*COLUMNS(t.* EXCLUDE id)) AS toxicity
        FROM {scan(Path(f"data/candidates/{source}.parquet"))} AS c JOIN {toxicity} AS t USING (id);
        CREATE VIEW {source}_sft AS
        FROM {source} JOIN (SELECT id, split FROM {scan(Path(KEPT[source]))}) USING (id)"""


def tables(source: str) -> dict[str, str]:
    """Queries of what is still in after cleaning, of what SFT keeps, and of each of its splits."""
    splits = {split: f"(FROM {source}_sft WHERE split = '{split}')" for split in SPLITS}
    return {"candidates": source, "sft": f"{source}_sft"} | splits


def summary(connection: duckdb.DuckDBPyConnection, source: str) -> dict[str, Any]:
    """Counts, means and quantiles of each of the `tables`."""
    columns = COLUMNS[source]
    return {name: describe(connection, table, columns) for name, table in tables(source).items()}


if __name__ == "__main__":
    run(main)
