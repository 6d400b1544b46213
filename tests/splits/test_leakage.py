from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2.kernel.tables import connect, write_rows
from s2.splits import leakage


def units(count: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(count, 4)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 9), st.integers(1, 20))
def test_blocks_give_what_brute_force_gives(rows: int, others: int, seed: int, block: int) -> None:
    left, right = units(rows, seed), units(others, seed + 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leakage, "BLOCK_ROWS", block)
        found = leakage.leaking(left, right, 0.6)
    expected = []
    for i, row in enumerate(left.astype(float)):
        cosines = [round(float(row @ other), 6) for other in right.astype(float)]
        if cosines and max(cosines) >= 0.6:
            expected.append((i, cosines.index(max(cosines)), max(cosines)))
    assert list(zip(*(column.tolist() for column in found), strict=True)) == expected


def test_at_the_threshold_itself_a_question_leaks() -> None:
    rows = np.array([[0.6, 0.8], [0.59999, 0.80001]], np.float32)
    found, _, cosine = leakage.leaking(rows, np.array([[1.0, 0.0]], np.float32), 0.6)
    assert found.tolist() == [0] and cosine.tolist() == [0.6]


@pytest.mark.parametrize("memory_gb", [1e-9, 1])
def test_the_table_of_leaks(in_tmp: Path, memory_gb: float) -> None:
    schema = pa.schema([("question_id", pa.string()), ("embedding", pa.list_(pa.float32()))])
    embeddings = {"a": [1.0, 0.0], "b": [0.8, 0.6], "held2": [1.0, 0.0], "held1": [1.0, 0.0]}
    embeddings |= {"val": [0.0, 1.0], "c": [-1.0, 0.0], "t": [0.1, 0.99498744]}
    embeddings |= {"d": [-0.6, 0.8], "other_val": [0.0, 1.0]}
    rows = [{"question_id": q, "embedding": e} for q, e in embeddings.items()]
    files = [in_tmp / "one.parquet", in_tmp / "other.parquet"]
    for number, file in enumerate(files):
        write_rows(file, schema, rows[number::2])
    connection = connect()
    connection.execute(
        "CREATE TABLE questions AS FROM (VALUES ('a', 'train'), ('held1', 'test'), ('held2', 'test'),"
        " ('b', 'train'), ('c', 'train'), ('val', 'validation'), ('t', 'test'),"
        " ('d', 'train'), ('other_val', 'validation')) AS q(question_id, split)"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leakage, "BLOCK_ROWS", 1)
        leakage.leaking_questions(connection, files, 0.6, memory_gb)
    assert connection.sql("FROM leaks").fetchall() == [
        ("a", "held1", 1.0),
        ("b", "held1", 0.8),
        ("d", "other_val", 0.8),
        ("t", "other_val", 0.994987),
    ]


@pytest.mark.parametrize(("rows_that_fit", "parts"), [(1, [1] * 5), (2, [2, 2, 1]), (9, [5])])
def test_vectors_are_read_in_parts_that_fit(in_tmp: Path, rows_that_fit: int, parts: list[int]) -> None:
    schema = pa.schema([("question_id", pa.string()), ("embedding", pa.list_(pa.float32()))])
    rows = [{"question_id": f"q{n}", "embedding": [float(n), 0.0, 0.0]} for n in range(6)]
    write_rows(in_tmp / "e.parquet", schema, rows)
    connection = connect()
    connection.execute(
        "CREATE TABLE questions AS SELECT 'q' || i AS question_id,"
        " CASE WHEN i < 5 THEN 'train' ELSE 'test' END AS split FROM range(6) AS numbers(i)"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leakage, "BLOCK_ROWS", 1)
        bytes_that_fit = rows_that_fit * 3 * 4
        found = list(leakage._vectors(connection, [in_tmp / "e.parquet"], ["train"], bytes_that_fit))
    assert [len(ids) for ids, _ in found] == [len(vectors) for _, vectors in found] == parts
    assert [id_ for ids, _ in found for id_ in ids] == [f"q{n}" for n in range(5)]
    assert np.concatenate([vectors for _, vectors in found])[:, 0].tolist() == [0, 1, 2, 3, 4]


def test_of_equals_to_six_decimals_the_first_is_named() -> None:
    others = np.array([[0.0, 1.0], [0.8, 0.6], [0.8000002, 0.5999998]], np.float32)
    found, index, cosine = leakage.leaking(np.array([[1.0, 0.0]], np.float32), others, 0.6)
    assert (found.tolist(), index.tolist(), cosine.tolist()) == ([0], [1], [0.8])
