"""Questions with four answers to choose from, out of questions with one each."""

from collections.abc import Sequence
from hashlib import md5
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2.questions.generate import opening

OTHERS = 3


def choices(rows: Sequence[dict[str, Any]], vectors: NDArray[np.float32]) -> list[dict[str, Any]]:
    """For each row of `id`, `prompt` and `completion` its `choices`, how the right answer begins among
    those to the three other questions most like it, and the `label`, its place, which the MD5 of its id
    decides.
    `vectors` are the questions' embeddings, of unit length, [rows, d]. Nothing of fewer than four
    questions."""
    if len({row["prompt"] for row in rows}) <= OTHERS:
        return []
    found = []
    for place, row in enumerate(rows):
        likeness = np.round(vectors @ vectors[place], 5)  # what is alike to rounding is in its order
        taken: dict[str, str] = {}
        for other in np.argsort(-likeness, kind="stable"):
            prompt = rows[other]["prompt"]
            if prompt != row["prompt"]:
                taken.setdefault(prompt, opening(rows[other]["completion"]))
            if len(taken) == OTHERS:
                break
        told = list(taken.values())
        label = int(md5(row["id"].encode()).hexdigest(), 16) % (OTHERS + 1)
        told.insert(label, opening(row["completion"]))
        found.append({"id": row["id"], "prompt": row["prompt"], "choices": told, "label": label})
    return found
