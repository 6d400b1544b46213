"""Reddit dumps, one JSON object a line, to Arrow, any era's schema.

A monthly dump holds every subreddit: the wanted lines are picked out of the bytes before any of
them is parsed, and of those only the fields that are wanted. The other lines are looked at for
their shape alone, so that a broken one is not taken for one of another subreddit.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from s2.dumps.quarantine import Bad, OnError, quarantine, unreadable
from s2.dumps.reading import DamagedDump, read_chunks
from s2.kernel.tables import write_batches
from s2.reddit.rows import Line, Unusable, parse_line, to_batch

LATEST = 'retrieved_on DESC, file DESC, "offset" DESC'
MAX_LINE = 16 * 2**20
ROWS = 2_048
_CASE_BIT = np.uint8(0x20)
_BLANK = b" \t\r"
_MARK = b"\xef\xbb\xbf"  # the byte-order mark that some editors put first


class _Block(NamedTuple):
    """Whole lines: where they begin in the decompressed file, and their bytes."""

    offset: int
    text: bytes


class Dump(NamedTuple):
    """A dump of posts or of comments, by its schema."""

    path: Path
    schema: pa.Schema


class Shard(NamedTuple):
    """What came out of one dump: files of rows and of what could not be read, and their counts."""

    dump: Dump
    rows: Path
    quarantine: Path
    good: int
    bad: Counter[str]


def read_shard(dump: Dump, folder: Path, subreddits: Iterable[str], on_error: OnError) -> Shard:
    """Read one dump into two Parquet files in `folder`; raises `S2Error` as `Quarantine` does."""
    name = dump.path.name
    rows, aside = folder / f"{name}.parquet", folder / f"{name}.quarantine.parquet"
    with quarantine(aside, on_error) as found:
        batches = found.good_ones(read_dump(dump.path, dump.schema, subreddits))
        good = write_batches(rows, dump.schema, batches, compression="none")
    return Shard(dump, rows, aside, good, found.counts)


def read_dump(path: Path, schema: pa.Schema, subreddits: Iterable[str]) -> Iterator[pa.RecordBatch | Bad]:
    """Record batches of `schema` (`POSTS` or `COMMENTS`) with the lines of the wanted subreddits,
    and what could not be read."""
    wanted = {name.lower() for name in subreddits}
    lines: list[Line] = []
    offsets: list[int] = []
    for block in _blocks(path):
        for item in [block] if isinstance(block, Bad) else _wanted_lines(block, path.name, wanted):
            if isinstance(item, Bad):
                yield item
            else:
                offsets.append(item[0])
                lines.append(item[1])
        if len(lines) >= ROWS:
            yield to_batch(lines, offsets, path.name, schema)
            lines, offsets = [], []
    yield to_batch(lines, offsets, path.name, schema)


def _wanted_lines(block: _Block, file: str, wanted: set[str]) -> Iterator[tuple[int, Line] | Bad]:
    """The lines of the wanted subreddits with their offsets, and what could not be read."""
    data = np.frombuffer(block.text, np.uint8)
    begins, ends, misshapen = _lines(data, block.offset)
    yield from _misshapen(file, block, begins[misshapen], ends[misshapen])
    named = np.unique(np.searchsorted(ends, _mentions(data, wanted)))
    named = named[~misshapen[named]]
    view = memoryview(block.text)
    for begin, end in zip(begins[named].tolist(), ends[named].tolist(), strict=True):
        offset = block.offset + begin
        try:
            line = parse_line(view[begin:end])
        except Unusable as error:
            yield Bad(file, offset, error.reason, str(error), block.text[begin:end])
            continue
        except Exception as error:  # one line must not end a dump, whatever it makes a parser raise
            yield unreadable(file, offset, error, block.text[begin:end])
            continue
        if line.subreddit in wanted or (line.subreddit or "").lower() in wanted:
            yield offset, line


def _mentions(data: np.ndarray, names: Iterable[str]) -> list[int]:
    """Where a JSON string is one of the names, in upper or lower case. A few other places may be
    among them, since characters are compared without the bit that tells a letter's case."""
    folded = bytearray(len(data))
    np.bitwise_or(data, _CASE_BIT, out=np.frombuffer(folded, np.uint8))
    found = []
    for name in names:
        needle = bytes(byte | int(_CASE_BIT) for byte in f'"{name}"'.encode())
        place = folded.find(needle)
        while place >= 0:
            found.append(place)
            place = folded.find(needle, place + len(needle))
    return found


def _blocks(path: Path) -> Iterator[_Block | Bad]:
    """A dump as blocks that end where a line ends; no line longer than `MAX_LINE` is held."""
    start, waiting, skipping = 0, b"", False
    try:
        for chunk in read_chunks(path):
            if skipping:
                skipped, newline, chunk = chunk.partition(b"\n")
                start += len(skipped) + len(newline)
                skipping = not newline
            end = chunk.rfind(b"\n") + 1
            if end:
                text = b"".join((waiting, memoryview(chunk)[:end]))
                yield _Block(start, text)
                start += len(text)
                waiting = b""
            waiting += chunk[end:]
            if len(waiting) > MAX_LINE:
                yield _too_long(path.name, start, waiting)
                start, waiting, skipping = start + len(waiting), b"", True
    except DamagedDump as error:
        yield Bad(path.name, start, "damaged", str(error), waiting)
        return
    if waiting:
        yield _Block(start, waiting)


def _too_long(file: str, offset: int, line: bytes) -> Bad:
    return Bad(file, offset, "line_too_long", f"a line longer than {MAX_LINE:,} bytes", line)


def _lines(data: np.ndarray, offset: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where each line begins and ends, blanks around it and a byte-order mark left out, and which are
    not of the shape {...} or are too long."""
    ends = np.flatnonzero(data == ord("\n"))
    if data[-1] != ord("\n"):
        ends = np.append(ends, len(data))
    begins = np.append(0, ends[:-1] + 1)
    ends = ends - ((data[ends - 1] == ord("\r")) & (ends > begins))
    for i in np.flatnonzero(_misshapen_at(data, begins, ends)):
        line = data[begins[i] : ends[i]].tobytes()
        marked = _MARK if offset + begins[i] == 0 and line.startswith(_MARK) else b""
        begins[i] += len(line) - len(line.removeprefix(marked).lstrip(_BLANK))
        ends[i] = max(begins[i], ends[i] - len(line) + len(line.rstrip(_BLANK)))
    return begins, ends, _misshapen_at(data, begins, ends) | (ends - begins > MAX_LINE)


def _misshapen_at(data: np.ndarray, begins: np.ndarray, ends: np.ndarray) -> np.ndarray:
    first, last = (data[np.minimum(places, len(data) - 1)] for places in (begins, ends - 1))
    return (first != ord("{")) | (last != ord("}")) | (begins == ends)


def _misshapen(file: str, block: _Block, begins: np.ndarray, ends: np.ndarray) -> Iterator[Bad]:
    """Of the misshapen lines those that are more than blank."""
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        line, offset = block.text[begin:end], block.offset + begin
        if len(line) > MAX_LINE:
            yield _too_long(file, offset, line)
        elif line.strip():
            yield Bad(file, offset, "not_json", "not a line of JSON", line)
