"""Which rows of each source a dataset takes, and the reason for which it leaves the others."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from s2.kernel.tables import scan
from s2.params.data import Dataset, SourceName


@dataclass(frozen=True)
class Files:
    """Of each source what SFT may take, and the questions that leak."""

    kept: dict[SourceName, Path]
    leaks: dict[SourceName, Path]


# By which column of its rows a source's questions go.
_QUESTION: dict[SourceName, str] = {"reddit": "question_id", "wiki": "id", "own": "question_id"}


def select_rows(connection: duckdb.DuckDBPyConnection, dataset: Dataset, files: Files) -> None:
    """Make the table `selected` of the rows (`id`, `split`, `question`, `answer`) that are kept of
    the dataset's sources, numbered by `source`, with `dropped_by` = leakage, other_subreddit
    (of own rows: another source) or over_rows.

    At most so many rows of a source stay as the dataset says: of each split as large a part, and one at
    least, the first by a hash of their ids, which is not the hash that splits them, so that more data
    moves few of them.
    """
    parts = []
    for number, source in enumerate(dataset.sources()):
        of_parts = "true"
        parts_of = {"reddit": dataset.reddit, "own": dataset.own}.get(source)
        if isinstance(parts_of, list):
            names = ", ".join("'" + name.replace("'", "''") + "'" for name in parts_of)
            of_parts = f"subreddit IN ({names})"
        limit = dataset.at_most(source)
        over = "false" if limit is None else f"place > {limit}"
        leaks = f"{_QUESTION[source]} IN (FROM {scan(files.leaks[source])} SELECT question_id)"
        parts.append(f"""
            SELECT id, split, question, answer, {number} AS source,
                CASE WHEN reason IS NOT NULL THEN reason WHEN {over} THEN 'over_rows' END AS dropped_by
            FROM (SELECT *, row_number() OVER (
                    PARTITION BY reason ORDER BY if(nth = 1, 0, (nth - 0.5) / size), hash, id) AS place
                FROM (SELECT *, row_number() OVER (of_split ORDER BY hash, id) AS nth,
                        count(*) OVER of_split AS size
                    FROM (SELECT *, md5('rows of a dataset ' || id) AS hash,
                            CASE WHEN {leaks} THEN 'leakage'
                                WHEN NOT {of_parts} THEN 'other_subreddit' END AS reason
                        FROM {scan(files.kept[source])})
                    WINDOW of_split AS (PARTITION BY reason, split)))""")
    connection.execute(f"CREATE TEMP TABLE selected AS {' UNION ALL '.join(parts)}")
