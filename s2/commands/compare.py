"""`s2 compare`: is one model's answers better than another's, or is it noise?"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from s2.evaluate.joined import Joined, Row, extremes, join, scores
from s2.evaluate.paired import HIGHER_IS_BETTER, Difference, differences
from s2.graph.revisions import WORKSPACE, Revision, revision
from s2.kernel.errors import S2Error
from s2.params.evaluate import ALL_SETS
from s2.report.tables import COLUMNS, wide_console

SHOWN = 3  # ids that are named before the rest is counted
TITLES = {"gains": "gain", "losses": "loss"}
COLOURS = {"better": "green", "worse": "red", "within noise": "dim"}


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
    sides = _sides(a, b)
    joined = dict(_joined(*sides, wanted.set_name))
    judged = {
        (model, name): pairs for model, one in joined.items() for name, pairs in scores(one).items()
    }
    found = differences(judged)
    if as_json:
        print(json.dumps(_as_json(sides, joined, found, wanted), indent=2))
    else:
        _print(sides, joined, found, wanted)
    worse = any(difference.verdict == "worse" for difference in found.values())
    return worse or not all(one.whole for one in joined.values())


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


def _joined(a: Side, b: Side, set_name: str) -> Iterator[tuple[str, Joined]]:
    """By model, or pair of models, the examples that both sides answered."""
    taken = None if set_name == ALL_SETS else set_name
    with ExitStack() as stack:
        first = stack.enter_context(revision(Path(), a.rev))
        second = first if a.rev == b.rev else stack.enter_context(revision(Path(), b.rev))
        for name, mine, theirs in _models(a, b, first, second):
            one = join(_rows(first, mine), _rows(second, theirs), taken)
            if not one.pairs:
                raise S2Error(
                    f"{name}: no example of set {set_name} is the same on both sides; compare another set"
                )
            yield name, one


def _models(a: Side, b: Side, first: Revision, second: Revision) -> Iterator[tuple[str, str, str]]:
    """The name of each comparison, and what it compares."""
    if a.model and b.model:
        yield (a.model if a.model == b.model else f"{a.model} → {b.model}"), a.model, b.model
        return
    known = [_evaluated(at) for at in (first, second)]
    for at, mine, theirs in ((a, known[0], known[1]), (b, known[1], known[0])):
        if missing := [name for name in mine if name not in theirs]:
            Console(stderr=True).print(f"only {at} has: {', '.join(missing)}", highlight=False)
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


def _print(
    sides: tuple[Side, Side], joined: dict[str, Joined], found: dict[Any, Difference], wanted: Wanted
) -> None:
    console = wide_console()
    console.print(f"{sides[0]} → {sides[1]}, set {wanted.set_name}; verdicts by Holm over all tests here")
    for model, one in joined.items():
        rows = [difference for (name, _), difference in found.items() if name == model]
        for line in _incomplete(model, one, sides, [row.metric for row in rows]):
            console.print(escape(line))
        if all(a["answer"] == b["answer"] for a, b in one.pairs) and not any(
            difference.difference for difference in rows
        ):
            console.print(f"{model}: the same {len(one.pairs)} answers, the same scores")
            continue
        console.print(_table(model, rows))
        for title, pairs in zip(
            ("gains", "losses"), extremes(one, wanted.metric, wanted.examples), strict=True
        ):
            for a, b in pairs:
                console.print(_text(f"{TITLES[title]} in {COLUMNS[wanted.metric]}", a, b, wanted.metric))


def _incomplete(model: str, one: Joined, sides: tuple[Side, Side], measured: list[str]) -> Iterator[str]:
    told = {f"only {sides[0]} has": one.only_a, f"only {sides[1]} has": one.only_b}
    for what, ids in (told | {"another prompt or reference have": one.other}).items():
        if ids:
            rest = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
            yield f"{model}: not compared: {what} {', '.join(ids[:SHOWN])}{rest}"
    if missing := [name for name in HIGHER_IS_BETTER if name not in measured]:
        yield f"{model}: not compared: no example has {', '.join(missing)} on both sides"


def _table(model: str, differences: list[Difference]) -> Table:
    table = Table(title=model, title_justify="left", box=None, padding=(0, 1, 0, 0))
    table.add_column("metric")
    for name in ("A", "B", "B − A", "95 %", "p", "Holm", "n", "+/=/−", "finds"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict")
    for one in differences:
        digits = 1 if one.metric in {"ease", "grade"} else 3
        table.add_row(
            COLUMNS.get(one.metric, one.metric),
            f"{one.a:.{digits}f}",
            f"{one.b:.{digits}f}",
            f"{one.difference:+.{digits}f}",
            f"{one.low:+.{digits}f} … {one.high:+.{digits}f}",
            f"{one.p:.4f}",
            f"{one.p_holm:.4f}",
            str(one.n),
            f"{one.wins}/{one.ties}/{one.losses}",
            f"{one.detectable:.{digits}f}",
            f"[{COLOURS[one.verdict]}]{one.verdict}[/]",
        )
    return table


def _text(title: str, a: Row, b: Row, metric: str) -> str:
    lines = [
        f"\n[bold]{title}: {a[metric]:.3f} → {b[metric]:.3f}[/] {escape(str(a['id']))}",
        *(
            f"  {name}: {escape(' '.join(text.split()))}"
            for name, text in (
                ("prompt", a["prompt"]),
                ("A", a["answer"]),
                ("B", b["answer"]),
            )
        ),
    ]
    return "\n".join(lines)


def _as_json(
    sides: tuple[Side, Side], joined: dict[str, Joined], found: dict[Any, Difference], wanted: Wanted
) -> dict[str, Any]:
    models = {}
    for model, one in joined.items():
        changed = zip(TITLES, extremes(one, wanted.metric, wanted.examples), strict=True)
        models[model] = {
            "examples": len(one.pairs),
            "only_a": one.only_a,
            "only_b": one.only_b,
            "other": one.other,
            "metrics": {
                metric: asdict(difference)
                for (name, metric), difference in found.items()
                if name == model
            },
        } | {
            title: [
                {
                    "id": a["id"],
                    "prompt": a["prompt"],
                    "a": a["answer"],
                    "b": b["answer"],
                    "a_value": a[wanted.metric],
                    "b_value": b[wanted.metric],
                }
                for a, b in pairs
            ]
            for title, pairs in changed
        }
    return {"a": str(sides[0]), "b": str(sides[1]), "set": wanted.set_name, "models": models}
