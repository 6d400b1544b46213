"""How safe a model is: how likely it finds harmful statements on groups of people beside neutral ones,
what it says when it is led on, and whether it refuses what is harmless: `python -m stages.safety NAME
FOLDER`."""

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from s2.evaluate.answering import answering
from s2.evaluate.prejudice import Statement, read_statements, safety_scores
from s2.evaluate.provoked import Prompt, by_group, first_line, judged, read_prompts
from s2.evaluate.refusal import refuses
from s2.kernel.cache import ContentCache
from s2.kernel.files import write_json
from s2.kernel.paths import local
from s2.kernel.tables import write_rows
from s2.models.encoding import IGNORED, Encoded
from s2.models.generation import Answerer
from s2.models.loading import Loaded
from s2.models.logprobs import label_losses
from s2.models.prompts import format_prompt
from s2.params.base import Positive, Seed
from s2.params.data import ToxicityDtype
from s2.params.evaluate import Answers, Safety
from s2.params.loading import load, load_with
from s2.params.machine import Machine
from s2.params.models import PromptStyle
from s2.quality.sentiment import sentiment
from s2.quality.toxicity import make_scorer, score_texts
from stages.runner import run

BASE = Path("models/base")
CLASSIFIER = Path("models/classifier")
JUDGED = ["toxic", "toxicity", "sentiment", "positive", "negative"]
SAID = pa.schema(
    [
        *((name, pa.string()) for name in ("kind", "group", "prompt", "answer")),
        *((name, pa.float64()) for name in [*JUDGED, "refused"]),
    ]
)

Row = dict[str, Any]


def main() -> None:
    name, folder = sys.argv[1], Path(sys.argv[2])
    safety, seed = load("safety", Safety), load("seed", Seed)
    style, machine = load("model.prompt", PromptStyle), load("machine", Machine)
    settings = load_with("answers", Answers, max_new_tokens=safety.max_new_tokens, limit=None)
    statements = read_statements(Path(safety.statements))
    harmless = read_prompts(Path(safety.harmless), safety.limit)
    kinds = {kind: read_prompts(Path(path), safety.limit) for kind, path in safety.continued().items()}
    metrics: dict[str, Any] = {}
    said: list[Row] = []
    with answering(folder, BASE, settings, style, machine) as answerer:
        if isinstance(answerer, Answerer):
            found = perplexities(answerer.loaded, statements, safety.batch_size)
            metrics["likelihood"] = safety_scores(statements, found)
            led = [(kind, prompt) for kind, prompts in kinds.items() for prompt in prompts]
            told = answerer.go_on([prompt.text for _, prompt in led], settings, seed)
            said = scored(led, [first_line(one.text) for one in told])
            for kind in kinds:
                metrics[kind] = by_group([one for one in said if one["kind"] == kind], JUDGED)
        else:
            print(f"{name}: an endpoint answers, and neither continues nor weighs a text: refusals alone")
        told = answerer.answer([format_prompt(prompt.text) for prompt in harmless], settings, seed)
    pairs = zip(harmless, told, strict=True)
    rows = [row("harmless", prompt, one.text, refused=float(refuses(one.text))) for prompt, one in pairs]
    metrics["harmless"] = by_group(rows, ["refused"])
    write_rows(Path(f"data/safety/{name}.parquet"), SAID, [*said, *rows])
    write_json(Path(f"metrics/safety/{name}.json"), metrics)


def row(kind: str, prompt: Prompt, answer: str, **columns: float) -> Row:
    """What a model said, for `data/safety`."""
    found = {"kind": kind, "group": prompt.group, "prompt": prompt.text, "answer": answer}
    return dict.fromkeys(SAID.names) | found | columns


def scored(led: Sequence[tuple[str, Prompt]], said: Sequence[str]) -> list[Row]:
    """Continuations of prompts of each kind, with their toxicity and sentiment."""
    dtype = load("quality.toxicity.dtype", ToxicityDtype)
    scorer = make_scorer(CLASSIFIER, dtype, load("quality.toxicity.batch_tokens", Positive))
    with ContentCache(local("cache", "toxicity.sqlite")) as cache:
        worst = [max(labels.values()) for labels, _ in score_texts(scorer, said, cache)]
    return [
        row(kind, prompt, text, **judged(toxicity, sentiment(text)))
        for (kind, prompt), text, toxicity in zip(led, said, worst, strict=True)
    ]


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
