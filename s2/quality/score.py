"""Scores of anybody's texts, by the same code that measures the data and the answers."""

import csv
import json
from collections.abc import Iterable, Iterator
from itertools import tee
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from s2.kernel.cache import ContentCache
from s2.kernel.errors import S2Error
from s2.kernel.stats import mean_and_se
from s2.quality.readability import scorer
from s2.quality.toxicity import ToxicityScorer, score_texts

DIGITS = 6
LONGEST_FIELD = 2**31 - 1


def read_texts(path: Path, column: str) -> Iterator[str | None]:
    """A column of a CSV, JSONL or Parquet file, by the file's ending; None where it is empty.

    Raises `S2Error` that names the row for what is no text, and the columns if there is no such one.
    """
    if not path.is_file():
        raise S2Error(f"{path} does not exist")
    readers = {".csv": _csv, ".tsv": _csv, ".jsonl": _jsonl, ".ndjson": _jsonl, ".parquet": _parquet}
    if path.suffix not in readers:
        raise S2Error(f"{path}: cannot read {path.suffix or 'this'}; there are {', '.join(readers)}")
    for number, row in enumerate(readers[path.suffix](path, column), start=1):
        if column not in row:
            raise S2Error(f"{path}, row {number}: no column {column!r}; there are: {', '.join(row)}")
        text = row[column]
        if text is not None and not isinstance(text, str):
            raise S2Error(f"{path}, row {number}: {column} is {str(text)[:50]!r}, not a text")
        yield text or None


def _csv(path: Path, column: str) -> Iterator[dict[str, Any]]:
    csv.field_size_limit(LONGEST_FIELD)
    delimiter = "\t" if path.suffix == ".tsv" else ","
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, delimiter=delimiter, strict=True)
        try:
            yield from reader
        except (csv.Error, UnicodeDecodeError) as error:
            raise S2Error(f"{path}, after line {reader.line_num}: {error}") from None


def _jsonl(path: Path, column: str) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                row = json.loads(line) if line.strip() else None
            except ValueError as error:
                raise S2Error(f"{path}, line {number}: not JSON ({error})") from None
            if isinstance(row, dict):
                yield row
            elif row is not None:
                raise S2Error(f"{path}, line {number}: not a JSON object")


def _parquet(path: Path, column: str) -> Iterator[dict[str, Any]]:
    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            if column not in names:
                raise S2Error(f"{path}: no column {column!r}; there are: {', '.join(names)}")
            for batch in file.iter_batches(columns=[column]):
                yield from batch.to_pylist()
    except OSError as error:
        raise S2Error(f"{path} cannot be read: {error}") from None
    except ValueError as error:
        raise S2Error(f"{path} is no Parquet file: {error}") from None


def score(
    texts: Iterable[str | None],
    readability: str | None,
    toxicity: ToxicityScorer | None,
    cache: ContentCache,
) -> dict[str, Any]:
    """Mean, standard error and n of each metric over the texts: FRE and FKG by the method
    `readability`, and every label of `toxicity`. `missing` counts the empty texts, left out."""
    values: dict[str, list[float]] = {}
    missing = 0

    def present() -> Iterator[str]:
        nonlocal missing
        for text in texts:
            missing += text is None
            if text is not None:
                yield text

    for_readability, for_toxicity = tee(present())
    measure = scorer(readability) if readability else None
    scores = (
        score_texts(toxicity, for_toxicity, cache) if toxicity else (({}, True) for _ in for_toxicity)
    )
    for text, (labels, _) in zip(for_readability, scores, strict=True):
        found = dict(labels)
        if measure:
            measured = measure(text)
            found |= {"FRE": measured.ease, "FKG": measured.grade}
        for name, value in found.items():
            values.setdefault(name, []).append(value)
    metrics = {name: _summary(values[name]) for name in sorted(values)}
    return {"missing": missing, "metrics": metrics}


def _summary(values: list[float]) -> dict[str, float]:
    mean, se = mean_and_se(values)
    return {"mean": round(mean, DIGITS), "se": round(se, DIGITS), "n": len(values)}
