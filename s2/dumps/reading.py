"""Finding dump files and reading them as text: zstd, bzip2 or plain.

Reddit's zstd files have a window of up to 2^31 bytes, so that a reader may need 2 GiB: how many may
read at once is bounded by a memory budget.
"""

import bz2
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, TypeVar

import zstandard

from s2.kernel import progress
from s2.kernel.errors import S2Error

Item = TypeVar("Item")

CHUNK = 4 * 2**20
BZIP2_CHUNK = 2**20
COMPRESSED_CHUNK = 2**18
AHEAD = 3
BLOCKS = 32  # of zstd, 128 KiB each at most, decompressed at a time
_SKIPPABLE = 0x184D2A50
WINDOW = 2**31
READER_BYTES = 2**29  # what a reader needs beside its window


class DamagedDump(S2Error):
    """A file that cannot be read to its end; its message says how far it could be."""


def find_dumps(folder: Path, pattern: str) -> list[Path]:
    """The files in a folder that match a pattern, sorted; raises `S2Error` if there are none."""
    found = sorted(path for path in folder.glob(pattern) if path.is_file())
    if not found:
        raise S2Error(f"no dump {pattern} in {folder}: put the files there, or set data.raw")
    return found


def readers_within(paths: Iterable[Path], memory_gb: float) -> int:
    """How many of the files may be read at once: 1 or more."""
    needs = [_window(path) + READER_BYTES for path in paths]
    return max(1, int(memory_gb * 2**30 / max(needs)))


def _window(path: Path) -> int:
    """The window that a zstd file's first frame states (RFC 8878, 3.1.1.1), in bytes."""
    if path.suffix != ".zst":
        return 0
    with path.open("rb") as file:
        try:
            return min(zstandard.get_frame_parameters(file.read(18)).window_size, WINDOW)
        except zstandard.ZstdError:
            return 0


def read_chunks(path: Path) -> Iterator[bytes]:
    """Decompressed bytes of a dump, decompressed ahead of the caller by a thread of its own.

    Raises `DamagedDump` for a file that is damaged, cut off, empty or of another kind.
    """
    with path.open("rb") as file:
        yield from _ahead(_decompress(path, file))


def _ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The same items, the next `AHEAD` being made while the caller uses this one."""
    with ThreadPoolExecutor(1) as thread:
        coming = deque(thread.submit(next, items, None) for _ in range(AHEAD))
        while (item := coming.popleft().result()) is not None:
            coming.append(thread.submit(next, items, None))
            yield item


def _decompress(path: Path, file: BinaryIO) -> Iterator[bytes]:
    decompress = {".zst": _zstd_frames, ".bz2": _bzip2_streams}.get(path.suffix, _plain)
    done = 0
    try:
        for chunk in decompress(file):
            done += len(chunk)
            yield chunk
        if not done:
            raise EOFError("it is empty")
    except (zstandard.ZstdError, EOFError, OSError) as error:
        size = path.stat().st_size
        raise DamagedDump(
            f"{path} is damaged at byte {file.tell():,} of {size:,}, after {done:,} bytes of "
            f"text: {error}"
        ) from None


def _plain(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        progress.advance(len(chunk))
        yield chunk


def _read(file: BinaryIO) -> bytes:
    compressed = file.read(COMPRESSED_CHUNK)
    progress.advance(len(compressed))
    return compressed


def _bzip2_streams(file: BinaryIO) -> Iterator[bytes]:
    """All streams of a file, which a multistream dump has many of."""
    compressed = _read(file)
    while compressed:
        stream = bz2.BZ2Decompressor()
        while not stream.eof:
            if stream.needs_input and not compressed:
                raise EOFError("the last bzip2 stream is cut off")
            if chunk := stream.decompress(compressed, BZIP2_CHUNK):
                yield chunk
            compressed = _read(file) if stream.needs_input and not stream.eof else b""
        compressed = stream.unused_data or _read(file)


def _zstd_frames(file: BinaryIO) -> Iterator[bytes]:
    """All frames of a file (RFC 8878, 3.1), decompressed some blocks at a time.

    A block gives 128 KiB at most, however few bytes it has, so that no file can fill the memory. A
    cut-off frame is an error, which the library's stream reader does not tell.
    """
    context = zstandard.ZstdDecompressor(max_window_size=WINDOW)
    while magic := file.read(4):
        number = int.from_bytes(magic, "little")
        if number & ~0xF == _SKIPPABLE:
            left = int.from_bytes(_exactly(file, 4), "little")
            while left:
                left -= len(_exactly(file, min(left, CHUNK)))
            continue
        descriptor = _exactly(file, 1)
        frame = context.decompressobj(write_size=CHUNK)
        waiting = [magic, descriptor, _exactly(file, _header_bytes(descriptor[0]))]
        for blocks, last in _zstd_blocks(file, has_checksum=bool(descriptor[0] & 4)):
            waiting += blocks
            compressed = b"".join(waiting)
            progress.advance(len(compressed))
            if chunk := frame.decompress(compressed):
                yield chunk
            waiting = []
            if last and not frame.eof:
                raise EOFError("a zstd frame has no end")


def _header_bytes(descriptor: int) -> int:
    """The bytes of a frame's header behind its descriptor: window, dictionary, content size."""
    is_single = bool(descriptor & 0x20)
    content = (1 if is_single else 0, 2, 4, 8)[descriptor >> 6]
    return (not is_single) + (0, 1, 2, 4)[descriptor & 3] + content


def _zstd_blocks(file: BinaryIO, has_checksum: bool) -> Iterator[tuple[list[bytes], bool]]:
    """The blocks of a frame, `BLOCKS` at a time, and whether they are its last ones."""
    waiting: list[bytes] = []
    while True:
        header = _exactly(file, 3)
        value = int.from_bytes(header, "little")
        is_last, repeats, size = value & 1, value >> 1 & 3 == 1, value >> 3
        waiting += [header, _exactly(file, 1 if repeats else size)]
        if is_last:
            yield [*waiting, _exactly(file, 4 if has_checksum else 0)], True
            return
        if len(waiting) >= 2 * BLOCKS:
            yield waiting, False
            waiting = []


def _exactly(file: BinaryIO, size: int) -> bytes:
    found = file.read(size)
    if len(found) < size:
        raise EOFError("the last zstd frame is cut off")
    return found
