"""A model's card: what it was made from, how to ask it, and its scores, as the Hugging Face hub reads
them (https://huggingface.co/docs/hub/model-cards)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from s2.kernel.errors import S2Error
from s2.params.evaluate import ALL_SETS
from s2.params.models import ENDPOINT, PromptStyle
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
_ASK = {
    "s2": "prompt = '### Human: Why is the sky blue? ### Assistant:'",
    "chat": "prompt = [{'role': 'user', 'content': 'Why is the sky blue?'}]",
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
    at = folder.removeprefix("models/")
    while at != "base":
        section, _, name = at.partition("/")
        section = {"merged": "merge"}.get(section, section)
        if name not in declared.get(section, {}):
            raise S2Error(f"params.yaml: {section}.models has no {name!r}, from which {folder} is made")
        made = declared[section][name]
        data = made.get("data") or ", ".join(made.get("rewards", {}))
        steps.append(Step(section if section != "merge" else f"{made['method']} merge", name, data))
        at = made.get("from", "base")
    return steps


def model_card(
    name: str,
    folder: str,
    steps: Sequence[Step],
    scores: Mapping[str, Mapping[str, Any]],
    source: str,
    style: PromptStyle,
) -> str:
    """The card in Markdown. `scores` are the model's means by set; `source` is the base's, or
    its own if it was not trained here."""
    elsewhere = source.startswith(ENDPOINT)
    adapter = bool(steps) and not steps[0].trainer.endswith("merge")
    datasets = [step.data for step in steps if step.trainer == "sft"]
    front = ModelCardData(
        model_name=f"s2-{name}",
        language="en",
        license="other",
        library_name=None if elsewhere else "peft" if adapter else "transformers",
        pipeline_tag="text-generation",
        base_model=source if HUB_ID.fullmatch(source) else None,
        datasets=datasets or None,
        tags=["simple-english", *dict.fromkeys(step.trainer for step in steps if step.trainer != "sft")],
        eval_results=list(_results(scores)),
    )
    parts = [
        f"---\n{front.to_yaml()}\n---",
        f"# {name}: simple, safe answers",
        f"From `{source}`" + ("." if steps else ", as it came."),
        *_made(steps),
        "## How to ask it",
        "At its endpoint, by chat." if elsewhere else _usage(folder, adapter, style),
        "## Scores",
        "Of the answers to each validation set, alone: means with their standard errors.",
        _table(scores),
        "## Limits",
        "Its answers read simply; they are not checked for truth. Do not rely on them for advice on "
        "health, law or money.",
        "## Licence",
        f"That of the base (`{source}`), and of the texts that it learned from: see the datasets' cards.",
    ]
    return "\n\n".join(parts) + "\n"


def _made(steps: Sequence[Step]) -> Iterator[str]:
    if steps:
        rows = [f"| {step.trainer} | {step.name} | {step.data} |" for step in reversed(steps)]
        yield "\n".join(["| step | name | data or reward models |", "|---|---|---|", *rows])


def _usage(folder: str, adapter: bool, style: PromptStyle) -> str:
    kind = (
        "peft import AutoPeftModelForCausalLM" if adapter else "transformers import AutoModelForCausalLM"
    )
    loader = kind.rpartition(" ")[2]
    ids = {
        "s2": "tokenizer(prompt, return_tensors='pt')",
        "chat": "tokenizer.apply_chat_template(prompt, add_generation_prompt=True, return_dict=True, "
        "return_tensors='pt')",
    }[style]
    return (
        f"```python\nfrom {kind}\nfrom transformers import AutoTokenizer\n\n"
        f"tokenizer = AutoTokenizer.from_pretrained('{folder}')\n"
        f"model = {loader}.from_pretrained('{folder}')\n"
        f"{_ASK[style]}\ninputs = {ids}\n"
        "told = model.generate(**inputs, max_new_tokens=96)\n"
        "print(tokenizer.decode(told[0, inputs['input_ids'].shape[1]:], skip_special_tokens=True))\n```"
    )


def _table(scores: Mapping[str, Mapping[str, Any]]) -> str:
    sets = [name for name in scores if name != ALL_SETS]
    lines = [f"| | {' | '.join(sets)} |", f"|---|{'---|' * len(sets)}"]
    lines.append(f"| answers | {' | '.join(str(scores[name]['n']) for name in sets)} |")
    for metric, title in TITLES.items():
        lines.append(f"| {title} | {' | '.join(mean(scores[name], metric) for name in sets)} |")
    return "\n".join(lines)


def _results(scores: Mapping[str, Mapping[str, Any]]) -> Iterator[EvalResult]:
    for name, found in scores.items():
        for metric, kind in METRICS.items():
            if name != ALL_SETS and metric in found:
                yield EvalResult(
                    task_type="text-generation",
                    dataset_type=name,
                    dataset_name=name,
                    dataset_split="validation",
                    metric_type=kind,
                    metric_name=TITLES[metric],
                    metric_value=found[metric],
                )
