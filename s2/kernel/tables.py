"""Parquet through Arrow and DuckDB: streaming in, streaming out, the same bytes every time."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from s2.kernel.files import new_file, process_folder
from s2.kernel.paths import local

Item = TypeVar("Item")

BATCH_ROWS = 8_192
ROW_GROUP = 65_536


def connect(memory_gb: float = 4) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB that spills to `.s2/duckdb` what does not fit into `memory_gb`."""
    spill = process_folder(local("duckdb"))
    connection = duckdb.connect()
    connection.execute(f"SET memory_limit = '{memory_gb} GB'")
    connection.execute(f"SET temp_directory = '{spill}'")
    connection.execute("SET preserve_insertion_order = false")
    connection.execute("SET enable_progress_bar = false")
    return connection


def scan(*paths: Path) -> str:
    """SQL that reads Parquet files of one schema."""
    quoted = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
    return f"read_parquet([{quoted}])"


def query_to_parquet(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> int:
    """Stream a query's result to Parquet and return its rows.

    The query must end in a total ORDER BY, or the bytes depend on the number of threads.
    """
    reader = connection.sql(query).to_arrow_reader(ROW_GROUP)
    return write_batches(path, reader.schema, reader)


def write_batches(
    path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch], compression: str = "zstd"
) -> int:
    """Write record batches to Parquet atomically, in row groups of a fixed size; returns the rows."""
    rows, waiting = 0, pa.Table.from_batches([], schema)
    with new_file(path) as part, pq.ParquetWriter(part, schema, compression=compression) as writer:
        for batch in batches:
            rows += batch.num_rows
            waiting = pa.concat_tables([waiting, pa.Table.from_batches([batch], schema)])
            while waiting.num_rows >= ROW_GROUP:
                writer.write_table(waiting.slice(0, ROW_GROUP), row_group_size=ROW_GROUP)
                waiting = waiting.slice(ROW_GROUP)
        if waiting.num_rows or not rows:
            writer.write_table(waiting, row_group_size=ROW_GROUP)
    return rows


def chunked(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Lists of `size` items, the last one shorter."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def record_batches(rows: Iterable[dict[str, Any]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Dictionaries as record batches of `BATCH_ROWS`."""
    for chunk in chunked(rows, BATCH_ROWS):
        yield pa.RecordBatch.from_pylist(chunk, schema)


def write_rows(path: Path, schema: pa.Schema, rows: Iterable[dict[str, Any]]) -> int:
    """Write dictionaries to Parquet atomically; returns the rows."""
    return write_batches(path, schema, record_batches(rows, schema))


def count_rows(path: Path) -> int:
    """Rows of a Parquet file, by its footer."""
    return pq.read_metadata(path).num_rows


def read_rows(path: Path, columns: list[str] | None = None) -> list[dict[str, Any]]:
    """All rows of a small Parquet file."""
    return pq.read_table(path, columns=columns).to_pylist()


def stream_batches(path: Path, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    """A Parquet file of any size in batches of `BATCH_ROWS`."""
    with pq.ParquetFile(path) as file:
        yield from file.iter_batches(BATCH_ROWS, columns=columns)


def stream_rows(path: Path, columns: list[str] | None = None) -> Iterator[dict[str, Any]]:
    """Rows of a Parquet file of any size, a batch in memory at a time."""
    for batch in stream_batches(path, columns):
        yield from batch.to_pylist()


def once(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows by their `id`, one that stands in several sets once."""
    return list({row["id"]: row for row in rows}.values())
