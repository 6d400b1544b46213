"""What `s2 compare` found, for a terminal and as JSON."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from s2.evaluate.joined import Joined, Row, extremes
from s2.evaluate.paired import HIGHER_IS_BETTER, Difference, Key
from s2.models.prompts import question_in
from s2.report.tables import TITLES

SHOWN = 3  # ids that are named before the rest is counted
COLOURS = {"better": "green", "worse": "red", "within noise": "dim"}


@dataclass(frozen=True)
class Comparison:
    """Side `b` against side `a` on a set: by model the `joined` examples, by model and metric what was
    `found`."""

    a: str
    b: str
    set_name: str
    joined: Mapping[str, Joined]
    found: Mapping[Key, Difference]

    def of(self, model: str) -> list[Difference]:
        """What was found of a model."""
        return [difference for (name, _), difference in self.found.items() if name == model]


def rendered(compared: Comparison, metric: str, examples: int) -> Iterator[RenderableType]:
    """A table a model, under it the answers that gained and lost most by a metric, so many of each."""
    yield escape(
        f"{compared.a} → {compared.b}, set {compared.set_name}; verdicts by Holm over all tests here"
    )
    for model, joined in compared.joined.items():
        found = compared.of(model)
        yield from map(escape, _incomplete(compared, model))
        if all(a["answer"] == b["answer"] for a, b in joined.pairs) and not any(
            one.wins or one.losses for one in found
        ):
            yield escape(f"{model}: the same {len(joined.pairs)} answers, the same scores")
            continue
        yield _table(model, found)
        gains, losses = extremes(joined, metric, examples)
        for title, pairs in (("gain", gains), ("loss", losses)):
            for a, b in pairs:
                yield _text(f"{title} in {TITLES[metric]}", a, b, metric)


def _incomplete(compared: Comparison, model: str) -> Iterator[str]:
    joined = compared.joined[model]
    told = {
        f"only {compared.a} has": joined.only_a,
        f"only {compared.b} has": joined.only_b,
        "another prompt or reference have": joined.other,
    }
    for what, ids in told.items():
        if ids:
            rest = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
            yield f"{model}: not compared: {what} {', '.join(ids[:SHOWN])}{rest}"
    measured = {one.metric for one in compared.of(model)}
    if missing := [name for name in HIGHER_IS_BETTER if name not in measured]:
        yield f"{model}: not compared: no example has {', '.join(missing)} on both sides"


def _table(model: str, found: list[Difference]) -> Table:
    table = Table(title=model, title_justify="left", box=None, padding=(0, 1, 0, 0))
    table.add_column("metric")
    for name in ("A", "B", "B − A", "95 %", "p", "Holm", "n", "+/=/−", "finds"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict")
    for one in found:
        digits = 1 if one.metric in {"ease", "grade"} else 3
        table.add_row(
            TITLES[one.metric],
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
    told = {"question": question_in(a["prompt"]), "A": a["answer"], "B": b["answer"]}
    lines = [f"  {name}: {escape(' '.join(text.split()))}" for name, text in told.items()]
    head = f"\n[bold]{title}: {a[metric]:.3f} → {b[metric]:.3f}[/] {escape(str(a['id']))}"
    return "\n".join([head, *lines])


def as_json_object(compared: Comparison, metric: str, examples: int) -> dict[str, Any]:
    """The same for machines: every number, every example that is not compared, and the texts."""
    models = {}
    for model, joined in compared.joined.items():
        gains, losses = extremes(joined, metric, examples)
        models[model] = {
            "examples": len(joined.pairs),
            "only_a": joined.only_a,
            "only_b": joined.only_b,
            "other": joined.other,
            "metrics": {one.metric: asdict(one) for one in compared.of(model)},
            "gains": [_change(a, b, metric) for a, b in gains],
            "losses": [_change(a, b, metric) for a, b in losses],
        }
    return {"a": compared.a, "b": compared.b, "set": compared.set_name, "models": models}


def _change(a: Row, b: Row, metric: str) -> dict[str, Any]:
    return {
        "id": a["id"],
        "prompt": a["prompt"],
        "a": a["answer"],
        "b": b["answer"],
        "a_value": a[metric],
        "b_value": b[metric],
    }
