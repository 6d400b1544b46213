from pathlib import Path

import pyarrow as pa
import pytest

from s2.dumps.duplicates import latest_of_each_id
from s2.kernel.tables import connect, write_rows
from s2.reddit.dump import LATEST

SCHEMA = pa.schema(
    [("id", pa.string()), ("retrieved_on", pa.int64()), ("file", pa.string()), ("offset", pa.int64())]
)


def row(id_: str, retrieved: int, file: str, offset: int) -> dict[str, object]:
    return dict(zip(SCHEMA.names, (id_, retrieved, file, offset), strict=True))


def kept(folder: Path, *files: list[dict[str, object]]) -> list[tuple[object, ...]]:
    paths = []
    for number, rows in enumerate(files):
        paths.append(folder / f"{number}.parquet")
        write_rows(paths[-1], SCHEMA, rows)
    batches = latest_of_each_id(connect(), paths, LATEST)
    return [(r["id"], r["file"], r["offset"]) for batch in batches for r in batch.to_pylist()]


def test_the_latest_retrieval_of_an_id_wins_and_the_order_stays(in_tmp: Path) -> None:
    first = [row("b", 1, "one", 0), row("a", 5, "one", 10), row("c", 1, "one", 20)]
    second = [row("a", 4, "two", 10), row("b", 2, "two", 20), row("d", 0, "two", 30)]
    assert kept(in_tmp, first, second) == [
        ("a", "one", 10),
        ("c", "one", 20),
        ("b", "two", 20),
        ("d", "two", 30),
    ]


@pytest.mark.parametrize(("offset", "file"), [(10, "one"), (0, "two")])
def test_of_equal_retrievals_the_last_place_wins(in_tmp: Path, offset: int, file: str) -> None:
    twice = [row("a", 1, "one", 0), row("a", 1, file, offset)]
    assert kept(in_tmp, twice) == [("a", file, offset)]


def test_no_rows_are_no_rows(in_tmp: Path) -> None:
    assert kept(in_tmp, [], []) == []
