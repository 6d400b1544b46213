"""Columns of texts out of anybody's files."""

import csv
import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from s2.kernel.errors import S2Error
from s2.kernel.files import new_file

LONGEST_FIELD = 2**31 - 1


def read_texts(path: Path, columns: Sequence[str]) -> Iterator[list[str | None]]:
    """Columns of a CSV, JSONL or Parquet file, by the file's ending, a list a row; None where it is
    empty.

    Raises `S2Error` that names the row for what is no text, and the columns if there is no such one.
    """
    if not path.is_file():
        raise S2Error(f"{path} does not exist")
    readers = {".csv": _csv, ".tsv": _csv, ".jsonl": _jsonl, ".ndjson": _jsonl, ".parquet": _parquet}
    if path.suffix not in readers:
        raise S2Error(f"{path}: cannot read {path.suffix or 'this'}; there are {', '.join(readers)}")
    for number, row in enumerate(readers[path.suffix](path, columns), start=1):
        yield [_text(path, number, row, column) for column in columns]


def read_records(path: Path) -> Iterator[dict[str, Any]]:
    """Whole rows of a CSV, TSV, JSONL (gzipped too) or Parquet file, or of a JSON list, by the file's
    ending; raises `S2Error` as `read_texts` does."""
    if not path.is_file():
        raise S2Error(f"{path} does not exist")
    ending = path.with_suffix("").suffix if path.suffix == ".gz" else path.suffix
    readers = {".csv": _csv, ".tsv": _csv, ".jsonl": _jsonl, ".ndjson": _jsonl, ".parquet": _parquet}
    readers[".json"] = _json
    if ending not in readers or (path.suffix == ".gz" and readers[ending] is not _jsonl):
        raise S2Error(f"{path}: cannot read {path.suffix or 'this'}; there are {', '.join(readers)}")
    yield from readers[ending](path, None)


def _text(path: Path, number: int, row: dict[str, Any], column: str) -> str | None:
    if column not in row:
        raise S2Error(f"{path}, row {number}: no column {column!r}; there are: {', '.join(row)}")
    text = row[column]
    if text is not None and not isinstance(text, str):
        raise S2Error(f"{path}, row {number}: {column} is {str(text)[:50]!r}, not a text")
    return text or None


def _csv(path: Path, columns: Sequence[str] | None) -> Iterator[dict[str, Any]]:
    csv.field_size_limit(LONGEST_FIELD)
    delimiter = "\t" if path.suffix == ".tsv" else ","
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, delimiter=delimiter, strict=True)
        try:
            names = reader.fieldnames or []
            for row in reader:
                found = [value for value in row.values() if isinstance(value, str)]
                count = len(found) + len(row.get(None) or [])  # what has no name in the header
                if count != len(names):
                    where = f"{path}, line {reader.line_num}"
                    raise S2Error(f"{where}: {count} fields, where the header has {len(names)}")
                yield row
        except (csv.Error, UnicodeDecodeError) as error:
            raise S2Error(f"{path}, after line {reader.line_num}: {error}") from None


def _jsonl(path: Path, columns: Sequence[str] | None) -> Iterator[dict[str, Any]]:
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                row = json.loads(line) if line.strip() else None
            except (ValueError, RecursionError) as error:
                raise S2Error(f"{path}, line {number}: not JSON ({error})") from None
            if isinstance(row, dict):
                yield row
            elif row is not None:
                raise S2Error(f"{path}, line {number}: not a JSON object")


def _json(path: Path, columns: Sequence[str] | None) -> Iterator[dict[str, Any]]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise S2Error(f"{path}: not JSON ({error})") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise S2Error(f"{path}: not a list of JSON objects")
    yield from rows


def _parquet(path: Path, columns: Sequence[str] | None) -> Iterator[dict[str, Any]]:
    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            for column in columns or ():
                if column not in names:
                    raise S2Error(f"{path}: no column {column!r}; there are: {', '.join(names)}")
            for batch in file.iter_batches(columns=list(dict.fromkeys(columns)) if columns else None):
                yield from batch.to_pylist()
    except OSError as error:
        raise S2Error(f"{path} cannot be read: {error}") from None
    except ValueError as error:
        raise S2Error(f"{path} is no Parquet file: {error}") from None


@contextmanager
def row_writer(path: Path) -> Iterator[Callable[[int, dict[str, float | None]], None]]:
    """Write a row's number and its values to a CSV, TSV, JSONL or Parquet file, by its ending, which
    appears when the block succeeds; raises `S2Error` for another ending."""
    writers = (".csv", ".tsv", ".jsonl", ".parquet")
    if path.suffix not in writers:
        raise S2Error(f"{path}: cannot write {path.suffix or 'this'}; there are {', '.join(writers)}")
    rows: list[dict[str, float | None]] = []
    yield lambda number, values: rows.append({"row": number} | values)
    names = list(dict.fromkeys(name for row in rows for name in row))
    with new_file(path) as part:
        if path.suffix == ".parquet":
            columns = {name: [row.get(name) for row in rows] for name in names}
            pq.write_table(pa.table(columns), part)
            return
        with part.open("w", encoding="utf-8", newline="") as file:
            if path.suffix == ".jsonl":
                file.writelines(json.dumps(row) + "\n" for row in rows)
                return
            writer = csv.DictWriter(file, names, delimiter="\t" if path.suffix == ".tsv" else ",")
            writer.writeheader()
            writer.writerows(rows)
