from pathlib import Path
from typing import Any

import pyarrow as pa

from s2.kernel.tables import connect, write_rows
from s2.params.data import Dataset
from s2.splits.select import Files, select_rows

NAMES = ("id", "question_id", "subreddit", "split", "question", "answer")
KEPT = pa.schema([(name, pa.string()) for name in NAMES])
LEAKS = pa.schema([("question_id", pa.string())])


def fates(folder: Path, dataset: Dataset) -> dict[str, str | None]:
    """Six Reddit answers, of which r0 leaks and r1 is of another subreddit, and three pages, of which
    w0 leaks."""
    row: dict[str, Any] = {"split": "train", "question": "Why?", "answer": "So."}
    reddit = [
        row | {"id": f"r{n}", "question_id": f"q{n}", "subreddit": "b" if n == 1 else "a"}
        for n in range(6)
    ]
    wiki = [row | {"id": f"w{n}", "question_id": None} for n in range(3)]
    names = ["reddit", "wiki", "reddit-leaks", "wiki-leaks"]
    files = [folder / f"{name}.parquet" for name in names]
    leaks = [[{"question_id": "q0"}], [{"question_id": "w0"}]]
    contents: list[list[dict[str, Any]]] = [reddit, wiki, *leaks]
    for file, schema, rows in zip(files, [KEPT, KEPT, LEAKS, LEAKS], contents, strict=True):
        write_rows(file, schema, rows)
    connection = connect()
    select_rows(
        connection,
        dataset,
        Files({"reddit": files[0], "wiki": files[1]}, {"reddit": files[2], "wiki": files[3]}),
    )
    return dict(connection.sql("SELECT id, dropped_by FROM selected").fetchall())


def test_leaking_rows_leave_whatever_the_dataset_takes(in_tmp: Path) -> None:
    found = fates(in_tmp, Dataset(reddit="all", wiki="all"))
    assert {id_: reason for id_, reason in found.items() if reason} == {"r0": "leakage", "w0": "leakage"}
    assert len(found) == 9


def test_a_part_of_a_source_and_at_most_so_many_rows_of_it(in_tmp: Path) -> None:
    found = fates(in_tmp, Dataset(reddit=["a"], rows=2))
    assert found["r0"] == "leakage" and found["r1"] == "other_subreddit"
    rest = [found[f"r{n}"] for n in range(2, 6)]
    assert rest.count(None) == 2 and rest.count("over_rows") == 2


def test_parts_and_rows_by_name(in_tmp: Path) -> None:
    found = fates(in_tmp, Dataset(reddit=["b", "it's"], wiki="all", rows={"wiki": 1}))
    assert [name for name in found if found[name] is None and name.startswith("r")] == ["r1"]
    assert [found["w1"], found["w2"]].count("over_rows") == 1


def test_of_each_split_as_large_a_part_is_taken_and_one_row_at_least(in_tmp: Path) -> None:
    row: dict[str, Any] = {"question": "Why?", "answer": "So.", "subreddit": "a", "question_id": "q"}
    splits = ["train"] * 80 + ["validation"] * 20 + ["test"]
    rows = [row | {"id": f"r{n}", "split": name} for n, name in enumerate(splits)]
    write_rows(in_tmp / "kept.parquet", KEPT, rows)
    write_rows(in_tmp / "leaks.parquet", LEAKS, [])
    files = Files({"reddit": in_tmp / "kept.parquet"}, {"reddit": in_tmp / "leaks.parquet"})
    for limit, expected in {3: [1, 1, 1], 10: [7, 2, 1], 50: [39, 10, 1]}.items():
        connection = connect()
        select_rows(connection, Dataset(reddit="all", rows=limit), files)
        query = "FROM selected SELECT split, count(*) WHERE dropped_by IS NULL GROUP BY ALL"
        counts = dict(connection.sql(query).fetchall())
        assert [counts[name] for name in ("train", "validation", "test")] == expected
