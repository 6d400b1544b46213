"""`s2 score`: readability and toxicity of anybody's texts."""

import json
from pathlib import Path

from rich.console import Console
from rich.table import Table

from s2.kernel.cache import ContentCache
from s2.kernel.errors import S2Error
from s2.kernel.paths import local
from s2.params.data import Toxicity
from s2.params.loading import load
from s2.quality.score import read_texts
from s2.quality.score import score as score_all
from s2.quality.toxicity import ProfanityCheck, ToxicityScorer, make_scorer


def score(file: Path, text: str, metrics: str, readability: str, as_json: bool) -> None:
    """Print mean, standard error and n of each metric over a column of texts."""
    wanted = _choices("--metrics", metrics.split(","), ["readability", "toxicity"])
    (method,) = _choices("--readability", [readability], ["report", "cmudict"])
    toxic = _scorer() if "toxicity" in wanted else None
    with ContentCache(local("cache", "toxicity.sqlite")) as cache:
        found = score_all(
            read_texts(file, text), method if "readability" in wanted else None, toxic, cache
        )
    if as_json:
        print(json.dumps({"file": str(file), "text": text} | found, indent=2))
        return
    table = Table("metric", "mean", "standard error", "n", title=f"{file}: {text}")
    for name, row in found["metrics"].items():
        table.add_row(name, str(row["mean"]), str(row["se"]), f"{row['n']:,}")
    Console().print(table)
    if found["missing"]:
        print(f"{found['missing']:,} rows without a text were left out")


def _scorer() -> ToxicityScorer:
    """The scorer that the parameters name; profanity-check needs nothing to be built."""
    toxicity = load("quality.toxicity", Toxicity)
    if toxicity.model.scorer == "profanity-check":
        return ProfanityCheck()
    return make_scorer(Path("models/classifier"), toxicity.dtype, toxicity.batch_tokens)


def _choices(option: str, given: list[str], known: list[str]) -> list[str]:
    """The given values of an option; raises `S2Error` at one that is not known."""
    for value in given:
        if value not in known:
            raise S2Error(f"{option}: there is no {value!r}; there are: {', '.join(known)}")
    return given
