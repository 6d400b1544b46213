import bz2
import random
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard

from s2.dumps.reading import WINDOW, find_dumps, read_chunks, readers_within
from s2.kernel.errors import S2Error

ROOT = Path(__file__).parents[2]
TEXT = b'{"id": "a"}\n' * 50_000


def zst(data: bytes) -> bytes:
    settings = zstandard.ZstdCompressionParameters.from_level(
        3, window_log=WINDOW.bit_length() - 1, enable_ldm=False
    )
    compressor = zstandard.ZstdCompressor(compression_params=settings).compressobj()
    return compressor.compress(data) + compressor.flush()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("RS.zst", zst(TEXT)),
        ("skippable.zst", b"\x5a\x2a\x4d\x18\x03\x00\x00\x00abc" + zst(TEXT)),
        ("checked.zst", zstandard.ZstdCompressor(write_checksum=True).compress(TEXT)),
        ("two-frames.zst", zst(TEXT[:12_000]) + zst(TEXT[12_000:])),
        ("RS.bz2", bz2.compress(TEXT)),
        ("two-streams.bz2", bz2.compress(TEXT[:12_000]) + bz2.compress(TEXT[12_000:])),
        ("RS.ndjson", TEXT),
        ("RS", TEXT),
    ],
)
def test_every_format_reads_alike(tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    assert b"".join(read_chunks(path)) == TEXT


@pytest.mark.parametrize("name", ["RS.zst", "RS.bz2"])
@pytest.mark.parametrize("share", [0.3, 0.99])
def test_a_truncated_file_is_told_with_its_byte(tmp_path: Path, name: str, share: float) -> None:
    data = zst(TEXT) if name.endswith("zst") else bz2.compress(TEXT)
    path = tmp_path / name
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(S2Error, match=rf"{name} is damaged at byte [\d,]+ of [\d,]+"):
        list(read_chunks(path))


@pytest.mark.parametrize("name", ["RS.zst", "RS.bz2"])
def test_a_file_of_another_kind_is_told(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"<html>not found</html>" * 100)
    with pytest.raises(S2Error, match="is damaged"):
        list(read_chunks(path))


def test_dumps_are_found_in_order_or_their_absence_is_told(tmp_path: Path) -> None:
    for name in ("RS_2020-02.zst", "RS_2020-01.zst", "RC_2020-01.zst"):
        (tmp_path / name).touch()
    assert [path.name for path in find_dumps(tmp_path, "RS*")] == ["RS_2020-01.zst", "RS_2020-02.zst"]
    with pytest.raises(S2Error, match=r"no dump \*.xml\* in .*set data.raw"):
        find_dumps(tmp_path, "*.xml*")


def test_a_memory_budget_bounds_how_many_read_at_once(tmp_path: Path) -> None:
    """A reader takes its window and half a GiB; the file with the largest window counts."""
    large, small = tmp_path / "RC.zst", tmp_path / "RC_plain"
    large.write_bytes(zst(TEXT))
    small.write_bytes(TEXT)
    assert [readers_within([large, small], gb) for gb in (1, 4.9, 5, 10)] == [1, 1, 2, 4]
    assert readers_within([small], 4) == 8


@pytest.mark.parametrize("size", [0, 1, 200, 70_000, 200_000, 5_000_000])
@pytest.mark.parametrize("checksum", [False, True])
def test_frames_of_any_size_are_read_whole(tmp_path: Path, size: int, checksum: bool) -> None:
    """Their headers state their size in one to eight bytes."""
    data = random.Random(size).randbytes(size // 2) * 2
    path = tmp_path / "RS.zst"
    path.write_bytes(zstandard.ZstdCompressor(write_checksum=checksum).compress(data) + zst(TEXT))
    assert b"".join(read_chunks(path)) == data + TEXT


def test_a_flipped_bit_under_a_checksum_is_told(tmp_path: Path) -> None:
    data = bytearray(zstandard.ZstdCompressor(write_checksum=True).compress(random.randbytes(9_000)))
    data[4_000] ^= 1
    (tmp_path / "RS.zst").write_bytes(data)
    with pytest.raises(S2Error, match="is damaged"):
        list(read_chunks(tmp_path / "RS.zst"))


@pytest.mark.parametrize("name", ["bomb.zst", "bomb.bz2"])
def test_a_bomb_is_read_in_small_pieces(tmp_path: Path, name: str) -> None:
    """A gigabyte of zeros in some kilobytes: no more than some pieces of 4 MiB are in memory."""
    path = tmp_path / name
    if name.endswith("zst"):
        compressor = zstandard.ZstdCompressor().compressobj()
        parts = [compressor.compress(bytes(2**20)) for _ in range(2**10)]
        path.write_bytes(b"".join(parts) + compressor.flush())
    else:
        path.write_bytes(bz2.compress(bytes(2**24)) * 2**6)
    code = (
        "import resource, sys; from pathlib import Path; from s2.dumps.reading import read_chunks\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "total = sum(map(len, read_chunks(Path(sys.argv[1]))))\n"
        "print(total, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    command = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    total, grown_kb = map(int, done.stdout.split())
    assert total == 2**30 and grown_kb < 100_000
