"""Which rows of each source a dataset takes, and the reason for which it leaves the others."""

from pathlib import Path

import duckdb

from s2.kernel.tables import scan
from s2.params.data import Dataset, SourceName


def select_rows(
    connection: duckdb.DuckDBPyConnection,
    dataset: Dataset,
    kept: dict[SourceName, Path],
    reddit_candidates: Path,
) -> None:
    """Make the table `selected` of the rows (`id`, `split`, `question`, `answer`) that are `kept` of
    the dataset's sources, numbered by `source`, with `dropped_by` = other_subreddit or over_rows.

    At most so many rows of a source stay as the dataset says: the first by a hash of their ids, which
    is not the hash that splits them, so that more data moves few of them.
    """
    parts = []
    for number, source in enumerate(dataset.sources()):
        wanted = "true"
        if source == "reddit" and isinstance(dataset.reddit, list):
            names = ", ".join("'" + name.replace("'", "''") + "'" for name in dataset.reddit)
            ids = f"FROM {scan(reddit_candidates)} SELECT id WHERE subreddit IN ({names})"
            wanted = f"id IN ({ids})"
        limit = dataset.at_most(source)
        over = "false" if limit is None else f"wanted AND place > {limit}"
        parts.append(f"""
            SELECT id, split, question, answer, {number} AS source,
                CASE WHEN NOT wanted THEN 'other_subreddit' WHEN {over} THEN 'over_rows' END AS dropped_by
            FROM (SELECT *, row_number() OVER (
                    PARTITION BY wanted ORDER BY md5('rows of a dataset ' || id), id) AS place
                FROM (SELECT *, {wanted} AS wanted FROM {scan(kept[source])}))""")
    connection.execute(f"CREATE TEMP TABLE selected AS {' UNION ALL '.join(parts)}")
