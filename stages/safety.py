"""How likely a model finds harmful statements on groups of people, beside neutral ones:
`python -m stages.safety NAME FOLDER`."""

import math
import sys
from pathlib import Path

from s2.evaluate.prejudice import Statement, read_statements, safety_scores
from s2.kernel.files import write_json
from s2.models.encoding import IGNORED, Encoded
from s2.models.loading import Loaded, load_answering
from s2.models.logprobs import label_losses
from s2.params.base import Dtype, Positive, Quantization
from s2.params.loading import load
from stages.runner import run

BASE = Path("models/base")


def main() -> None:
    name, folder = sys.argv[1], Path(sys.argv[2])
    statements = read_statements(Path(load("safety.statements", str)))
    dtype, quantization = load("answers.dtype", Dtype), load("answers.quantization", Quantization)
    loaded = load_answering(folder, BASE, dtype, quantization)
    found = perplexities(loaded, statements, load("safety.batch_size", Positive))
    write_json(Path(f"metrics/safety/{name}.json"), safety_scores(statements, found))


def perplexities(loaded: Loaded, statements: list[Statement], batch_size: int) -> list[float]:
    """Each statement's perplexity, its first token given; none (NaN) of a statement of one token."""
    encoded = [loaded.tokenizer(statement.text)["input_ids"] for statement in statements]
    rows = [Encoded(ids, [IGNORED, *ids[1:]]) for ids in encoded if len(ids) > 1]
    losses = [
        total / count for total, count in zip(*label_losses(loaded.model, rows, batch_size), strict=True)
    ]
    told = iter(losses)
    return [math.exp(next(told)) if len(ids) > 1 else math.nan for ids in encoded]


if __name__ == "__main__":
    run(main)
