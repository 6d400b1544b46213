"""Truncate articles to answers, measure them, name what is no article."""

from functools import partial
from pathlib import Path

from s2.files import write_json
from s2.params import load_params
from s2.pool import map_shards
from s2.quality.gates import account, count_kept, count_reasons
from s2.tables import connect, count_rows, scan, stream_batches, write_batches
from s2.wiki.answers import CANDIDATES, candidates
from stages.runner import run

ARTICLES = Path("data/wiki/articles.parquet")
OUT = Path("data/candidates/wiki.parquet")
METRICS = Path("metrics/data/candidates-wiki.json")


def main() -> None:
    params = load_params()
    max_words, method = params.data.wiki.max_words, params.quality.readability.method
    measure = partial(candidates, max_words=max_words, method=method)
    batches = map_shards(measure, stream_batches(ARTICLES), params.data.workers)
    write_batches(OUT, CANDIDATES, batches)
    connection = connect(params.data.memory)
    dropped = count_reasons(connection, scan(OUT))
    kept = count_kept(connection, scan(OUT))
    write_json(METRICS, account(count_rows(ARTICLES), kept, dropped))


if __name__ == "__main__":
    run(main)
