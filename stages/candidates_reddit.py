"""Join posts and top-level comments, clean both, measure the answers, name what is unusable."""

from functools import partial
from pathlib import Path

from s2.kernel.accounting import account, count_kept, count_reasons
from s2.kernel.files import write_json
from s2.kernel.pool import map_shards
from s2.kernel.tables import connect, scan, write_batches
from s2.params.base import Above0, Positive
from s2.params.data import Edits, Method, RemovedPosts
from s2.params.loading import load
from s2.reddit.answers import CANDIDATES, Cleaning, candidates, count_input, joined
from stages.runner import run

POSTS = Path("data/reddit/posts.parquet")
COMMENTS = Path("data/reddit/comments.parquet")
OUT = Path("data/candidates/reddit.parquet")
METRICS = Path("metrics/data/candidates-reddit.json")


def main() -> None:
    connection = connect(load("machine.memory", Above0))
    connection.execute(f"CREATE VIEW posts AS FROM {scan(POSTS)}")
    connection.execute(f"CREATE VIEW comments AS FROM {scan(COMMENTS)}")
    counts = count_input(connection)
    cleaning = Cleaning(
        method=load("quality.readability.method", Method),
        edits=load("data.reddit.edits", Edits),
        removed_posts=load("data.reddit.removed_posts", RemovedPosts),
    )
    clean = partial(candidates, cleaning=cleaning)
    write_batches(
        OUT, CANDIDATES, map_shards(clean, joined(connection), load("machine.workers", Positive))
    )
    dropped = count_reasons(connection, scan(OUT))
    kept = count_kept(connection, scan(OUT))
    dropped |= {"reply": counts["reply"], "orphan": counts["orphan"]}
    accounting = account(counts["comments"] + counts["unanswered"], kept, dropped)
    removed = {name: counts[name] for name in ("removed_posts", "answers_to_removed_posts")}
    write_json(METRICS, accounting | removed)


if __name__ == "__main__":
    run(main)
