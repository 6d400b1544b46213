"""Multiple-choice benchmarks by EleutherAI's lm-evaluation-harness
(https://github.com/EleutherAI/lm-evaluation-harness), a task at a time, of a hub or of local files."""

import json
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import cached_property
from pathlib import Path
from typing import Any

from s2.evaluate.questions import Rows, check, readable, specs
from s2.kernel.errors import S2Error
from s2.kernel.stats import mean_and_se
from s2.models.loading import Loaded

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
        that there is not, that has no choices, or whose data cannot be had or are not as it has them."""
        from lm_eval import simple_evaluate

        manager = self._own if name in self._own.task_index else self._all
        if name not in manager.task_index:
            raise S2Error(
                f"harness.tasks: the library has no task {name!r}; `lm-eval ls tasks` lists them"
            )
        own = readable(f"harness.tasks.{name}", "a question in its file")
        reading = nullcontext() if rows is None else own
        with specs(name, shots, rows, manager.task_index) as wanted:
            try:
                with reading:
                    leaves = manager.load(wanted)["tasks"].values()
                kinds = {str(leaf.config.output_type) for leaf in leaves}
                if kinds != {"multiple_choice"}:
                    raise S2Error(
                        f"harness.tasks.{name} is no multiple-choice task: {', '.join(sorted(kinds))}"
                    )
                for leaf in leaves if rows else ():
                    check(name, leaf)
                found: Any = simple_evaluate(
                    self._model,
                    tasks=wanted,
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
