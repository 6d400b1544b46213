"""Read Reddit's dumps: the posts and comments of the wanted subreddits, one row an id."""

from collections import Counter
from functools import partial
from pathlib import Path

import duckdb
import pyarrow as pa

from s2.dumps.duplicates import latest_of_each_id
from s2.dumps.quarantine import in_order
from s2.dumps.reading import find_dumps, readers_within
from s2.kernel.accounting import account
from s2.kernel.files import temporary_folder, write_json
from s2.kernel.pool import map_shards
from s2.kernel.progress import byte_bar
from s2.kernel.tables import connect, query_to_parquet, write_batches
from s2.params.base import Above0, Positive
from s2.params.data import OnError
from s2.params.loading import load
from s2.reddit.dump import LATEST, Dump, Shard, read_shard
from s2.reddit.rows import COMMENTS, POSTS
from stages.runner import run

OUT = Path("data/reddit")
METRICS = Path("metrics/data/reddit.json")
KINDS = {"posts": ("RS*", POSTS), "comments": ("RC*", COMMENTS)}


def main() -> None:
    folder = Path(load("data.raw", str)) / "reddit"
    memory = load("machine.memory", Above0)
    dumps = [
        Dump(path, schema) for pattern, schema in KINDS.values() for path in find_dumps(folder, pattern)
    ]
    paths = [dump.path for dump in dumps]
    workers = min(load("machine.workers", Positive), readers_within(paths, memory))
    with temporary_folder(OUT / "shards") as shards, byte_bar("reddit", paths):
        read = partial(
            read_shard,
            folder=shards,
            subreddits=load("data.reddit.subreddits", list[str]),
            on_error=load("data.on_error", OnError),
        )
        found = list(map_shards(read, dumps, workers))
        connection = connect(memory)
        metrics = {
            name: gather(name, schema, [s for s in found if s.dump.schema == schema], connection)
            for name, (_, schema) in KINDS.items()
        }
    write_json(METRICS, metrics)


def gather(
    name: str, schema: pa.Schema, shards: list[Shard], connection: duckdb.DuckDBPyConnection
) -> dict[str, object]:
    """Gather the shards of one kind, one row an id; returns the accounting."""
    one_each = latest_of_each_id(connection, [shard.rows for shard in shards], LATEST)
    rows = write_batches(OUT / f"{name}.parquet", schema, one_each)
    aside = in_order(shard.quarantine for shard in shards)
    query_to_parquet(connection, aside, OUT / f"{name}-quarantine.parquet")
    good = sum(shard.good for shard in shards)
    bad = sum((shard.bad for shard in shards), Counter())
    return account(good + bad.total(), rows, bad | {"duplicate": good - rows})


if __name__ == "__main__":
    run(main)
