"""What to do with a piece of a dump that cannot be read: stop, or set it aside and go on."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from s2.kernel.errors import S2Error
from s2.kernel.files import new_file
from s2.kernel.tables import scan

Item = TypeVar("Item")
OnError = Literal["stop", "quarantine"]

SCHEMA = pa.schema(
    [
        ("file", pa.string()),
        ("offset", pa.int64()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("content", pa.binary()),
    ]
)
KEPT_BYTES = 2**20
BATCH = 256
WAITING_BYTES = 16 * 2**20


@dataclass(frozen=True)
class Bad:
    """A piece that cannot be read: where it begins (byte of the decompressed file), a reason by
    which it is counted, what is wrong in words, and its bytes (of a long one the first
    `KEPT_BYTES`)."""

    file: str
    offset: int
    reason: str
    detail: str
    content: bytes

    def __post_init__(self) -> None:
        object.__setattr__(self, "content", self.content[:KEPT_BYTES])


def unreadable(file: str, offset: int, error: Exception, content: bytes) -> Bad:
    """A piece that made its parser raise what nobody foresaw."""
    return Bad(
        file, offset, "unreadable", f"it cannot be parsed ({type(error).__name__}: {error})", content
    )


class Quarantine:
    """Lets good items through and writes bad ones to Parquet, or raises at the first of them."""

    def __init__(self, writer: pq.ParquetWriter, on_error: OnError) -> None:
        self.counts: Counter[str] = Counter()
        self._writer = writer
        self._on_error = on_error
        self._waiting: list[Bad] = []

    def good_ones(self, items: Iterable[Item | Bad]) -> Iterator[Item]:
        """The items that could be read. Raises `S2Error` at a bad one if `on_error` is `stop`."""
        for item in items:
            if isinstance(item, Bad):
                self._set_aside(item)
            else:
                yield item

    def _set_aside(self, bad: Bad) -> None:
        if self._on_error == "stop":
            raise S2Error(
                f"{bad.file}, byte {bad.offset:,} of its text: {bad.detail}; all before it could be "
                "read. Mend or fetch the file again, or go on without what cannot be read: "
                "data.on_error: quarantine"
            )
        self.counts[bad.reason] += 1
        self._waiting.append(bad)
        if len(self._waiting) >= BATCH or sum(len(bad.content) for bad in self._waiting) > WAITING_BYTES:
            self.flush()

    def flush(self) -> None:
        rows = [asdict(bad) for bad in self._waiting]
        self._writer.write_batch(pa.RecordBatch.from_pylist(rows, SCHEMA))
        self._waiting = []


def in_order(paths: Iterable[Path]) -> str:
    """SQL for the rows of quarantine files in the order of their places."""
    return f'FROM {scan(*paths)} ORDER BY file, "offset"'


@contextmanager
def quarantine(path: Path, on_error: OnError) -> Iterator[Quarantine]:
    """A `Quarantine` that writes to `path`, which appears when the block succeeds."""
    with new_file(path) as part, pq.ParquetWriter(part, SCHEMA, compression="zstd") as writer:
        found = Quarantine(writer, on_error)
        yield found
        found.flush()
