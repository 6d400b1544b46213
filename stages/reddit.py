"""Read Reddit's dumps: the posts and comments of the wanted subreddits, one row an id."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import duckdb

from s2.dumps import find_dumps, readers_within
from s2.files import temporary_folder, write_json
from s2.params import load_params
from s2.pool import map_shards
from s2.progress import byte_bar
from s2.quality.gates import account
from s2.quarantine import in_order
from s2.reddit.dump import Shard, latest_of_each_id, read_shard
from s2.reddit.rows import COMMENTS, POSTS
from s2.tables import connect, query_to_parquet
from stages.runner import run

OUT = Path("data/reddit")
METRICS = Path("metrics/data/reddit.json")
KINDS = {"posts": ("RS*", POSTS), "comments": ("RC*", COMMENTS)}


def main() -> None:
    params = load_params()
    metrics = {}
    for name, (pattern, schema) in KINDS.items():
        dumps = find_dumps(Path(params.data.raw) / "reddit", pattern)
        workers = min(params.data.workers, readers_within(dumps, params.data.memory))
        connection = connect(params.data.memory)
        wanted, on_error = params.data.reddit.subreddits, params.data.on_error
        shard = partial(read_shard, schema=schema, subreddits=wanted, on_error=on_error)
        metrics[name] = read(name, dumps, shard, workers, connection)
    write_json(METRICS, metrics)


def read(
    name: str,
    dumps: list[Path],
    shard: Callable[..., Shard],
    workers: int,
    connection: duckdb.DuckDBPyConnection,
) -> dict[str, object]:
    """Read the dumps of one kind, a shard from each; returns the accounting."""
    out = OUT / f"{name}.parquet"
    with temporary_folder(out.with_suffix(".shards")) as folder, byte_bar(name, dumps):
        shards = list(map_shards(partial(shard, folder=folder), dumps, workers))
        one_each = latest_of_each_id([shard.rows for shard in shards])
        rows_out = query_to_parquet(connection, one_each, out)
        aside = in_order([shard.quarantine for shard in shards])
        query_to_parquet(connection, aside, OUT / f"{name}-quarantine.parquet")
    good = sum(shard.good for shard in shards)
    bad = sum((shard.bad for shard in shards), Counter())
    return account(good + bad.total(), rows_out, bad | {"duplicate": good - rows_out})


if __name__ == "__main__":
    run(main)
