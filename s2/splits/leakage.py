"""Questions that a split must give up because a held-out split has one too much like them.

A training question leaves if its cosine with any validation or test question, of whatever source,
reaches the threshold, a test question if its cosine with any validation question does. Every pair is
compared: there is no index that could miss one.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from s2.kernel.tables import scan

BLOCK_ROWS = 2_048
ROUNDING = 1e-5  # above the error of a cosine in 32 bits

Matrix = np.ndarray

LEAKS = pa.schema([("question_id", pa.string()), ("like", pa.string()), ("cosine", pa.float64())])


def leaking_questions(
    connection: duckdb.DuckDBPyConnection,
    embeddings: Sequence[Path],
    threshold: float,
    memory_gb: float,
) -> None:
    """Make the table `leaks` out of `questions` (`question_id`, `split`) and their embeddings
    (`question_id`, `embedding`), a file a source: the questions that leak, the held-out one that each
    is most `like`, and their `cosine`.

    Half of `memory_gb` goes to held-out vectors; if they are more, the others are read again for
    each part of them.
    """
    best: dict[str, tuple[float, str]] = {}
    for leaving, staying in ((["train"], ["validation", "test"]), (["test"], ["validation"])):
        for held_ids, held_out in _vectors(connection, embeddings, staying, memory_gb * 2**30 / 2):
            for ids, vectors in _vectors(connection, embeddings, leaving, memory_gb * 2**30 / 8):
                for row, other, cosine in zip(*leaking(vectors, held_out, threshold), strict=True):
                    found = -float(cosine), held_ids[other]
                    best[ids[row]] = min(found, best.get(ids[row], found))
    rows = [{"question_id": name, "like": like, "cosine": -c} for name, (c, like) in best.items()]
    connection.register("found", pa.Table.from_pylist(rows, LEAKS))
    connection.execute("CREATE TEMP TABLE leaks AS FROM found ORDER BY question_id")
    connection.unregister("found")


def _vectors(
    connection: duckdb.DuckDBPyConnection, paths: Sequence[Path], splits: Sequence[str], budget: float
) -> Iterator[tuple[list[str], Matrix]]:
    """Ids and vectors of the questions of some splits, in parts of at most `budget` bytes."""
    names = ", ".join(f"'{name}'" for name in splits)
    query = f"""
        SELECT question_id, embedding FROM {scan(*paths)} SEMI JOIN
        (FROM questions WHERE split IN ({names})) USING (question_id) ORDER BY question_id"""
    ids: list[str] = []
    parts: list[Matrix] = []
    held = 0
    # A connection holds one open result; the rows are read while held-out ones are.
    for batch in connection.cursor().sql(query).to_arrow_reader(BLOCK_ROWS):
        ids += batch["question_id"].to_pylist()
        parts.append(batch["embedding"].flatten().to_numpy().reshape(batch.num_rows, -1))
        held += parts[-1].nbytes
        if held >= budget:
            yield ids, np.concatenate(parts)
            ids, parts, held = [], [], 0
    if ids:
        yield ids, np.concatenate(parts)


def leaking(rows: Matrix, others: Matrix, threshold: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The rows that reach the threshold with any of `others`.

    rows: [m, d], others: [n, d], float32 of unit length. Returns the indices of those rows, for each
    the index of the most similar of `others` (of equals the first) and their cosine, to six decimals.
    Products of 32 bits pick out what comes near the threshold, products of 64 decide. Blocks of the
    product are in memory, never the whole.
    """
    near = np.zeros(len(rows), bool)
    for block, other in product(_blocks(len(rows)), _blocks(len(others))):
        near[block] |= (rows[block] @ others[other].T >= threshold - ROUNDING).any(axis=1)
    found = np.flatnonzero(near)
    index, cosine = np.zeros(len(found), np.int64), np.full(len(found), -np.inf)
    for block, other in product(_blocks(len(found)), _blocks(len(others))):
        exact = rows[found[block]].astype(np.float64) @ others[other].astype(np.float64).T
        place = exact.round(6).argmax(axis=1)
        value = exact[np.arange(len(place)), place].round(6)
        better = value > cosine[block]
        index[block][better] = place[better] + other.start
        cosine[block][better] = value[better]
    leaks = cosine >= threshold
    return found[leaks], index[leaks], cosine[leaks]


def _blocks(count: int) -> list[slice]:
    return [slice(start, min(start + BLOCK_ROWS, count)) for start in range(0, count, BLOCK_ROWS)]
