"""The charts of the report, as Vega-Lite specifications (https://vega.github.io/vega-lite/docs/)."""

from collections.abc import Mapping, Sequence
from typing import Any

from s2.params.evaluate import ALL_SETS
from s2.report.densities import SPREAD
from s2.report.tables import Z95

Chart = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]

MEASURED = {"reward": "reward", "kl": "KL, nats an answer", "ended": "share of answers that end"}
DIGITS = 4


def tradeoff(evaluated: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Chart:
    """Reading ease against ROUGE-L, a point a model, with 95 % intervals of both."""
    values = []
    for model, sets in evaluated.items():
        found = sets[ALL_SETS]
        if "ease" not in found:
            continue
        point: dict[str, Any] = {"model": model}
        for name in ("ease", "rougeL"):
            error = Z95 * found[f"{name}_se"]
            point |= {name: found[name]}
            point |= {f"{name}_low": found[name] - error, f"{name}_high": found[name] + error}
        values.append(point)
    x = {"field": "ease", "type": "quantitative", "scale": {"zero": False}, "title": SPREAD["ease"]}
    y = {"field": "rougeL", "type": "quantitative", "scale": {"zero": False}, "title": "ROUGE-L"}
    across = {"x": x | {"field": "ease_low"}, "x2": {"field": "ease_high"}, "y": y}
    along = {"x": x, "y": y | {"field": "rougeL_low"}, "y2": {"field": "rougeL_high"}}
    colour = {"color": _colour("model")}
    tooltip = [{"field": name} for name in ("model", "ease", "rougeL")]
    return _chart("simpler is to the right, closer to the references is up", values) | {
        "layer": [
            {"mark": {"type": "rule", "opacity": 0.5}, "encoding": across | colour},
            {"mark": {"type": "rule", "opacity": 0.5}, "encoding": along | colour},
            {
                "mark": {"type": "point", "filled": True, "size": 90},
                "encoding": {"x": x, "y": y, "tooltip": tooltip} | colour,
            },
        ]
    }


def densities(spread: Mapping[str, Rows]) -> list[Chart]:
    """How each metric is spread over a model's answers to all sets together, by its kernel density
    (`s2.report.densities`)."""
    return [
        _chart(SPREAD[metric], [row for row in rows if row["set"] == ALL_SETS])
        | {
            "mark": {"type": "line", "tooltip": True},
            "encoding": {
                "x": {"field": "x", "type": "quantitative", "title": SPREAD[metric]},
                "y": {"field": "density", "type": "quantitative"},
                "color": _colour("model"),
            },
        }
        for metric, rows in spread.items()
    ]


def curves(title: str, y: str, runs: Mapping[str, Rows]) -> Chart:
    """A column of training logs over their steps, a line a run."""
    values = [
        {"run": run, "step": row["step"], y: round(row[y], DIGITS)}
        for run, rows in runs.items()
        for row in rows
    ]
    return _chart(title, values) | {
        "mark": {"type": "line", "point": True, "tooltip": True},
        "encoding": {
            "x": {"field": "step", "type": "quantitative"},
            "y": {"field": y, "type": "quantitative", "scale": {"zero": False}},
            "color": _colour("run"),
        },
    }


def measured(model: str, rows: Rows) -> list[Chart]:
    """What PPO did on held-out prompts, with 95 % intervals."""
    x = {"field": "step", "type": "quantitative", "title": "update"}
    return [
        _chart(f"{model}: {title}", [row for row in rows if row["metric"] == metric])
        | {
            "layer": [
                {
                    "mark": {"type": "errorbar", "ticks": True},
                    "encoding": {
                        "x": x,
                        "y": {"field": "low", "type": "quantitative", "title": title},
                        "y2": {"field": "high"},
                    },
                },
                {
                    "mark": {"type": "line", "point": True, "tooltip": True},
                    "encoding": {"x": x, "y": {"field": "mean", "type": "quantitative"}},
                },
            ]
        }
        for metric, title in MEASURED.items()
    ]


def dropped(rows: Rows) -> Chart:
    """Rows that left, by source and reason."""
    return _chart("rows dropped, by reason", rows) | {
        "mark": {"type": "bar", "tooltip": True},
        "encoding": {
            "x": {"field": "rows", "type": "quantitative"},
            "y": {"field": "reason", "type": "nominal", "sort": "-x", "title": None},
        },
    }


def _chart(title: str, values: Rows) -> Chart:
    return {"title": title, "data": {"values": list(values)}, "width": "container", "height": 240}


def _colour(field: str) -> Chart:
    return {"field": field, "type": "nominal"}
