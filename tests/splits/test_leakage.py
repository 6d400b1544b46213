from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2.splits import leakage
from s2.tables import connect, write_rows


def units(count: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(count, 4)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@given(st.integers(0, 60), st.integers(0, 9), st.integers(1, 20))
def test_blocks_give_what_brute_force_gives(count: int, seed: int, block: int) -> None:
    vectors = units(count, seed)
    splits = np.random.default_rng(seed).choice(["train", "validation", "test"], count)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leakage, "BLOCK_ROWS", block)
        found = leakage.leaking(vectors, splits, 0.6)
    for i in range(count):
        against = {"train": ("validation", "test"), "test": ("validation",), "validation": ()}
        others = [vectors[j] for j in range(count) if splits[j] in against[splits[i]]]
        assert found[i] == any(float(vectors[i] @ other) >= 0.6 for other in others)


def test_the_table_of_leaks(in_tmp: Path) -> None:
    schema = pa.schema([("question_id", pa.string()), ("embedding", pa.list_(pa.float32()))])
    rows = {"same": [1.0, 0.0], "held": [1.0, 0.0], "other": [0.0, 1.0]}
    write_rows(
        in_tmp / "e.parquet", schema, [{"question_id": q, "embedding": e} for q, e in rows.items()]
    )
    connection = connect()
    connection.execute(
        "CREATE TABLE questions AS FROM (VALUES ('same', 'train'), ('held', 'test'),"
        " ('other', 'train')) AS t(question_id, split)"
    )
    leakage.leaking_questions(connection, in_tmp / "e.parquet", 0.6)
    assert connection.sql("FROM leaks").fetchall() == [("same",)]
