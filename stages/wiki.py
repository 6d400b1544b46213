"""Read Wikipedia's dumps: every page, its articles parsed to paragraphs."""

from itertools import chain
from pathlib import Path

from s2.dumps import find_dumps
from s2.duplicates import latest_of_each_id
from s2.files import temporary_file, write_json
from s2.params import load_params
from s2.pool import map_shards
from s2.progress import byte_bar
from s2.quality.gates import account
from s2.quarantine import quarantine
from s2.tables import connect, write_batches
from s2.wiki.articles import ARTICLES, LATEST, articles
from s2.wiki.dump import read_blocks
from stages.runner import run

OUT = Path("data/wiki/articles.parquet")
ASIDE = Path("data/wiki/quarantine.parquet")
METRICS = Path("metrics/data/wiki.json")


def main() -> None:
    params = load_params()
    dumps = find_dumps(Path(params.data.raw) / "wiki", "*.xml*")
    with (
        temporary_file(OUT.with_suffix(".all")) as everything,
        quarantine(ASIDE, params.data.on_error) as aside,
        byte_bar("wiki", dumps),
    ):
        found = map_shards(articles, read_blocks(dumps), params.data.workers)
        batches = aside.good_ones(chain.from_iterable(found))
        pages = write_batches(everything, ARTICLES, batches, compression="none")
        connection = connect(params.data.memory)
        rows = write_batches(OUT, ARTICLES, latest_of_each_id(connection, [everything], LATEST))
    bad = aside.counts
    write_json(METRICS, account(pages + bad.total(), rows, bad | {"duplicate": pages - rows}))


if __name__ == "__main__":
    run(main)
