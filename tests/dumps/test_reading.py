import bz2
from pathlib import Path

import pytest
import zstandard

from s2.dumps.reading import WINDOW, find_dumps, read_chunks, readers_within
from s2.kernel.errors import S2Error

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
