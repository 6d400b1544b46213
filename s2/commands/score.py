"""`s2 score`: readability, toxicity and likeness to references of anybody's texts."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from s2.evaluate.metrics import BertScore, Definition, Rouge
from s2.evaluate.score import Measure, readability, toxicity
from s2.evaluate.score import score as score_all
from s2.evaluate.texts import read_texts
from s2.kernel.cache import ContentCache
from s2.kernel.errors import S2Error
from s2.kernel.paths import local
from s2.params.base import Positive
from s2.params.data import Toxicity
from s2.params.loading import load
from s2.quality.toxicity import ProfanityCheck, ToxicityScorer, make_scorer

METRICS = ["readability", "toxicity", "rouge", "bertscore"]
COMPARING = {"rouge", "bertscore"}
DEFINITIONS: list[Definition] = ["ours", "published"]
ENCODER = Path("models/bertscore")


def score(
    file: Path,
    text: str,
    reference: str | None,
    metrics: str,
    method: str,
    definition: str,
    as_json: bool,
) -> None:
    """Print mean, standard error and n of each metric over a column of texts."""
    wanted = [_choice("--metrics", name, METRICS) for name in metrics.split(",")]
    _choice("--readability", method, ["report", "cmudict"])
    of_rouge = next(
        known for known in DEFINITIONS if known == _choice("--definition", definition, DEFINITIONS)
    )
    if COMPARING & set(wanted) and not reference:
        names = ", ".join(sorted(COMPARING & set(wanted)))
        raise S2Error(f"--metrics {names}: name the --reference column to compare with")
    with ContentCache(local("cache", "toxicity.sqlite")) as cache:
        measures = list(_measures(wanted, method, of_rouge, cache))
        found = score_all(read_texts(file, [text, reference] if reference else [text]), measures)
    if as_json:
        told = {"file": str(file), "text": text, "reference": reference}
        print(json.dumps(told | found, indent=2))
        return
    table = Table("metric", "mean", "standard error", "n", title=f"{file}: {text}")
    for name, row in found["metrics"].items():
        table.add_row(name, str(row["mean"]), str(row["se"]), f"{row['n']:,}")
    Console().print(table)
    if found["missing"]:
        lacking = "a text or its reference" if reference else "a text"
        print(f"{found['missing']:,} rows without {lacking} were left out")


def _measures(
    wanted: list[str], method: str, definition: Definition, cache: ContentCache
) -> Iterator[Measure]:
    if "readability" in wanted:
        yield readability(method)
    if "toxicity" in wanted:
        yield toxicity(_classifier(), cache)
    if "rouge" in wanted:
        yield Rouge(definition).each
    if "bertscore" in wanted:
        if not ENCODER.is_dir():
            raise S2Error(f"{ENCODER} is missing: build it with `dvc repro bertscore`")
        layer, batch = load("evaluate.bertscore.layer", Positive), load("evaluate.batch_size", Positive)
        yield BertScore(ENCODER, layer, batch).each


def _classifier() -> ToxicityScorer:
    """The classifier that the parameters name; profanity-check needs nothing to be built."""
    settings = load("quality.toxicity", Toxicity)
    if settings.model.scorer == "profanity-check":
        return ProfanityCheck()
    return make_scorer(Path("models/classifier"), settings.dtype, settings.batch_tokens)


def _choice(option: str, given: str, known: Sequence[str]) -> str:
    """The given value of an option; raises `S2Error` at one that is not known."""
    if given not in known:
        raise S2Error(f"{option}: there is no {given!r}; there are: {', '.join(known)}")
    return given
