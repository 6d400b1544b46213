"""Embed every usable question, for the leakage test between splits."""

from pathlib import Path

import pyarrow as pa

from s2.kernel.accounting import account
from s2.kernel.files import temporary_file, write_json
from s2.kernel.tables import connect, query_to_parquet, scan, stream_rows, write_rows
from s2.splits.embed import embed
from stages.runner import run

CANDIDATES = Path("data/candidates/reddit.parquet")
ENCODER = Path("models/encoder")
OUT = Path("data/embeddings/reddit.parquet")
METRICS = Path("metrics/data/embeddings.json")

SCHEMA = pa.schema([("question_id", pa.string()), ("embedding", pa.list_(pa.float32()))])
QUESTIONS = f"""
    SELECT DISTINCT question_id, question FROM {scan(CANDIDATES)}
    WHERE question_dropped_by IS NULL ORDER BY question_id
"""


def main() -> None:
    with temporary_file(OUT.with_suffix(".todo")) as todo:
        rows_in = query_to_parquet(connect(), QUESTIONS, todo)
        ids = (row["question_id"] for row in stream_rows(todo, ["question_id"]))
        texts = (row["question"] for row in stream_rows(todo, ["question"]))
        vectors = zip(ids, embed(texts, ENCODER), strict=True)
        rows = ({"question_id": id_, "embedding": vector} for id_, vector in vectors)
        rows_out = write_rows(OUT, SCHEMA, rows)
    write_json(METRICS, account(rows_in, rows_out, {}))


if __name__ == "__main__":
    run(main)
