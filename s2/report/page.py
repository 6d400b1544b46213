"""The report: one self-contained page, every text in it escaped."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from typing import Any

import vl_convert
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from s2.models.prompts import question_in
from s2.report.charts import Chart
from s2.report.plots import VEGA_LITE
from s2.report.tables import TEXT, TITLES

TEMPLATES = Path(__file__).parent / "templates"

Rows = Sequence[Mapping[str, Any]]

RATINGS = {
    "mts.first": "first turn",
    "mts.second": "second turn",
    "validation": "validation",
    "against.wins": "won",
    "against.losses": "lost",
    "truthful.true": "true",
    "truthful.informative": "informative",
    "truthful.both": "both",
    "validation_unparsed": "no rating",
}
PARTS = ("likelihood", "groups", "topics", "harmless")  # of safety
ANSWERS = 1_000_000  # characters of answers on the page
EXAMPLE = 700  # of a dataset's row


@dataclass(frozen=True)
class Built:
    """The nearest profile, what differs from it by key (there, here), and the versions of the packages
    that matter."""

    profile: str
    different: Mapping[str, Sequence[Any]]
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Contents:
    """What the page shows: what it was `built` from, the leaderboard (`leaderboard.json`), every model's
    scored answers, each source's accounting, rows of each dataset, each merge's distance, every model's
    benchmarks, ratings by judge, and safety, and charts by their heading."""

    built: Built

    board: Mapping[str, Any]
    scored: Mapping[str, Rows]
    funnel: Mapping[str, Mapping[str, Any]]
    datasets: Mapping[str, Rows]
    merges: Mapping[str, Mapping[str, float]]
    benchmarks: Mapping[str, Mapping[str, Mapping[str, Any]]]
    judged: Mapping[str, Mapping[str, Mapping[str, Any]]]
    safety: Mapping[str, Mapping[str, Any]]
    charts: Mapping[str, Sequence[Chart]]


OPENING = "<!-- what is known when it is opened -->"  # its place in the template


def page(contents: Contents) -> str:
    """The page as HTML."""
    numbered = list(enumerate(chart for charts in contents.charts.values() for chart in charts))
    names = {id(chart): f"chart-{number}" for number, chart in numbered}
    questions, left = together(contents.scored)
    rows = {name: found["n"] for sets in contents.board["ours"].values() for name, found in sets.items()}
    return fill(
        "index.html.jinja",
        contents=contents,
        columns=TITLES,
        together=TEXT,
        sets=list(rows),
        largest=max(rows, key=lambda name: rows[name]),
        safety={part: by_group(contents.safety, part) for part in PARTS},
        ratings=RATINGS,
        asked=question_in,
        questions=questions,
        left=left,
        shorten=lambda text: text if len(text) <= EXAMPLE else text[:EXAMPLE].rstrip() + " …",
        charts={
            heading: [(names[id(chart)], chart["title"]) for chart in charts]
            for heading, charts in contents.charts.items()
        },
        specs=script_json({f"chart-{number}": chart for number, chart in numbered}),
        vega=vl_convert.javascript_bundle(vl_version=VEGA_LITE),  # type: ignore[call-arg]  # its stub errs
    )


def fill(template: str, **values: Any) -> str:
    """A template of `templates/`, filled in: every text escaped, a value that is missing an error."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters["mean"] = mean
    return environment.get_template(template).render(**values)


def by_group(safety: Mapping[str, Mapping[str, Any]], part: str) -> dict[str, dict[str, Any]]:
    """A part of every model's safety scores, by group and model, all groups together first."""
    found: dict[str, dict[str, Any]] = {}
    for model, parts in safety.items():
        for group, scores in parts.get(part, {}).items():
            if isinstance(scores, Mapping):
                found.setdefault(group, {})[model] = scores
    return found


def mean(scores: Mapping[str, Any], name: str) -> str:
    """A mean with its standard error, as text; a dash where there is none."""
    if name not in scores:
        return "–"
    digits = 1 if name in {"ease", "grade"} else 3
    error = scores.get(f"{name}_se")
    return f"{scores[name]:.{digits}f}" + ("" if error is None else f" ± {error:.{digits}f}")


def script_json(value: Any) -> str:
    """JSON that can stand in a script element: no text in it can end the element."""
    return (
        json.dumps(value)
        .replace("<", "\\u003c")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )


def together(scored: Mapping[str, Rows]) -> tuple[list[dict[str, Any]], int]:
    """Every model's answers side by side, a question each in the order of their ids' MD5, as many as the
    page has room for, and how many are left out."""
    found: dict[str, dict[str, Any]] = {}
    for model, rows in scored.items():
        for row in rows:
            question = found.setdefault(
                row["id"],
                {"id": row["id"], "prompt": row["prompt"], "reference": row["reference"], "answers": {}},
            )
            question["answers"].setdefault(model, row)
    questions = sorted(found.values(), key=lambda question: md5(question["id"].encode()).hexdigest())
    room, shown = ANSWERS, 0
    for question in questions:
        told = [row["answer"] for row in question["answers"].values()]
        room -= sum(map(len, [question["prompt"], question["reference"], *told]))
        if room < 0:
            break
        shown += 1
    return questions[:shown], len(questions) - shown
