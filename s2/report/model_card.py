"""A model's card: what it was made from, how to ask it, and its scores, as the Hugging Face hub reads
them (https://huggingface.co/docs/hub/model-cards)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from s2.kernel.errors import S2Error
from s2.params.evaluate import ALL_SETS
from s2.params.models import ENDPOINT, section_of
from s2.report.asking import Asking, asked, rated
from s2.report.page import mean
from s2.report.tables import TITLES

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
METRICS = {
    "rouge1": "rouge",
    "rouge2": "rouge",
    "rougeL": "rouge",
    "rougeLsum": "rouge",
    "bertscore_f1": "bertscore",
    "ease": "readability",
    "grade": "readability",
    "toxicity": "toxicity",
}
# What training found on held-out rows, by the section that declares the model: title, and metric's type.
HELD_OUT = {
    "sft": {"eval_loss": ("loss, nats a token", "loss")},
    "reward": {
        "validation.accuracy": ("accuracy on validation pairs", "accuracy"),
        "test.accuracy": ("accuracy on test pairs", "accuracy"),
    },
    "dpo": {
        "validation.accuracy": ("accuracy on validation pairs", "accuracy"),
        "prompts.kl": ("KL to what it started from, nats an answer", "kl"),
    },
    "ppo": {
        "gain.reward": ("rise of the reward", "reward"),
        "policy.kl": ("KL to what it started from, nats an answer", "kl"),
    },
    "merge": {"kl": ("KL to the model as trained, nats a token", "kl")},
}


@dataclass(frozen=True)
class Step:
    """One step of a model's making: by which trainer, by what name, on which data."""

    trainer: str
    name: str
    data: str


def lineage(folder: str, declared: Mapping[str, Mapping[str, Any]]) -> list[Step]:
    """The steps from the base to what is in a folder of `models/`, the last one first; `declared` is
    params.yaml's `models` by section. Raises `S2Error` for a step that no section declares."""
    steps: list[Step] = []
    at = folder
    while at.removeprefix("models/") != "base":
        section, name = section_of(at)
        if name not in declared.get(section, {}):
            raise S2Error(f"params.yaml: {section}.models has no {name!r}, from which {folder} is made")
        made = declared[section][name]
        data = made.get("data") or ", ".join(made.get("rewards", {}))
        steps.append(Step(section if section != "merge" else f"{made['method']} merge", name, data))
        at = made.get("from", "base")
    return steps


@dataclass(frozen=True)
class Measured:
    """What is known of a model: means of its `answers` by validation set, if it is scored, and its
    training's own metrics, if it was trained here."""

    answers: Mapping[str, Mapping[str, Any]]
    training: Mapping[str, Any]


def model_card(
    folder: str, steps: Sequence[Step], measured: Measured, source: str, asking: Asking
) -> str:
    """The card of what is in a folder of `models/`, in Markdown; `source` is the base's, or its own if
    it was not trained here."""
    section, name = section_of(folder)
    name = name or section
    elsewhere, rates = source.startswith(ENDPOINT), section == "reward"
    adapter = bool(steps) and section != "merge"
    datasets = [step.data for step in steps if step.trainer == "sft"]
    front = ModelCardData(
        model_name=f"s2-{name}",
        language="en",
        license="other",
        library_name=None if elsewhere else "peft" if adapter else "transformers",
        pipeline_tag="text-classification" if rates else "text-generation",
        base_model=source if HUB_ID.fullmatch(source) else None,
        datasets=datasets or None,
        tags=["simple-english", *dict.fromkeys(step.trainer for step in steps if step.trainer != "sft")],
        eval_results=[*_of_answers(measured.answers), *_of_training(section, steps, measured.training)],
    )
    parts = [
        f"---\n{front.to_yaml()}\n---",
        f"# {name}: a reward model of answers" if rates else f"# {name}: simple, safe answers",
        f"From `{source}`" + ("." if steps else ", as it came."),
        *_made(steps),
        "## How to ask it",
        "At its endpoint, by chat."
        if elsewhere
        else (rated(folder, asking.style) if rates else asked(folder, adapter, asking)),
        *_scores(measured.answers),
        *_found(section, measured.training),
        "## Limits",
        "It says which of two answers to one question is likely to be preferred, not which is true."
        if rates
        else "Its answers read simply; they are not checked for truth. Do not rely on them for advice on "
        "health, law or money.",
        "## Licence",
        f"That of the base (`{source}`), and of the texts that it learned from: see the datasets' cards.",
    ]
    return "\n\n".join(parts) + "\n"


def _made(steps: Sequence[Step]) -> Iterator[str]:
    if steps:
        rows = [f"| {step.trainer} | {step.name} | {step.data} |" for step in reversed(steps)]
        yield "\n".join(["| step | name | data or reward models |", "|---|---|---|", *rows])


def _scores(answers: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    sets = [name for name in answers if name != ALL_SETS]
    if not sets:
        return
    yield "## Scores"
    yield "Of the answers to each validation set, alone: means with their standard errors."
    lines = [f"| | {' | '.join(sets)} |", f"|---|{'---|' * len(sets)}"]
    lines.append(f"| answers | {' | '.join(str(answers[name]['n']) for name in sets)} |")
    for metric, title in TITLES.items():
        lines.append(f"| {title} | {' | '.join(mean(answers[name], metric) for name in sets)} |")
    yield "\n".join(lines)


def _found(section: str, training: Mapping[str, Any]) -> Iterator[str]:
    rows = [
        f"| {title} | {mean(training, key)} |"
        for key, (title, _) in HELD_OUT.get(section, {}).items()
        if key in training
    ]
    if rows:
        yield "## What training found"
        yield "On rows that were held out of it, with standard errors."
        yield "\n".join(["| | |", "|---|---|", *rows])


def _of_answers(answers: Mapping[str, Mapping[str, Any]]) -> Iterator[EvalResult]:
    for name, found in answers.items():
        for metric, kind in METRICS.items():
            if name != ALL_SETS and metric in found:
                yield _result("text-generation", name, "validation", kind, TITLES[metric], found[metric])


def _of_training(
    section: str, steps: Sequence[Step], training: Mapping[str, Any]
) -> Iterator[EvalResult]:
    task = "text-classification" if section == "reward" else "text-generation"
    data = "prompts" if section == "ppo" else steps[0].data if steps else ""
    for key, (title, kind) in HELD_OUT.get(section, {}).items():
        if key in training:
            split = "test" if key.startswith("test.") else "validation"
            yield _result(task, data, split, kind, title, training[key])


def _result(task: str, data: str, split: str, kind: str, title: str, value: float) -> EvalResult:
    return EvalResult(
        task_type=task,
        dataset_type=data,
        dataset_name=data,
        dataset_split=split,
        metric_type=kind,
        metric_name=title,
        metric_value=value,
    )
