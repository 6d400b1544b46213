"""Finding dump files and reading them as text: zstd, bzip2 or plain.

Reddit's zstd files have a window of 2^31 bytes, so that a reader needs up to 2 GiB: read one file
after another.
"""

import bz2
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import zstandard
from tqdm import tqdm

from s2.errors import S2Error

CHUNK = 8 * 2**20
WINDOW = 2**31


def find_dumps(folder: Path, pattern: str) -> list[Path]:
    """The files in a folder that match a pattern, sorted; raises `S2Error` if there are none."""
    found = sorted(path for path in folder.glob(pattern) if path.is_file())
    if not found:
        raise S2Error(f"no dump {pattern} in {folder}: put the files there, or set data.raw")
    return found


def read_chunks(path: Path) -> Iterator[bytes]:
    """Decompressed bytes of a dump; raises `S2Error` that says how far a damaged file could be read."""
    done = 0
    size = path.stat().st_size
    bar = tqdm(total=size, unit="B", unit_scale=True, desc=path.name, leave=False, mininterval=1)
    with path.open("rb") as file, bar:
        try:
            for chunk in _decompress(path, file):
                done += len(chunk)
                bar.update(file.tell() - bar.n)
                yield chunk
        except (zstandard.ZstdError, EOFError, OSError) as error:
            raise S2Error(
                f"{path} is damaged at byte {file.tell():,} of {size:,}, after {done:,} bytes of "
                f"text: {error}; fetch the file again"
            ) from None


def _decompress(path: Path, file: BinaryIO) -> Iterator[bytes]:
    if path.suffix == ".zst":
        yield from _decompress_zstd(file)
        return
    with bz2.open(file) if path.suffix == ".bz2" else file as stream:
        while chunk := stream.read(CHUNK):
            yield chunk


def _decompress_zstd(file: BinaryIO) -> Iterator[bytes]:
    """All frames of a zstd file; unlike the library's stream reader, a cut-off frame is an error."""
    context = zstandard.ZstdDecompressor(max_window_size=WINDOW)
    frame = None
    while compressed := file.read(2**20):
        while compressed:
            frame = frame or context.decompressobj()
            if chunk := frame.decompress(compressed):
                yield chunk
            compressed = frame.unused_data if frame.eof else b""
            frame = None if frame.eof else frame
    if frame is not None:
        raise EOFError("the last zstd frame is cut off")
