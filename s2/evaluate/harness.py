"""Multiple-choice benchmarks by EleutherAI's lm-evaluation-harness
(https://github.com/EleutherAI/lm-evaluation-harness), a task at a time, of a hub or of local files."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from s2.evaluate.texts import read_records
from s2.kernel.errors import S2Error
from s2.kernel.files import temporary_file
from s2.kernel.paths import local
from s2.kernel.stats import mean_and_se
from s2.models.loading import Loaded
from s2.params.evaluate import HarnessTask

TASKS = Path(__file__).parent / "tasks"
SEED = 1234  # the library's own, of few-shot examples

# The leaderboard's mean, as published: of these metrics of these tasks.
LEADERBOARD = {
    "arc_challenge": "acc_norm",
    "hellaswag": "acc_norm",
    "mmlu": "acc",
    "truthfulqa_mc2": "acc",
}

Sample = dict[str, Any]
Rows = list[dict[str, Any]]


class Harness:
    """A model, as the library asks it."""

    def __init__(self, loaded: Loaded, batch_size: int) -> None:
        # Imported here: it takes seconds, and what is cached needs none of it.
        from lm_eval.models.huggingface import HFLM
        from lm_eval.tasks import TaskManager

        self._model = HFLM(pretrained=loaded.model, tokenizer=loaded.tokenizer, batch_size=batch_size)
        self._own = TaskManager(include_path=str(TASKS), include_defaults=False)

    @cached_property
    def _all(self) -> Any:
        """The library's tasks too: it reads 13,000 files, which takes a quarter of a minute or more."""
        from lm_eval.tasks import TaskManager

        return TaskManager(include_path=str(TASKS))

    def run(self, name: str, shots: int, rows: Rows | None, limit: int | None) -> dict[str, Any]:
        """A task's `version`, `shots`, and `samples`: of each question the log-likelihood of each choice,
        and every metric. `rows` are its questions, or None for the hub's. Raises `S2Error` for a task
        that there is not, that has no choices, or whose data cannot be had."""
        from lm_eval import simple_evaluate

        manager = self._own if name in self._own.task_index else self._all
        entry = manager.task_index.get(name)
        if entry is None:
            raise S2Error(
                f"harness.tasks: the library has no task {name!r}; `lm-eval ls tasks` lists them"
            )
        with _spec(name, rows, entry.yaml_path) as spec:
            try:
                leaves = manager.load([spec])["tasks"].values()
                kinds = {str(leaf.config.output_type) for leaf in leaves}
                if kinds != {"multiple_choice"}:
                    raise S2Error(
                        f"harness.tasks.{name} is no multiple-choice task: {', '.join(sorted(kinds))}"
                    )
                found: Any = simple_evaluate(
                    self._model,
                    tasks=[spec],
                    num_fewshot=shots,
                    limit=limit,
                    task_manager=manager,
                    bootstrap_iters=0,
                    fewshot_random_seed=SEED,
                )
            except (OSError, ConnectionError) as error:
                raise S2Error(
                    f"harness.tasks.{name}: its data cannot be had: {error}; name a file"
                ) from None
        version = found["versions"].get(name) or next(iter(found["versions"].values()))
        samples = [_sample(leaf, sample) for leaf, told in found["samples"].items() for sample in told]
        return {"version": version, "shots": shots, "samples": samples}


@contextmanager
def _spec(name: str, rows: Rows | None, described: Path) -> Iterator[str]:
    """What the library is to load: a task of its own, or that over rows of a file."""
    if rows is None:
        yield name
        return
    with (
        temporary_file(local("harness", f"{name}.jsonl")) as data,
        temporary_file(local("harness", f"{name}.yaml")) as spec,
    ):
        data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        over = {
            "include": str(described),
            "task": name,
            "dataset_path": "json",
            "dataset_name": None,
            "dataset_kwargs": {"data_files": {"test": str(data)}},
            "training_split": None,
            "validation_split": None,
            "test_split": "test",
            "fewshot_split": "test",
        }
        spec.write_text(yaml.safe_dump(over), encoding="utf-8")
        yield str(spec)


def questions(task: HarnessTask) -> Rows | None:
    """The questions in a task's file, or None if it takes a hub's."""
    return None if task.file is None else [hub_shape(row) for row in read_records(Path(task.file))]


def hub_shape(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as the hub's data sets have it: ARC's own files nest the question, TruthfulQA's have targets
    as texts with their labels."""
    found = dict(row)
    if isinstance(found.get("question"), Mapping):
        asked = found["question"]
        choices = {key: [choice[key] for choice in asked["choices"]] for key in ("text", "label")}
        found |= {"question": asked["stem"], "choices": choices}
    for key, value in row.items():
        if key.endswith("_targets") and isinstance(value, Mapping):
            found[key] = {"choices": list(value), "labels": list(value.values())}
    return found


def _sample(leaf: str, sample: Mapping[str, Any]) -> Sample:
    scores = {name: float(sample[name]) for name in sample["metrics"]}
    likelihoods = [float(value) for value, *_ in sample["filtered_resps"]]
    return {
        "task": leaf,
        "number": sample["doc_id"],
        "document": json.dumps(sample["doc"]),
        "target": str(sample["target"]),
        "loglikelihoods": likelihoods,
        "scores": scores,
    }


def summary(ran: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """By task its version, shots, `n`, and each metric with its standard error, the mean over its
    subtasks where it has some; and `leaderboard`, the published mean, where all four tasks of it ran."""
    found = {
        name: {"version": one["version"], "shots": one["shots"]} | _means(one["samples"])
        for name, one in ran.items()
    }
    if found.keys() >= LEADERBOARD.keys():
        picked = [
            (found[task][metric], found[task][f"{metric}_se"]) for task, metric in LEADERBOARD.items()
        ]
        found["leaderboard"] = _mean(picked, "mean")
    return found


def _means(samples: Sequence[Sample]) -> dict[str, Any]:
    leaves: dict[str, list[Sample]] = {}
    for sample in samples:
        leaves.setdefault(sample["task"], []).append(sample)
    found: dict[str, Any] = {"n": len(samples)}
    for metric in samples[0]["scores"] if samples else ():
        told = [mean_and_se([one["scores"][metric] for one in leaf]) for leaf in leaves.values()]
        found |= _mean(told, metric)
    return found


def _mean(parts: Sequence[tuple[float, float]], name: str) -> dict[str, float]:
    """The mean of independent means, with its standard error."""
    mean = sum(value for value, _ in parts) / len(parts)
    error = sum(error**2 for _, error in parts) ** 0.5 / len(parts)
    return {name: round(mean, 6), f"{name}_se": round(error, 6)}
