"""Score the answers that are still in for toxicity: `python -m stages.toxicity reddit|wiki`."""

import sys
from pathlib import Path

import pyarrow as pa

from s2.cache import ContentCache
from s2.files import temporary_file, write_json
from s2.params import load_params
from s2.quality.gates import account
from s2.quality.toxicity import make_scorer, score_texts
from s2.tables import connect, query_to_parquet, scan, stream_rows, write_rows
from stages.runner import run

CACHE = Path(".s2/cache/toxicity.sqlite")


def main() -> None:
    params = load_params()
    source = sys.argv[1]
    candidates = Path(f"data/candidates/{source}.parquet")
    out = Path(f"data/toxicity/{source}.parquet")
    scorer = make_scorer(params.quality.toxicity.model)
    schema = pa.schema([("id", pa.string()), *((label, pa.float64()) for label in scorer.labels)])
    with temporary_file(out.with_suffix(".todo")) as todo, ContentCache(CACHE) as cache:
        query = f"SELECT id, answer FROM {scan(candidates)} WHERE dropped_by IS NULL ORDER BY id"
        rows_in = query_to_parquet(connect(params.data.memory), query, todo)
        ids = (row["id"] for row in stream_rows(todo, ["id"]))
        answers = (row["answer"] for row in stream_rows(todo, ["answer"]))
        scored = score_texts(scorer, answers, cache)
        rows = ({"id": id_} | scores for id_, (scores, _) in zip(ids, scored, strict=True))
        rows_out = write_rows(out, schema, rows)
    write_json(Path(f"metrics/data/toxicity-{source}.json"), account(rows_in, rows_out, {}))


if __name__ == "__main__":
    run(main)
