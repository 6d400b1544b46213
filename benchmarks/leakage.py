"""Exact cosine leakage between 200,000 and 10,000 vectors of 384, against one product in one piece.

python -m benchmarks.leakage [rows, 200,000 by default] [others, 10,000]
"""

import sys

import numpy as np

from benchmarks.measure import measure
from s2.splits.leakage import leaking

THRESHOLD = 0.6


def vectors(count: int, seed: int) -> np.ndarray:
    """Unit vectors about a few thousand centres, so that some are alike."""
    centres = np.random.default_rng(0).normal(size=(5_000, 384)).astype(np.float32)
    chance = np.random.default_rng(seed)
    found = centres[chance.integers(0, len(centres), count)]
    spread = np.exp(chance.normal(0.7, 0.6, (count, 1))).astype(np.float32)
    found = found + spread * chance.normal(size=found.shape).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def in_one_piece(rows: int, others: int) -> list[int]:
    product = vectors(rows, 1) @ vectors(others, 2).T
    return np.flatnonzero((product >= THRESHOLD).any(axis=1)).tolist()


def ours(rows: int, others: int) -> list[int]:
    found, _, _ = leaking(vectors(rows, 1), vectors(others, 2), THRESHOLD)
    return found.tolist()


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    others = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    print(f"{rows:,} x {others:,} x 384")
    baseline = measure(in_one_piece, rows, others)
    print(f"  in one piece  {baseline}, {len(baseline.result):,} leak")
    found = measure(ours, rows, others)
    print(f"  ours          {found}, {len(found.result):,} leak")
    print(f"  the same rows: {set(found.result) == set(baseline.result)}")
    print(
        f"  speed {baseline.seconds / found.seconds:.2f}, memory {found.peak_mb / baseline.peak_mb:.2f}"
    )


if __name__ == "__main__":
    main()
