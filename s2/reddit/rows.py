"""Lines of Reddit's dumps to rows of one schema, whatever the dump's era.

Over twenty years of dumps fields come and go, numbers arrive as strings and flags as null. Only the
fields that are wanted are decoded; a line that does not fit their types is read again by the
standard library, and its values converted one by one.
"""

import json
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Annotated, Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

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

_PLACE_NAMES = set(dict(_PLACE))

_ABSENT = {pa.int64(): 0, pa.bool_(): False, pa.string(): ""}
_INT64 = 2**63
_Int64 = Annotated[int, msgspec.Meta(ge=-_INT64, le=_INT64 - 1)]


class Line(msgspec.Struct, gc=False):
    """The fields that S2 reads of a line, a post's as well as a comment's."""

    id: str | None = None
    subreddit: str | None = None
    author: str | None = None
    score: _Int64 | None = None
    created_utc: _Int64 | None = None
    stickied: bool | None = None
    distinguished: str | None = None
    retrieved_on: _Int64 | None = None
    title: str | None = None
    selftext: str | None = None
    over_18: bool | None = None
    is_self: bool | None = None
    domain: str | None = None
    link_id: str | None = None
    parent_id: str | None = None
    body: str | None = None


# Not strict: a number in a string is a number.
_decode = msgspec.json.Decoder(Line, strict=False).decode


class Unusable(Exception):
    """Why a line cannot become a row: a reason to count it by, and words."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def parse_line(text: bytes | memoryview) -> Line:
    """A line's fields; raises `Unusable` unless it is a JSON object with an id and fitting values."""
    try:
        line = _decode(text)
    except (ValueError, RecursionError):
        line = _parse_leniently(bytes(text))
    if not line.id:
        raise Unusable("no_id", "a line without an id")
    if line.is_self is None and line.domain is not None:
        line.is_self = line.domain.startswith("self.")
    return line


def to_batch(lines: Sequence[Line], offsets: list[int], file: str, schema: pa.Schema) -> pa.RecordBatch:
    """Lines, each with its offset in the file, as a record batch of `POSTS` or `COMMENTS`."""
    columns = [
        pc.fill_null(pa.array(list(map(attrgetter(name), lines)), type_), _ABSENT[type_])
        for name, type_ in zip(schema.names, schema.types, strict=True)
        if name not in _PLACE_NAMES
    ]
    places = [pa.array([file] * len(lines), pa.string()), pa.array(offsets, pa.int64())]
    return pa.RecordBatch.from_arrays(columns + places, schema=schema)


def _parse_leniently(text: bytes) -> Line:
    """What the decoder refuses but dumps may hold: a number for a text, a lone surrogate, NaN."""
    try:
        raw = json.loads(text)
    except UnicodeDecodeError as error:
        raise Unusable("bad_utf8", f"a line that is not UTF-8 ({error})") from None
    except (ValueError, RecursionError) as error:
        raise Unusable("not_json", f"not a line of JSON ({error})") from None
    if not isinstance(raw, dict):
        raise Unusable("not_json", "not a JSON object")
    return Line(**{name: _converted(name, raw.get(name)) for name in Line.__struct_fields__})


def _converted(name: str, value: Any) -> Any:
    convert = _CONVERT.get(name, _to_text)
    try:
        return None if value is None else convert(value)
    except (TypeError, ValueError, OverflowError):
        raise Unusable("wrong_type", f"{name} is {str(value)[:50]!r}") from None


def _to_int(value: Any) -> int | None:
    if isinstance(value, str) and value.lower() in ("", "null"):
        return None
    number = value if type(value) is int else int(float(value))
    if not -_INT64 <= number < _INT64:
        raise OverflowError(number)
    return number


def _to_bool(value: Any) -> bool:
    if isinstance(value, list | dict):
        raise TypeError(value)
    return str(value).lower() not in ("", "0", "0.0", "-0.0", "false", "null")


def _to_text(value: Any) -> str:
    """Text without lone surrogates, which JSON can hold and UTF-8 cannot."""
    if isinstance(value, list | dict):
        raise TypeError(value)
    return str(value).encode("utf-8", "replace").decode("utf-8")


_CONVERT: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("score", "created_utc", "retrieved_on"), _to_int),
    **dict.fromkeys(("stickied", "over_18", "is_self"), _to_bool),
}
