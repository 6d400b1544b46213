"""The whole of params.yaml: every key, and every reference from one section to another.

Only the stage `params` and the command line read it; any other stage loads the keys that it reads.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from s2.kernel.errors import S2Error
from s2.params.align import (
    DpoModel,
    DpoModels,
    Merge,
    PpoModel,
    PpoModels,
    Preference,
    RejectionModel,
    RejectionModels,
    RewardModel,
    RewardModels,
)
from s2.params.base import Name, Section, Seed
from s2.params.data import Data, Dataset, OwnSource, Quality, Questions, Splits
from s2.params.evaluate import (
    ALL_SETS,
    OWN,
    Answers,
    Evaluate,
    HarnessSection,
    JudgeSection,
    Safety,
)
from s2.params.loading import PARAMS, check, read
from s2.params.machine import Machine
from s2.params.models import OUTSIDE, Model, Outside, Source
from s2.params.train import SftModel, SftModels, resolved

BASE = "models/base"
MERGED = "models/merged/"
ADAPTED = ("sft", "dpo", "ppo")  # the sections whose models are adapters that answer


class Params(Section):
    """The whole of params.yaml."""

    seed: Seed
    machine: Machine
    data: Data
    sources: dict[Name, OwnSource]
    datasets: dict[Name, Dataset]
    model: Model
    encoder: Source
    quality: Quality
    splits: Splits
    questions: Questions
    sft: SftModels
    preference: Preference
    reward: RewardModels
    dpo: DpoModels
    ppo: PpoModels
    rejection: RejectionModels
    merge: Merge
    outside: dict[Name, Outside]
    answers: Answers
    evaluate: Evaluate
    harness: HarnessSection
    judge: JudgeSection
    safety: Safety


def load_params(path: Path = PARAMS) -> Params:
    """Read and check a parameter file; raises `S2Error` that lists every bad key by name."""
    content = read(path)
    params = check(content, Params, path=path)
    made = [*params.datasets, *params.preference.chosen, *params.rejection.models]
    for name in params.sft.models:
        model = check(resolved(content["sft"], name), SftModel, f"sft.models.{name}", path)
        _refers(path, f"sft.models.{name}.data", model.data, "dataset", made)
    _check_aligned(path, params, content, made)
    for name in params.evaluate.sets:
        _refers(path, "evaluate.sets", name, "dataset", made)
    _check_datasets(path, params)
    _check_evaluated(path, params)
    _refers(path, "judge.against", params.judge.against, "model", params.evaluate.models)
    return params


def check_files(params: Params, path: Path = PARAMS) -> None:
    """Raises `S2Error` for a file to evaluate on that is not there. (DVC would tell it by its name alone,
    once it has taken away what the stage made before.)"""
    named = {
        "judge.questions": params.judge.questions,
        "judge.truths": params.judge.truths,
        "safety.statements": params.safety.statements,
        "safety.groups": params.safety.groups,
        "safety.topics": params.safety.topics,
        "safety.harmless": params.safety.harmless,
    } | {
        f"harness.tasks.{name}.file": task.file
        for name, task in params.harness.tasks.items()
        if task.file and task.file.startswith(OWN)  # any other is one that the graph makes
    }
    for key, file in named.items():
        if not Path(file).is_file():
            raise S2Error(f"{path}: {key}: there is no file {file}; name one, by its path from here")


def _refers(path: Path, key: str, name: str, what: str, declared: Iterable[str]) -> None:
    if name not in declared:
        raise S2Error(f"{path}: {key}: no {what} {name!r} is declared; there are: {', '.join(declared)}")


def _check_datasets(path: Path, params: Params) -> None:
    if ALL_SETS in params.datasets:
        raise S2Error(f"{path}: datasets.{ALL_SETS}: the name stands for all sets together; take another")
    read_subreddits = params.data.reddit.subreddits
    for name, dataset in params.datasets.items():
        for subreddit in dataset.reddit if isinstance(dataset.reddit, list) else []:
            key = f"datasets.{name}.reddit"
            _refers(path, key, subreddit, "subreddit in data.reddit.subreddits", read_subreddits)
        for source in dataset.own if isinstance(dataset.own, list) else []:
            _refers(path, f"datasets.{name}.own", source, "source in sources", params.sources)


def _adapters(params: Params) -> list[str]:
    """Every adapter that answers, as `from` names it."""
    sections = {"sft": params.sft.models, "dpo": params.dpo.models, "ppo": params.ppo.models}
    return [f"{kind}/{name}" for kind in ADAPTED for name in sections[kind]]


def _check_aligned(path: Path, params: Params, content: dict[str, Any], made: list[str]) -> None:
    """What each model starts from, learns, and is rewarded by is declared."""
    adapters = _adapters(params)
    for section in ("reward", "dpo"):
        for name in content[section]["models"]:
            key = f"{section}.models.{name}"
            kind = RewardModel if section == "reward" else DpoModel
            model: Any = check(resolved(content[section], name), kind, key, path)
            _refers(path, f"{key}.from", model.start, "adapter", adapters)
            _refers(path, f"{key}.data", model.data, "set in preference.sets", params.preference.sets)
    for section in ("ppo", "rejection"):
        for name in content[section]["models"]:
            key = f"{section}.models.{name}"
            trained: Any = check(
                resolved(content[section], name),
                PpoModel if section == "ppo" else RejectionModel,
                key,
                path,
            )
            _refers(path, f"{key}.from", trained.start, "adapter", adapters)
            for reward in trained.rewards:
                _refers(path, f"{key}.rewards", reward, "reward model", params.reward.models)
    named = {f"datasets.{name}": name for name in params.datasets}
    named |= {f"preference.chosen.{name}": name for name in params.preference.chosen}
    named |= {f"rejection.models.{name}": name for name in params.rejection.models}
    first: dict[str, str] = {}
    for key, name in named.items():
        if first.setdefault(name, key) != key:
            raise S2Error(f"{path}: {key}: {first[name]} is a dataset of that name; take another")
    for name, merge in params.merge.models.items():
        _refers(path, f"merge.models.{name}.from", merge.start, "adapter", adapters)
        _refers(path, f"merge.models.{name}.data", merge.data, "dataset", made)


def _check_evaluated(path: Path, params: Params) -> None:
    """What is scored lies in a folder that the graph makes, or in one of the user's own."""
    made = [BASE, *(f"{MERGED}{name}" for name in params.merge.models)]
    made += [f"{OUTSIDE}{name}" for name in params.outside]
    made += [f"models/{name}" for name in _adapters(params)]
    for name, folder in params.evaluate.models.items():
        if folder.startswith("models/"):
            _refers(path, f"evaluate.models.{name}", folder, "model in", made)
