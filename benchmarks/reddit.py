"""Reading Reddit's dumps, against decompression alone and against a loop over `json.loads`.

python -m benchmarks.reddit [MB of text, 2,000 by default]
"""

import io
import json
import sys
import tempfile
from functools import partial
from pathlib import Path

import zstandard

from benchmarks.corpus import MB, write_reddit
from benchmarks.measure import measure, promise
from s2.dumps.duplicates import latest_of_each_id
from s2.dumps.reading import WINDOW
from s2.kernel.pool import map_shards
from s2.kernel.tables import connect, write_batches
from s2.reddit.dump import LATEST, Dump, read_shard
from s2.reddit.rows import COMMENTS, POSTS

SUBREDDIT = "explainlikeimfive"


def decompress(path: Path) -> int:
    with path.open("rb") as file:
        reader = zstandard.ZstdDecompressor(max_window_size=WINDOW).stream_reader(file)
        return sum(map(len, iter(lambda: reader.read(2**20), b"")))


def loop(*paths: Path) -> int:
    """What most scripts do: decompress, parse every line, look at its subreddit."""
    wanted = 0
    for path in paths:
        with path.open("rb") as file:
            reader = zstandard.ZstdDecompressor(max_window_size=WINDOW).stream_reader(file)
            for line in io.TextIOWrapper(reader, encoding="utf-8"):
                wanted += json.loads(line)["subreddit"] == SUBREDDIT
    return wanted


def ours(workers: int, *paths: Path) -> int:
    """What the stage does: pick, parse, drop double ids, write Parquet."""
    dumps = [Dump(path, POSTS if path.name.startswith("RS") else COMMENTS) for path in paths]
    read = partial(read_shard, folder=paths[0].parent, subreddits=[SUBREDDIT], on_error="stop")
    return sum(
        write_batches(
            shard.rows.with_suffix(".out"),
            shard.dump.schema,
            latest_of_each_id(connect(), [shard.rows], LATEST),
        )
        for shard in map_shards(read, dumps, workers)
    )


def main() -> None:
    size = int(sys.argv[1] if len(sys.argv) > 1 else 2_000) * MB
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tenth = write_reddit(folder / "RC_tenth.zst", size // 10, wanted=0.01)
        mixed = write_reddit(folder / "RC_mixed.zst", size // 10, wanted=0.01, repeats=10)
        whole = [write_reddit(folder / f"{kind}_all.zst", size // 5, wanted=1) for kind in ("RS", "RC")]

        print(f"picking r/{SUBREDDIT} out of {size / MB:,.0f} MB, 1 % of the lines")
        floor, baseline = measure(decompress, mixed), measure(loop, mixed)
        found = measure(ours, 1, mixed)
        print(f"  decompression     {floor}\n  zstandard + json  {baseline}\n  ours, 1 process   {found}")
        promise("  of decompression's speed", floor.seconds / found.seconds, least=0.6)
        promise("  of the loop's speed", baseline.seconds / found.seconds, least=2.5)
        part = measure(ours, 1, tenth)
        print(f"  ours, a tenth     {part}")
        promise("  memory of the whole to that of a tenth", found.peak_mb / part.peak_mb, most=1.2)

        print(f"posts and comments, {2 * size / 5 / MB:,.0f} MB, every line wanted")
        baseline, found = measure(loop, *whole), measure(ours, 2, *whole)
        assert baseline.result >= found.result > 0
        print(f"  zstandard + json  {baseline}\n  ours, 2 processes {found}")
        promise("  of the loop's speed", baseline.seconds / found.seconds, least=1.0)


if __name__ == "__main__":
    main()
