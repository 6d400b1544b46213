"""Compare every training row, pair and prompt with every held-out question of every source."""

from pathlib import Path
from typing import Any

import duckdb

from s2.kernel.accounting import account
from s2.kernel.files import write_json
from s2.kernel.tables import connect, query_to_parquet, scan
from s2.params.base import Above0
from s2.params.loading import load
from s2.quality.thresholds import load_leakage
from s2.splits.leakage import leaking_questions
from stages.runner import run

SPLITS = Path("data/splits")
WIKI = Path("data/questions/wiki.parquet")
OWN = Path("data/splits/sft/own.parquet")
PAIRS = Path("data/candidates/pairs.parquet")
SOURCES = ("reddit", "wiki", "own", "pairs")
EMBEDDINGS = [Path(f"data/embeddings/{source}.parquet") for source in SOURCES]
OUT = Path("data/leaks")
METRICS = Path("metrics/data/leakage.json")

QUESTION_ROWS = scan(SPLITS / "questions/reddit.parquet")
QUESTIONS = f"""
    CREATE TABLE questions AS
    SELECT question_id, split, 'reddit' AS source FROM {QUESTION_ROWS}
    UNION ALL SELECT id, split, 'wiki' FROM {scan(WIKI)}
    UNION ALL SELECT DISTINCT question_id, split, 'own' FROM {scan(OWN)}
    UNION ALL SELECT DISTINCT question_id, split, 'pairs' FROM {scan(PAIRS)} WHERE dropped_by IS NULL"""
LEAKS = """
    FROM leaks JOIN questions USING (question_id) SELECT question_id, split, "like", cosine
    WHERE source = '{}' ORDER BY question_id"""
# What leaking questions are taken from.
ROWS = {
    "sft_reddit": scan(SPLITS / "sft/reddit.parquet"),
    "sft_wiki": f"(FROM {scan(WIKI)} SELECT id AS question_id)",
    "sft_own": scan(OWN),
    "own_pairs": f"(FROM {scan(PAIRS)} SELECT DISTINCT pair_id, question_id WHERE dropped_by IS NULL)",
    "pairs": scan(SPLITS / "pairs/reddit.parquet"),
    "prompts": f"(FROM {QUESTION_ROWS} SELECT * EXCLUDE prompt WHERE prompt)",
}
# What datasets do not take out for themselves: where the rows that stay are written, and their order.
KEPT = {
    "pairs": (SPLITS / "preference/reddit.parquet", "question_id, chosen_id, rejected_id"),
    "prompts": (SPLITS / "prompts/reddit.parquet", "question_id"),
}


def main() -> None:
    memory = load("machine.memory", Above0)
    connection = connect(memory)
    connection.execute(QUESTIONS)
    leaking_questions(connection, EMBEDDINGS, load_leakage().limit, memory)
    for source in SOURCES:
        query_to_parquet(connection, LEAKS.format(source), OUT / f"{source}.parquet")
    for name, (path, order) in KEPT.items():
        kept = f"FROM {ROWS[name]} ANTI JOIN leaks USING (question_id) ORDER BY {order}"
        query_to_parquet(connection, kept, path)
    write_json(METRICS, {name: balance(connection, rows) for name, rows in ROWS.items()})


def balance(connection: duckdb.DuckDBPyConnection, rows: str) -> dict[str, Any]:
    """The accounting of rows (SQL with `question_id`)."""
    leaks = "count(*) FILTER (question_id IN (SELECT question_id FROM leaks))"
    ((rows_in, dropped),) = connection.execute(f"SELECT count(*), {leaks} FROM {rows}").fetchall()
    return account(rows_in, rows_in - dropped, {"leakage": dropped})


if __name__ == "__main__":
    run(main)
