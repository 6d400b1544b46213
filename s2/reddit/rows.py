"""Lines of Reddit's dumps to rows of one schema, whatever the dump's era.

Over twenty years of dumps fields come and go, numbers arrive as strings and flags as null. The
decoder reads only the fields that are wanted and takes any scalar; columns whose values are of one
type become Arrow at once, others value by value, with the same result.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from s2.quarantine import Bad

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
_POST = [
    ("title", pa.string()),
    ("selftext", pa.string()),
    ("over_18", pa.bool_()),
    ("is_self", pa.bool_()),
]
_COMMENT = [("link_id", pa.string()), ("parent_id", pa.string()), ("body", pa.string())]
_PLACE = [("file", pa.string()), ("offset", pa.int64())]
POSTS = pa.schema(_COMMON + _POST + _PLACE)
COMMENTS = pa.schema(_COMMON + _COMMENT + _PLACE)

_FIELDS = [*dict(_COMMON), *dict(_POST), *dict(_COMMENT), "domain"]
_Scalar = str | int | float | bool | None
_Line: Any = msgspec.defstruct("_Line", [(name, _Scalar, None) for name in _FIELDS], gc=False)
_decode = msgspec.json.Decoder(_Line).decode

_PLACE_NAMES = set(dict(_PLACE))
_ABSENT = {pa.int64(): 0, pa.bool_(): False, pa.string(): ""}
_INT64 = 2**63


class _Unusable(Exception):
    """Why a line cannot become a row: a reason to count it by, and words."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def parse_lines(
    texts: Iterable[tuple[int, bytes]], file: str, schema: pa.Schema, wanted: set[str]
) -> Iterator[pa.RecordBatch | Bad]:
    """A record batch of `schema` (`POSTS` or `COMMENTS`) with those of the lines (each with its
    offset in the file) whose subreddit is wanted, and what is wrong with others of them."""
    lines, kept = [], []
    for offset, text in texts:
        try:
            line = _parse(text)
        except _Unusable as error:
            yield Bad(file, offset, error.reason, str(error), text)
            continue
        if str(line.subreddit).lower() in wanted:
            lines.append(line)
            kept.append((offset, text))
    try:
        yield _batch(lines, [offset for offset, _ in kept], file, schema)
    except (TypeError, ValueError, OverflowError):
        yield from _batch_by_value(lines, kept, file, schema)


def _parse(text: bytes) -> Any:
    """A line's fields; raises `_Unusable` unless it is a JSON object with an id."""
    try:
        line = _decode(text)
    except ValueError:
        line = _parse_leniently(text)
    if line.id in (None, ""):
        raise _Unusable("no_id", "a line without an id")
    if line.is_self is None and line.domain is not None:
        line.is_self = str(line.domain).startswith("self.")
    return line


def _parse_leniently(text: bytes) -> Any:
    """What the strict decoder refuses but dumps may hold: lone surrogates, NaN, a list for a scalar."""
    try:
        raw = json.loads(text)
    except UnicodeDecodeError as error:
        raise _Unusable("bad_utf8", f"a line that is not UTF-8 ({error})") from None
    except (ValueError, RecursionError) as error:
        raise _Unusable("not_json", f"not a line of JSON ({error})") from None
    return _Line(**{name: raw.get(name) for name in _FIELDS})


def _batch(lines: list[Any], offsets: list[int], file: str, schema: pa.Schema) -> pa.RecordBatch:
    """Lines as a record batch; raises what Arrow raises if a column's values are not of its type."""
    fields = [field for field in schema if field.name not in _PLACE_NAMES]
    columns = zip(*map(attrgetter(*(field.name for field in fields)), lines), strict=True)
    arrays = [
        pc.fill_null(pa.array(values, field.type), _ABSENT[field.type])
        for field, values in zip(fields, columns if lines else [[]] * len(fields), strict=True)
    ]
    places = [pa.array([file] * len(lines), pa.string()), pa.array(offsets, pa.int64())]
    return pa.RecordBatch.from_arrays(arrays + places, schema=schema)


def _batch_by_value(
    lines: list[Any], kept: list[tuple[int, bytes]], file: str, schema: pa.Schema
) -> Iterator[pa.RecordBatch | Bad]:
    good, offsets = [], []
    for line, (offset, text) in zip(lines, kept, strict=True):
        try:
            good.append(_converted(line, schema))
            offsets.append(offset)
        except _Unusable as error:
            yield Bad(file, offset, error.reason, str(error), text)
    yield _batch(good, offsets, file, schema)


def _converted(line: Any, schema: pa.Schema) -> Any:
    """The line with every value of its column's type; raises `_Unusable` where that cannot be."""
    values = {}
    for field in schema:
        if field.name not in _PLACE_NAMES:
            value = getattr(line, field.name)
            try:
                values[field.name] = _CONVERT[field.type](value)
            except (TypeError, ValueError, OverflowError):
                detail = f"{field.name} is {str(value)[:50]!r}, which is no {field.type}"
                raise _Unusable("wrong_type", detail) from None
    return _Line(**values)


def _to_int(value: Any) -> int:
    """Numbers arrive as numbers, as strings and as null."""
    number = 0 if value in (None, "") else value if type(value) is int else int(float(value))
    if not -_INT64 <= number < _INT64:
        raise OverflowError(number)
    return number


def _to_bool(value: Any) -> bool:
    if isinstance(value, list | dict):
        raise TypeError(value)
    return value not in (None, False, 0, "", "false", "False")


def _to_text(value: Any) -> str:
    """Text without lone surrogates, which JSON can hold and UTF-8 cannot."""
    if isinstance(value, list | dict):
        raise TypeError(value)
    return "" if value is None else str(value).encode("utf-8", "replace").decode("utf-8")


_CONVERT: dict[pa.DataType, Callable[[Any], Any]] = {
    pa.int64(): _to_int,
    pa.bool_(): _to_bool,
    pa.string(): _to_text,
}
