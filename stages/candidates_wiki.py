"""Truncate articles to answers, measure them, name what is no article."""

from functools import partial
from pathlib import Path

from s2.kernel.accounting import account, count_kept, count_reasons
from s2.kernel.files import write_json
from s2.kernel.pool import map_shards
from s2.kernel.tables import connect, count_rows, scan, stream_batches, write_batches
from s2.params.base import Above0, Positive
from s2.params.data import Method, Truncate
from s2.params.loading import load
from s2.wiki.answers import CANDIDATES, candidates
from stages.runner import run

ARTICLES = Path("data/wiki/articles.parquet")
OUT = Path("data/candidates/wiki.parquet")
METRICS = Path("metrics/data/candidates-wiki.json")


def main() -> None:
    truncate, method = load("data.wiki.truncate", Truncate), load("quality.readability.method", Method)
    measure = partial(candidates, truncate=truncate, method=method)
    batches = map_shards(measure, stream_batches(ARTICLES), load("machine.workers", Positive))
    write_batches(OUT, CANDIDATES, batches)
    connection = connect(load("machine.memory", Above0))
    dropped = count_reasons(connection, scan(OUT))
    kept = count_kept(connection, scan(OUT))
    write_json(METRICS, account(count_rows(ARTICLES), kept, dropped))


if __name__ == "__main__":
    run(main)
