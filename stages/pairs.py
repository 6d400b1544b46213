"""Make preference pairs of every source: of votes, safety, simplicity, and a user's own."""

from pathlib import Path
from typing import Any

import duckdb

from s2.kernel.accounting import account, count_reasons
from s2.kernel.files import write_json
from s2.kernel.tables import connect, query_to_parquet, scan
from s2.params.align import Gap
from s2.params.base import Above0, Positive
from s2.params.loading import load
from s2.quality.thresholds import load_thresholds
from s2.splits.preference import COLUMNS, made, own, votes, without_leaks
from stages.runner import run

ANSWERS = Path("data/candidates/reddit.parquet")
TOXICITY = Path("data/toxicity/reddit.parquet")
QUESTIONS = Path("data/splits/questions/reddit.parquet")
VOTES = Path("data/splits/preference/reddit.parquet")
OWN = Path("data/candidates/pairs.parquet")
OWN_TOXICITY = Path("data/toxicity/pairs.parquet")
LEAKS = Path("data/leaks/reddit.parquet")
OWN_LEAKS = Path("data/leaks/pairs.parquet")
OUT = Path("data/pairs")
METRICS = Path("metrics/data/pairs.json")


def main() -> None:
    connection = connect(load("machine.memory", Above0))
    rules = load_thresholds()
    short, long, *_ = rules.reddit
    measured = f"""
        SELECT c.*, greatest(*COLUMNS(t.* EXCLUDE id)) AS toxicity, q.split
        FROM {scan(ANSWERS)} AS c JOIN {scan(TOXICITY)} AS t USING (id)
        JOIN {scan(QUESTIONS)} AS q USING (question_id)
        WHERE c.dropped_by IS NULL AND c.{short.keeps()} AND c.{long.keeps()}"""
    kinds = {
        "safety": ("bad.toxicity - good.toxicity", load("preference.safety", Gap).min_gap),
        "simplicity": ("good.ease - bad.ease", load("preference.simplicity", Gap).min_gap),
    }
    most = load("preference.max_per_question", Positive)
    made(connection, measured, kinds, [*rules.reddit, *rules.good], most)
    lengths = rules.own[:2]
    given = own(scan(OWN), scan(OWN_TOXICITY), rules.own, lengths)
    tables = {
        "votes": f"SELECT *, NULL::VARCHAR AS dropped_by FROM ({votes(scan(VOTES))})",
        **{kind: f"FROM made SELECT * WHERE source = '{kind}'" for kind in kinds},
    }
    tables = {name: without_leaks(query, scan(LEAKS)) for name, query in tables.items()}
    tables["own"] = without_leaks(given, scan(OWN_LEAKS))
    write_json(METRICS, {name: write(connection, name, query) for name, query in tables.items()})


def write(connection: duckdb.DuckDBPyConnection, name: str, query: str) -> dict[str, Any]:
    """Write the pairs that stay; returns the accounting of all."""
    connection.execute(f"CREATE TEMP TABLE all_{name} AS {query}")
    kept = f"FROM all_{name} SELECT {COLUMNS} WHERE dropped_by IS NULL ORDER BY id"
    rows_out = query_to_parquet(connection, kept, OUT / f"{name}.parquet")
    ((rows_in,),) = connection.execute(f"SELECT count(*) FROM all_{name}").fetchall()
    return account(rows_in, rows_out, count_reasons(connection, f"all_{name}"))


if __name__ == "__main__":
    run(main)
