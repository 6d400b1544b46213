"""Embed a source's questions, for the leakage test:
`python -m stages.embeddings reddit|wiki|own|pairs`."""

import sys
from pathlib import Path

import pyarrow as pa

from s2.kernel.accounting import account
from s2.kernel.files import temporary_file, write_json
from s2.kernel.tables import connect, query_to_parquet, scan, stream_rows, write_rows
from s2.splits.embed import embed
from stages.runner import run

CANDIDATES = Path("data/candidates/reddit.parquet")
ASKED = Path("data/questions/wiki.parquet")
OWN = Path("data/splits/sft/own.parquet")
PAIRS = Path("data/candidates/pairs.parquet")
ENCODER = Path("models/encoder")

SCHEMA = pa.schema([("question_id", pa.string()), ("embedding", pa.list_(pa.float32()))])
QUESTIONS = {
    "reddit": f"""SELECT DISTINCT question_id, question FROM {scan(CANDIDATES)}
        WHERE question_dropped_by IS NULL ORDER BY question_id""",
    "wiki": f"SELECT id AS question_id, question FROM {scan(ASKED)} ORDER BY question_id",
    "own": f"SELECT DISTINCT question_id, question FROM {scan(OWN)} ORDER BY question_id",
    "pairs": f"""SELECT DISTINCT question_id, question FROM {scan(PAIRS)}
        WHERE dropped_by IS NULL ORDER BY question_id""",
}


def main() -> None:
    source = sys.argv[1]
    out = Path(f"data/embeddings/{source}.parquet")
    with temporary_file(out.with_suffix(".todo")) as todo:
        rows_in = query_to_parquet(connect(), QUESTIONS[source], todo)
        ids = (row["question_id"] for row in stream_rows(todo, ["question_id"]))
        texts = (row["question"] for row in stream_rows(todo, ["question"]))
        vectors = zip(ids, embed(texts, ENCODER), strict=True)
        rows = ({"question_id": id_, "embedding": vector} for id_, vector in vectors)
        rows_out = write_rows(out, SCHEMA, rows)
    write_json(Path(f"metrics/data/embeddings-{source}.json"), account(rows_in, rows_out, {}))


if __name__ == "__main__":
    run(main)
