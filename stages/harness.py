"""Ask a model the benchmarks of `harness.tasks`: `python -m stages.harness NAME FOLDER`."""

import sys
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from s2.evaluate.harness import TASKS, Harness, summary
from s2.evaluate.questions import questions
from s2.graph.code import meaning
from s2.kernel.cache import ContentCache, content_key
from s2.kernel.files import write_json
from s2.kernel.hashes import fingerprint
from s2.kernel.paths import local
from s2.kernel.tables import write_rows
from s2.models.loading import load_answering
from s2.models.outside import has_weights
from s2.params.base import Dtype, Quantization
from s2.params.evaluate import HarnessSection
from s2.params.loading import load
from stages.runner import run

BASE = Path("models/base")
SAMPLES = pa.schema(
    [
        ("task", pa.string()),
        ("number", pa.int64()),
        ("document", pa.string()),
        ("target", pa.string()),
        ("loglikelihoods", pa.list_(pa.float64())),
        *((name, pa.float64()) for name in ("acc", "acc_norm")),
    ]
)


def main() -> None:
    name, folder = sys.argv[1], Path(sys.argv[2])
    section = load("harness", HarnessSection)
    tasks = section.tasks
    if not has_weights(folder):
        print(f"{name}: left out, for an endpoint gives answers and no likelihoods")
        tasks = {}
    dtype, quantization = load("answers.dtype", Dtype), load("answers.quantization", Quantization)
    who = fingerprint([folder, BASE, TASKS], dtype, quantization, meaning(Harness))

    @cache
    def harness() -> Harness:
        return Harness(load_answering(folder, BASE, dtype, quantization), section.batch_size)

    ran: dict[str, Any] = {}
    with ContentCache(local("cache", "harness.sqlite")) as kept:
        for task, wanted in tasks.items():
            rows = questions(wanted)
            if rows == []:
                ran[task] = {"version": 0, "shots": wanted.shots, "samples": []}
                continue
            key = content_key("harness", who, task, wanted.shots, rows, section.limit)
            if key not in (known := kept.get([key])):
                known = {key: harness().run(task, wanted.shots, rows, section.limit)}
                kept.put(known)
            ran[task] = known[key]
    samples = [sample | sample["scores"] for one in ran.values() for sample in one["samples"]]
    write_rows(Path(f"data/harness/{name}.parquet"), SAMPLES, samples)
    write_json(Path(f"metrics/harness/{name}.json"), summary(ran))


if __name__ == "__main__":
    run(main)
