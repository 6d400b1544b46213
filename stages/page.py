"""Write the report: one page to open in a browser, without network."""

from hashlib import md5
from pathlib import Path
from typing import Any

from s2.kernel.files import read_json, write_text
from s2.kernel.tables import once, read_rows
from s2.params.base import Name
from s2.params.loading import load
from s2.report.charts import densities, dropped, tradeoff
from s2.report.densities import SPREAD
from s2.report.page import Built, Contents, page
from s2.report.training import training
from s2.report.versions import pins
from stages.runner import run

PROFILE = Path("data/profile.json")
LOCK = Path("requirements.lock")
BOARD = Path("metrics/leaderboard.json")
EVALUATED = Path("metrics/evaluate")
SCORED = Path("data/evaluate")
FUNNEL = Path("metrics/data/splits.json")
DROPPED = Path("metrics/plots/data/dropped.json")
SPREADS = Path("metrics/plots/answers")
CURVES = Path("metrics/plots")
MERGES = Path("metrics/merge")
JUDGED = Path("metrics/judge")
SAFETY = Path("metrics/safety")
BENCHMARKS = Path("metrics/harness")
DATASETS = Path("data/sft")
OUT = Path("metrics/report/index.html")
EXAMPLES = 2


def main() -> None:
    models = list(load("evaluate.models", dict[Name, str]))
    scored = {model: once(read_rows(SCORED / f"{model}.parquet")) for model in models}
    charts = {
        "Simplicity and quality": [tradeoff({m: read_json(EVALUATED / f"{m}.json") for m in models})],
        "Answers": densities({metric: read_json(SPREADS / f"{metric}.json") for metric in SPREAD}),
        "Training": training(CURVES),
        "Data": [dropped(read_json(DROPPED))],
    }
    profile = read_json(PROFILE)
    contents = Contents(
        built=Built(profile["profile"], profile["different"], pins(LOCK)),
        board=read_json(BOARD),
        scored=scored,
        funnel=read_json(FUNNEL),
        datasets={path.parent.name: examples(path) for path in sorted(DATASETS.glob("*/train.parquet"))},
        merges={
            name: read_json(MERGES / f"{name}.json") for name in load("merge.models", dict[Name, Any])
        },
        benchmarks={name: read_json(BENCHMARKS / f"{name}.json") for name in models},
        judged={name: read_json(JUDGED / f"{name}.json") for name in models},
        safety={name: read_json(SAFETY / f"{name}.json") for name in models},
        charts=charts,
    )
    write_text(OUT, page(contents))


def examples(path: Path) -> list[dict[str, Any]]:
    """The first rows of a file by their ids' MD5."""
    return sorted(read_rows(path), key=lambda row: md5(row["id"].encode()).hexdigest())[:EXAMPLES]


if __name__ == "__main__":
    run(main)
