"""Read Wikipedia's dumps: every page, its articles parsed to paragraphs."""

from itertools import chain
from pathlib import Path

from s2.dumps.duplicates import latest_of_each_id
from s2.dumps.quarantine import quarantine
from s2.dumps.reading import find_dumps
from s2.kernel.accounting import account
from s2.kernel.files import temporary_file, write_json
from s2.kernel.pool import map_shards
from s2.kernel.progress import byte_bar
from s2.kernel.tables import connect, write_batches
from s2.params.base import Above0, Positive
from s2.params.data import OnError
from s2.params.loading import load
from s2.wiki.articles import ARTICLES, LATEST, articles
from s2.wiki.dump import read_blocks
from stages.runner import run

OUT = Path("data/wiki/articles.parquet")
ASIDE = Path("data/wiki/quarantine.parquet")
METRICS = Path("metrics/data/wiki.json")


def main() -> None:
    dumps = find_dumps(Path(load("data.raw", str)) / "wiki", "*.xml*")
    with (
        temporary_file(OUT.with_suffix(".all")) as everything,
        quarantine(ASIDE, load("data.on_error", OnError)) as aside,
        byte_bar("wiki", dumps),
    ):
        found = map_shards(articles, read_blocks(dumps), load("machine.workers", Positive))
        batches = aside.good_ones(chain.from_iterable(found))
        pages = write_batches(everything, ARTICLES, batches, compression="none")
        connection = connect(load("machine.memory", Above0))
        rows = write_batches(OUT, ARTICLES, latest_of_each_id(connection, [everything], LATEST))
    bad = aside.counts
    write_json(METRICS, account(pages + bad.total(), rows, bad | {"duplicate": pages - rows}))


if __name__ == "__main__":
    run(main)
