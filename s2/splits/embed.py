"""Unit-length sentence embeddings of texts."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from s2.kernel.tables import chunked

CHUNK = 4_096


def embed(texts: Iterable[str], encoder: Path) -> Iterator[np.ndarray]:
    """For each text a vector of unit length, [d] float32, by the encoder in a folder.

    Vectors are rounded to six decimals, so that they are the same however texts are batched.
    """
    model = None
    for chunk in chunked(texts, CHUNK):
        if model is None:
            model = _model(encoder)
        vectors = model.encode(
            chunk, batch_size=64, normalize_embeddings=True, show_progress_bar=len(chunk) > 500
        )
        yield from np.round(vectors, 6)


def _model(folder: Path) -> Any:
    """Imported here, since sources without a row, which are many, need not wait for it."""
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(folder), local_files_only=True)
