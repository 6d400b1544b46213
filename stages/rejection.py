"""Make a dataset of a model's own best answers: `python -m stages.rejection NAME`."""

import sys
from hashlib import md5
from pathlib import Path
from typing import Any

import pyarrow as pa

from s2.kernel.accounting import account
from s2.kernel.cache import ContentCache
from s2.kernel.files import write_json
from s2.kernel.paths import local
from s2.kernel.stats import mean_and_se
from s2.kernel.tables import read_rows, write_rows
from s2.models.prompts import format_prompt
from s2.params.align import RejectionModel
from s2.params.base import Seed
from s2.params.loading import load, load_settings
from s2.params.models import PromptStyle
from s2.train.curves import write_table
from s2.train.rejection import Candidate, candidates, curve, encoder_of, sample_all, score_all
from stages.runner import run

BASE = Path("models/base")
PROMPTS = Path("data/splits/prompts/reddit.parquet")
SPLITS = ["train", "validation", "test"]
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("id", "prompt", "completion")),
        ("reward", pa.float64()),
    ]
)


def main() -> None:
    name = sys.argv[1]
    rejection = load_settings("rejection", name, RejectionModel)
    start = Path("models") / rejection.start
    encoder = encoder_of(start, load("model.prompt", PromptStyle))
    rows, too_long = asked(rejection, encoder)
    earlier = {
        row["id"]: row["completion"]
        for split in SPLITS
        if (path := Path(rejection.earlier) / f"{split}.parquet").is_file()
        for row in read_rows(path)
    }
    prompts = [encoder.turns([row["question"]]) for row in rows]
    with ContentCache(local("cache", "samples.sqlite")) as cache:
        samples = sample_all(BASE, start, prompts, rejection, encoder, load("seed", Seed), cache)
    found = [
        candidates(encoder, told, earlier.get(row["question_id"]))
        for row, told in zip(rows, samples, strict=True)
    ]
    sequences = [
        prompt + candidate.ids
        for prompt, (kept, _) in zip(prompts, found, strict=True)
        for candidate in kept
    ]
    panel = {reward: Path(f"models/panels/rejection-{name}") / reward for reward in rejection.rewards}
    values = iter(score_all(BASE, panel, sequences, rejection))
    scored = [[Candidate(one.ids, one.text, next(values)) for one in kept] for kept, _ in found]
    lost = sum(missing for _, missing in found)
    write(name, rejection, rows, scored, {"too_long": too_long, "unended": lost})


def asked(rejection: RejectionModel, encoder: Any) -> tuple[list[dict[str, Any]], int]:
    """The prompts of each split, the first by a hash of their ids, and how many were too long."""
    found, too_long = [], 0
    for split in SPLITS:
        rows = [row for row in read_rows(PROMPTS) if row["split"] == split]
        rows.sort(key=lambda row: md5(row["question_id"].encode()).hexdigest())
        fit = [row for row in rows if len(encoder.turns([row["question"]])) <= rejection.max_prompt]
        too_long += len(rows) - len(fit)
        found += fit[: rejection.prompts]
    return found, too_long


def write(
    name: str,
    rejection: RejectionModel,
    rows: list[dict[str, Any]],
    scored: list[list[Candidate]],
    lost: dict[str, int],
) -> None:
    """The best answers as a dataset, the curve, and the metrics."""
    best = [max(kept, key=lambda one: (one.reward, one.text), default=None) for kept in scored]
    for split in SPLITS:
        chosen = (
            {
                "id": row["question_id"],
                "prompt": format_prompt(row["question"]),
                "completion": one.text,
                "reward": one.reward,
            }
            for row, one in zip(rows, best, strict=True)
            if row["split"] == split and one is not None
        )
        write_rows(Path(f"data/sft/{name}/{split}.parquet"), SCHEMA, chosen)
    by_prompt = [[one.reward for one in kept] for kept in scored]
    table = curve(by_prompt, rejection.samples)
    names = ["n", "best", "best_se", "median", "median_se", "prompts"]
    write_table(Path(f"metrics/plots/rejection/{name}.tsv"), names, table)
    some = [values for values in by_prompt if values]
    highest, highest_se = mean_and_se([max(values) for values in some]) if some else (0.0, 0.0)
    mean, mean_se = mean_and_se([sum(values) / len(values) for values in some]) if some else (0.0, 0.0)
    metrics = account(len(rows), len(some), {"unended": len(rows) - len(some)})
    metrics |= {"answers_lost": lost["unended"], "prompts_too_long": lost["too_long"]}
    metrics |= {"best": highest, "best_se": highest_se, "mean": mean, "mean_se": mean_se}
    write_json(Path(f"metrics/rejection/{name}.json"), metrics)


if __name__ == "__main__":
    run(main)
