"""Score the answers that are still in for toxicity: `python -m stages.toxicity reddit|wiki|own|pairs`."""

import sys
from pathlib import Path

import pyarrow as pa

from s2.kernel.accounting import account
from s2.kernel.cache import ContentCache
from s2.kernel.files import temporary_file, write_json
from s2.kernel.paths import local
from s2.kernel.tables import connect, query_to_parquet, scan, stream_rows, write_rows
from s2.params.base import Above0, Positive
from s2.params.data import ToxicityDtype
from s2.params.loading import load
from s2.quality.toxicity import make_scorer, score_texts
from stages.runner import run

CLASSIFIER = Path("models/classifier")


def main() -> None:
    source = sys.argv[1]
    candidates = Path(f"data/candidates/{source}.parquet")
    out = Path(f"data/toxicity/{source}.parquet")
    dtype = load("quality.toxicity.dtype", ToxicityDtype)
    scorer = make_scorer(CLASSIFIER, dtype, load("quality.toxicity.batch_tokens", Positive))
    schema = pa.schema([("id", pa.string()), *((label, pa.float64()) for label in scorer.labels)])
    with (
        temporary_file(out.with_suffix(".todo")) as todo,
        ContentCache(local("cache", "toxicity.sqlite")) as cache,
    ):
        query = f"SELECT id, answer FROM {scan(candidates)} WHERE dropped_by IS NULL ORDER BY id"
        rows_in = query_to_parquet(connect(load("machine.memory", Above0)), query, todo)
        ids = (row["id"] for row in stream_rows(todo, ["id"]))
        answers = (row["answer"] for row in stream_rows(todo, ["answer"]))
        scored = score_texts(scorer, answers, cache)
        rows = ({"id": id_} | scores for id_, (scores, _) in zip(ids, scored, strict=True))
        rows_out = write_rows(out, schema, rows)
    write_json(Path(f"metrics/data/toxicity-{source}.json"), account(rows_in, rows_out, {}))


if __name__ == "__main__":
    run(main)
