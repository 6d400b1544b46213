"""Describe the data: counts, lengths, scores, readability and toxicity by source and split, and the
reasons for which rows were dropped."""

import json
from pathlib import Path

from s2.kernel.files import new_folder, write_json
from s2.kernel.tables import connect, scan
from s2.report.explore import BINS, describe, histograms, top_reasons
from stages.runner import run

QUESTION = {"reddit": "reddit.question_id", "wiki": "wiki.id", "own": "own.question_id"}
SPLITS = ["train", "validation", "test"]
KEPT = {
    "reddit": "data/splits/sft/reddit.parquet",
    "wiki": "data/questions/wiki.parquet",
    "own": "data/splits/sft/own.parquet",
}
LEAKS = {
    "reddit": "data/leaks/reddit.parquet",
    "wiki": "data/leaks/wiki.parquet",
    "own": "data/leaks/own.parquet",
}
FUNNEL = Path("metrics/data/splits.json")
LEAKED = Path("metrics/data/leakage.json")
METRICS = Path("metrics/data/explore.json")
PLOTS = Path("metrics/plots/data")
DRAWN = {"candidates", "sft"}


def main() -> None:
    connection = connect()
    tables: dict[str, dict[str, str]] = {}
    for source in KEPT:
        connection.execute(view(source))
        tables[source] = parts(source)
    funnel = json.loads(FUNNEL.read_text(encoding="utf-8"))
    leaked = json.loads(LEAKED.read_text(encoding="utf-8"))
    with new_folder(PLOTS) as plots:
        for column in BINS:
            named = {
                f"{source} {part}": table
                for source, found in tables.items()
                for part, table in found.items()
                if column in columns(source) and part in DRAWN
            }
            write_json(plots / f"{column}.json", histograms(connection, named, column))
        dropped = {
            source: funnel[source]["dropped"] | leaked[f"sft_{source}"]["dropped"] for source in KEPT
        }
        write_json(plots / "dropped.json", top_reasons(dropped))
    metrics = {
        source: {part: describe(connection, table, columns(source)) for part, table in found.items()}
        for source, found in tables.items()
    }
    write_json(METRICS, metrics)


def columns(source: str) -> list[str]:
    """What is measured of a source: only Reddit's answers have a score."""
    return [column for column in BINS if source == "reddit" or column != "score"]


def view(source: str) -> str:
    """SQL for the views `<source>` (candidates still in) and `<source>_sft` (what SFT keeps)."""
    toxicity = scan(Path(f"data/toxicity/{source}.parquet"))
    return f"""
        CREATE VIEW {source} AS
        SELECT c.*, greatest(*COLUMNS(t.* EXCLUDE id)) AS toxicity
        FROM {scan(Path(f"data/candidates/{source}.parquet"))} AS c JOIN {toxicity} AS t USING (id);
        CREATE VIEW {source}_sft AS
        FROM {source} JOIN (SELECT id, split FROM {scan(Path(KEPT[source]))}) USING (id)
        ANTI JOIN {scan(Path(LEAKS[source]))} AS leaks ON leaks.question_id = {QUESTION[source]}"""


def parts(source: str) -> dict[str, str]:
    """Queries of what is still in after cleaning, of what SFT keeps, and of each of its splits."""
    splits = {split: f"(FROM {source}_sft WHERE split = '{split}')" for split in SPLITS}
    return {"candidates": source, "sft": f"{source}_sft"} | splits


if __name__ == "__main__":
    run(main)
