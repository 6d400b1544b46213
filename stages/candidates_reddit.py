"""Join posts and top-level comments, clean both, measure the answers, name what is unusable."""

from functools import partial
from pathlib import Path

from s2.files import write_json
from s2.params import load_params
from s2.pool import map_shards
from s2.quality.gates import account, count_kept, count_reasons
from s2.reddit.answers import CANDIDATES, candidates, count_input, joined
from s2.tables import connect, scan, write_batches
from stages.runner import run

POSTS = Path("data/reddit/posts.parquet")
COMMENTS = Path("data/reddit/comments.parquet")
OUT = Path("data/candidates/reddit.parquet")
METRICS = Path("metrics/data/candidates-reddit.json")


def main() -> None:
    params = load_params()
    connection = connect(params.data.memory)
    connection.execute(f"CREATE VIEW posts AS FROM {scan(POSTS)}")
    connection.execute(f"CREATE VIEW comments AS FROM {scan(COMMENTS)}")
    counts = count_input(connection)
    clean = partial(candidates, method=params.quality.readability.method)
    write_batches(OUT, CANDIDATES, map_shards(clean, joined(connection), params.data.workers))
    dropped = count_reasons(connection, scan(OUT))
    kept = count_kept(connection, scan(OUT))
    dropped |= {"reply": counts["reply"], "orphan": counts["orphan"]}
    write_json(METRICS, account(counts["comments"] + counts["unanswered"], kept, dropped))


if __name__ == "__main__":
    run(main)
