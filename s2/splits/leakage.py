"""Questions that a split must give up because a held-out split has one too much like them.

A training question leaves if its cosine with any validation or test question reaches the
threshold, a test question if its cosine with any validation question does.
"""

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

BLOCK_ROWS = 4_096

Matrix = np.ndarray


def leaking_questions(connection: duckdb.DuckDBPyConnection, embeddings: Path, threshold: float) -> None:
    """Make the table `leaks`, the ids that `leaking` finds, out of `questions` (`question_id`,
    `split`) and their embeddings (`question_id`, `embedding`)."""
    stored = pq.read_table(embeddings)
    ids = stored["question_id"].to_pylist()
    split_of = dict(connection.execute("SELECT question_id, split FROM questions").fetchall())
    splits = np.array([split_of[question_id] for question_id in ids])
    flat = stored["embedding"].combine_chunks().flatten().to_numpy()
    leaks = leaking(flat.reshape(len(ids), -1), splits, threshold) if ids else np.zeros(0, bool)
    found = pa.table({"question_id": pa.array(np.array(ids)[leaks].tolist(), pa.string())})
    connection.register("found", found)
    connection.execute("CREATE TEMP TABLE leaks AS FROM found")


def leaking(embeddings: Matrix, splits: np.ndarray, threshold: float) -> np.ndarray:
    """Which rows leak.

    embeddings: [n, d] float32, rows of unit length. splits: [n] of train, validation and test.
    Returns [n] bool; validation rows never leak.
    """
    train, validation, test = (splits == name for name in ("train", "validation", "test"))
    leaks = np.zeros(len(splits), dtype=bool)
    leaks[train] = _any_similar(embeddings[train], embeddings[validation | test], threshold)
    leaks[test] = _any_similar(embeddings[test], embeddings[validation], threshold)
    return leaks


def _any_similar(rows: Matrix, others: Matrix, threshold: float) -> np.ndarray:
    """For each row, whether any of `others` is at the threshold; in blocks, so that memory is
    BLOCK_ROWS squared whatever the number of rows."""
    similar = np.zeros(len(rows), dtype=bool)
    for start in range(0, len(rows), BLOCK_ROWS):
        block = rows[start : start + BLOCK_ROWS]
        for other in range(0, len(others), BLOCK_ROWS):
            cosines = block @ others[other : other + BLOCK_ROWS].T
            similar[start : start + BLOCK_ROWS] |= (cosines >= threshold).any(axis=1)
    return similar
