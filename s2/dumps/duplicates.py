"""One row an id, where dumps overlap."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from s2.kernel.tables import scan, stream_batches


def latest_of_each_id(
    connection: duckdb.DuckDBPyConnection, paths: Sequence[Path], latest: str
) -> Iterator[pa.RecordBatch]:
    """The rows of Parquet files in their order, but of each `id` only the first by the SQL order
    `latest`. A row's place (`file` and `offset`) must be its own.

    Only ids and places are compared in memory; the rows themselves stream through.
    """
    table = scan(*paths)
    older = connection.sql(f"""
        WITH twice AS (SELECT id FROM {table} GROUP BY id HAVING count(*) > 1)
        SELECT file, "offset" FROM {table} SEMI JOIN twice USING (id)
        QUALIFY row_number() OVER (PARTITION BY id ORDER BY {latest}) > 1
        ORDER BY ALL""").to_arrow_table()
    for path in paths:
        for batch in stream_batches(path):
            yield _without(batch, older) if older.num_rows else batch


def _without(batch: pa.RecordBatch, places: pa.Table) -> pa.RecordBatch:
    """The batch without the rows at some places."""
    gone = pa.array([False] * batch.num_rows)
    for file in pc.unique(batch["file"]):
        offsets = places.filter(pc.equal(places["file"], file))["offset"]
        there = pc.is_in(batch["offset"], value_set=offsets.combine_chunks())
        gone = pc.or_(gone, pc.and_(there, pc.equal(batch["file"], file)))
    return batch.filter(pc.invert(gone))
