"""`s2 score`: readability, toxicity and likeness to references of anybody's texts."""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from s2.evaluate.metrics import BertScore, Definition, Rouge
from s2.evaluate.score import Measure, ratings, readability, toxicity
from s2.evaluate.score import score as score_all
from s2.evaluate.texts import read_texts, row_writer
from s2.kernel.cache import ContentCache
from s2.kernel.errors import S2Error
from s2.kernel.paths import local
from s2.params.base import Positive
from s2.params.data import Toxicity
from s2.params.loading import load
from s2.quality.toxicity import ProfanityCheck, ToxicityScorer, make_scorer

METRICS = ["readability", "toxicity", "rouge", "bertscore", "rating"]
COMPARING = {"rouge", "bertscore"}
DEFINITIONS: list[Definition] = ["ours", "published"]
ENCODER = Path("models/bertscore")


@dataclass(frozen=True)
class Scoring:
    """What is scored: a column of texts, perhaps against one of references, by which metrics and
    definitions."""

    text: str
    reference: str | None
    metrics: str
    readability: str
    definition: str

    @property
    def columns(self) -> list[str]:
        return [self.text, *([self.reference] if self.reference else [])]


def score(file: Path, scoring: Scoring, as_json: bool, rows: Path | None) -> None:
    """Print mean, standard error and n of each metric over a column of texts; write each row's values
    to `rows`."""
    wanted = [_choice("--metrics", name, METRICS) for name in scoring.metrics.split(",")]
    method = _choice("--readability", scoring.readability, ["report", "cmudict"])
    definition = _choice("--definition", scoring.definition, DEFINITIONS)
    of_rouge = next(known for known in DEFINITIONS if known == definition)
    if COMPARING & set(wanted) and not scoring.reference:
        names = ", ".join(sorted(COMPARING & set(wanted)))
        raise S2Error(f"--metrics {names}: name the --reference column to compare with")
    with ExitStack() as stack:
        cache = stack.enter_context(ContentCache(local("cache", "toxicity.sqlite")))
        keep = stack.enter_context(row_writer(rows)) if rows else None
        measures = list(_measures(wanted, method, of_rouge, cache))
        found = score_all(read_texts(file, scoring.columns), measures, keep)
        if not found["metrics"]:
            raise S2Error(f"{file} has no row with a text in {scoring.text}: there is nothing to score")
    if as_json:
        told = {"file": str(file), "text": scoring.text, "reference": scoring.reference}
        print(json.dumps(told | found, indent=2))
        return
    title = Text(f"{file}: {scoring.text}")  # a name may look like markup
    table = Table("metric", "mean", "standard error", "n", title=title)
    for name, row in found["metrics"].items():
        table.add_row(Text(name), str(row["mean"]), str(row["se"]), f"{row['n']:,}")
    Console().print(table)
    if found["missing"]:
        lacking = "a text or its reference" if scoring.reference else "a text"
        print(f"{found['missing']:,} rows without {lacking} were left out")


def _measures(
    wanted: list[str], method: str, definition: Definition, cache: ContentCache
) -> Iterator[Measure]:
    if "readability" in wanted:
        yield readability(method)
    if "toxicity" in wanted:
        yield toxicity(_classifier(), cache)
    if "rating" in wanted:
        yield ratings
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
