"""Reddit dumps, one JSON object a line, to Arrow, any era's schema.

A monthly dump holds every subreddit: the wanted lines are picked out of the bytes before any of
them is parsed.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from s2.dumps import read_chunks
from s2.errors import S2Error
from s2.tables import record_batches, scan

_COMMON = [
    ("id", pa.string()),
    ("subreddit", pa.string()),
    ("author", pa.string()),
    ("score", pa.int64()),
    ("created_utc", pa.int64()),
    ("stickied", pa.bool_()),
    ("distinguished", pa.string()),
    ("retrieved_on", pa.int64()),
]
_PLACE = [("file", pa.string()), ("offset", pa.int64())]
_POST = [
    ("title", pa.string()),
    ("selftext", pa.string()),
    ("over_18", pa.bool_()),
    ("is_self", pa.bool_()),
]
_COMMENT = [("link_id", pa.string()), ("parent_id", pa.string()), ("body", pa.string())]
POSTS = pa.schema(_COMMON + _POST + _PLACE)
COMMENTS = pa.schema(_COMMON + _COMMENT + _PLACE)


def read_dumps(
    paths: Iterable[Path], schema: pa.Schema, subreddits: Iterable[str]
) -> Iterator[pa.RecordBatch]:
    """Record batches of `schema` (`POSTS` or `COMMENTS`) with the lines of the wanted subreddits."""
    wanted = {name.lower() for name in subreddits}

    def rows() -> Iterator[dict[str, Any]]:
        for path in paths:
            for offset, line in wanted_lines(path, wanted):
                row = parse_line(line, schema, f"{path}, byte {offset:,}")
                if row["subreddit"].lower() in wanted:
                    yield row | {"file": path.name, "offset": offset}

    return record_batches(rows(), schema)


def latest_of_each_id(path: Path) -> str:
    """SQL for the rows of a Parquet file with one row an id: that of the latest retrieval."""
    return f"""
        FROM {scan(path)}
        QUALIFY row_number() OVER (
            PARTITION BY id ORDER BY retrieved_on DESC, file DESC, "offset" DESC
        ) = 1
        ORDER BY id"""


def wanted_lines(path: Path, subreddits: set[str]) -> Iterator[tuple[int, bytes]]:
    """Offset (in the decompressed file) and bytes of each line that names a wanted subreddit."""
    names = b"|".join(re.escape(name).encode() for name in sorted(subreddits))
    pattern = re.compile(rb'"subreddit"\s*:\s*"(?:' + names + rb')"', re.IGNORECASE)
    for start, block in _whole_lines(path):
        done = 0
        for match in pattern.finditer(block):
            if match.start() < done:
                continue
            begin = block.rfind(b"\n", 0, match.start()) + 1
            done = block.find(b"\n", match.end())
            done = len(block) if done < 0 else done
            yield start + begin, block[begin:done]


def _whole_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Blocks that end where a line ends, with their offsets."""
    start, rest = 0, b""
    for chunk in read_chunks(path):
        cut = chunk.rfind(b"\n") + 1
        if not cut:
            rest += chunk
            continue
        block = rest + chunk[:cut]
        yield start, block
        start, rest = start + len(block), chunk[cut:]
    if rest:
        yield start, rest


def parse_line(line: bytes, schema: pa.Schema, place: str) -> dict[str, Any]:
    """One line as a row of `schema`, its fields brought to one type whatever the dump's era."""
    try:
        raw = json.loads(line)
    except ValueError as error:
        raise S2Error(f"{place}: not a line of JSON ({error})") from None
    if not isinstance(raw, dict):
        raise S2Error(f"{place}: not a JSON object")
    if not raw.get("id"):
        raise S2Error(f"{place}: no id")
    raw.setdefault("is_self", str(raw.get("domain", "")).startswith("self."))
    row = {}
    for field in schema:
        if field.name in {"file", "offset"}:
            continue
        try:
            row[field.name] = _CONVERT[field.type](raw.get(field.name))
        except (TypeError, ValueError):
            raise S2Error(f"{place}: {field.name} is {raw[field.name]!r}, not {field.type}") from None
    return row


def _to_int(value: Any) -> int:
    """Numbers arrive as numbers, as strings and as null."""
    return int(float(value)) if value not in (None, "") else 0


def _to_bool(value: Any) -> bool:
    return value not in (None, False, 0, "", "false", "False")


def _to_text(value: Any) -> str:
    """Text without lone surrogates, which JSON can hold and UTF-8 cannot."""
    return "" if value is None else str(value).encode("utf-8", "replace").decode("utf-8")


_CONVERT: dict[pa.DataType, Callable[[Any], Any]] = {
    pa.int64(): _to_int,
    pa.bool_(): _to_bool,
    pa.string(): _to_text,
}
