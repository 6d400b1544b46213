"""`s2 compare`: is one model's answers better than another's, or is it noise?"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pyarrow.parquet as pq
import yaml
from rich.console import Console

from s2.evaluate.joined import Joined, Row, join, scores
from s2.evaluate.paired import HIGHER_IS_BETTER, differences
from s2.graph.revisions import WORKSPACE, Revision, revision
from s2.kernel.errors import S2Error
from s2.params.evaluate import ALL_SETS
from s2.report.comparison import Comparison, as_json_object, rendered
from s2.report.tables import wide_console


@dataclass(frozen=True)
class Side:
    """A model, or all of a revision's."""

    model: str | None
    rev: str

    def __str__(self) -> str:
        return f"{self.model}@{self.rev}" if self.model else self.rev


@dataclass(frozen=True)
class Wanted:
    """What is compared: a set or all, and the metric whose largest changes are shown, so many of each."""

    set_name: str
    metric: str
    examples: int


def compare(a: str, b: str | None, wanted: Wanted, as_json: bool) -> bool:
    """Print a comparison; returns whether something is worse, or cannot be compared."""
    if wanted.metric not in HIGHER_IS_BETTER:
        raise S2Error(f"--metric: no {wanted.metric!r}; there are: {', '.join(HIGHER_IS_BETTER)}")
    compared, lacking = comparison(a, b, wanted.set_name)
    if as_json:
        print(json.dumps(as_json_object(compared, wanted.metric, wanted.examples), indent=2))
    else:
        for part in rendered(compared, wanted.metric, wanted.examples):
            wide_console().print(part)
    worse = any(difference.verdict == "worse" for difference in compared.found.values())
    return worse or bool(lacking) or not all(one.whole for one in compared.joined.values())


def comparison(a: str, b: str | None, set_name: str) -> tuple[Comparison, list[str]]:
    """Two sides compared, and the models that the second lacks. Raises `S2Error` where they have nothing
    in common, or what is to be compared is not to be had."""
    sides = _sides(a, b)
    lacking: list[str] = []
    joined = dict(_joined(*sides, set_name, lacking))
    judged = {
        (model, name): pairs for model, one in joined.items() for name, pairs in scores(one).items()
    }
    compared = Comparison(str(sides[0]), str(sides[1]), set_name, joined, differences(judged))
    return compared, lacking


def _sides(a: str, b: str | None) -> tuple[Side, Side]:
    first = _side(a)
    second = _side(b) if b else Side(first.model, WORKSPACE)
    if second.model is None and first.model is not None:
        second = Side(first.model, second.rev)
    if first.model is None and second.model is not None:
        raise S2Error(f"{b} names a model, {a} does not: name one for it too, as in {second.model}@{a}")
    return first, second


def _side(text: str) -> Side:
    """MODEL@REV, or REV; Git's own REV@{…} names no model."""
    model, at, rev = text.rpartition("@")
    if not at or rev.startswith("{"):
        return Side(None, text)
    return Side(model, rev or WORKSPACE)


def _joined(a: Side, b: Side, set_name: str, lacking: list[str]) -> Iterator[tuple[str, Joined]]:
    """By model, or pair of models, the examples that both sides answered; `lacking` is told the models of
    the first side that the second does not have."""
    taken = None if set_name == ALL_SETS else set_name
    with ExitStack() as stack:
        first = stack.enter_context(revision(Path(), a.rev))
        second = first if a.rev == b.rev else stack.enter_context(revision(Path(), b.rev))
        for name, mine, theirs in _models(a, b, first, second, lacking):
            one = join(_rows(first, mine), _rows(second, theirs), taken)
            if not one.pairs:
                raise S2Error(
                    f"{name}: no example of set {set_name} is the same on both sides; compare another set"
                )
            yield name, one


def _models(
    a: Side, b: Side, first: Revision, second: Revision, lacking: list[str]
) -> Iterator[tuple[str, str, str]]:
    """The name of each comparison, and what it compares."""
    if a.model and b.model:
        yield (a.model if a.model == b.model else f"{a.model} → {b.model}"), a.model, b.model
        return
    known = [_evaluated(at) for at in (first, second)]
    for at, mine, theirs in ((a, known[0], known[1]), (b, known[1], known[0])):
        if missing := [name for name in mine if name not in theirs]:
            Console(stderr=True).print(f"only {at} has: {', '.join(missing)}", highlight=False)
    lacking += [name for name in known[0] if name not in known[1]]
    common = [name for name in known[0] if name in known[1]]
    if not common:
        raise S2Error(f"{a} and {b} have no model in common: name one of each, as in base@{a} sft@{b}")
    for name in common:
        yield name, name, name


def _evaluated(at: Revision) -> list[str]:
    params = yaml.safe_load(at.read("params.yaml"))
    return list(params["evaluate"]["models"])


def _rows(at: Revision, model: str) -> list[Row]:
    known = _evaluated(at)
    if model not in known:
        raise S2Error(f"{at.name} has no model {model!r}; evaluate.models has: {', '.join(known)}")
    found: list[Row] = pq.read_table(BytesIO(at.read(f"data/evaluate/{model}.parquet"))).to_pylist()
    return found
