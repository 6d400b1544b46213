"""Read Reddit's dumps: the posts and comments of the wanted subreddits, one row an id."""

from pathlib import Path

import pyarrow as pa

from s2.dumps import find_dumps
from s2.files import temporary_file, write_json
from s2.params import load_params
from s2.quality.gates import account
from s2.reddit.dump import COMMENTS, POSTS, latest_of_each_id, read_dumps
from s2.tables import connect, query_to_parquet, write_batches
from stages.runner import run

OUT = Path("data/reddit")
METRICS = Path("metrics/data/reddit.json")
KINDS = {"posts": ("RS*", POSTS), "comments": ("RC*", COMMENTS)}


def main() -> None:
    params = load_params()
    folder = Path(params.data.raw) / "reddit"
    wanted = params.data.reddit.subreddits
    metrics = {
        name: read(folder, pattern, schema, wanted, OUT / f"{name}.parquet")
        for name, (pattern, schema) in KINDS.items()
    }
    write_json(METRICS, metrics)


def read(
    folder: Path, pattern: str, schema: pa.Schema, wanted: list[str], out: Path
) -> dict[str, object]:
    """Read the dumps of one kind into `out`; returns the accounting."""
    dumps = find_dumps(folder, pattern)
    with temporary_file(out.with_suffix(".all")) as everything:
        rows_in = write_batches(everything, schema, read_dumps(dumps, schema, wanted))
        rows_out = query_to_parquet(connect(), latest_of_each_id(everything), out)
    return account(rows_in, rows_out, {"duplicate": rows_in - rows_out})


if __name__ == "__main__":
    run(main)
