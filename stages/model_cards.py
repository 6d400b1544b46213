"""Write a card for every adapter, every merged model, and what else is scored."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from s2.kernel.files import new_folder, read_json, write_text
from s2.params.base import Count, Name, Number
from s2.params.evaluate import Share0
from s2.params.loading import load
from s2.params.models import OUTSIDE, Outside, PromptStyle, folder_of
from s2.report.asking import Asking
from s2.report.model_card import Measured, lineage, model_card
from stages.runner import run

CARDS = Path("models/cards")
EVALUATED = Path("metrics/evaluate")
TRAINED = {
    "sft": Path("metrics/sft"),
    "reward": Path("metrics/reward"),
    "dpo": Path("metrics/dpo"),
    "ppo": Path("metrics/ppo"),
    "merge": Path("metrics/merge"),
}


def main() -> None:
    models = declared()
    scored = {folder: name for name, folder in load("evaluate.models", dict[Name, str]).items()}
    trained = {
        folder_of(section, name): TRAINED[section] / f"{name}.json"
        for section, names in models.items()
        for name in names
    }
    source, asking = load("model.base.source", str), sampled(load("model.prompt", PromptStyle))
    outside = load("outside", dict[Name, Outside])
    with new_folder(CARDS) as cards:
        for folder in sorted({*trained, *scored}):
            answers = read_json(EVALUATED / f"{scored[folder]}.json") if folder in scored else {}
            measured = Measured(answers, read_json(trained[folder]) if folder in trained else {})
            if folder.startswith(OUTSIDE):
                one = outside[folder.removeprefix(OUTSIDE)]
                told = model_card(folder, [], measured, one.source, replace(asking, style=one.prompt))
            else:
                told = model_card(folder, lineage(folder, models), measured, source, asking)
            write_text(cards.joinpath(*Path(folder).parts[1:], "README.md"), told)


def sampled(style: PromptStyle) -> Asking:
    """How the models of the graph are asked when they are scored."""
    return Asking(
        style,
        load("answers.temperature", Number),
        load("answers.top_p", Share0),
        load("answers.top_k", Count),
        load("answers.repetition_penalty", Number),
    )


def declared() -> dict[str, dict[str, Any]]:
    """What every section of params.yaml that makes models declares of them, by its name."""
    return {
        "sft": load("sft.models", dict[Name, Any]),
        "reward": load("reward.models", dict[Name, Any]),
        "dpo": load("dpo.models", dict[Name, Any]),
        "ppo": load("ppo.models", dict[Name, Any]),
        "merge": load("merge.models", dict[Name, Any]),
    }


if __name__ == "__main__":
    run(main)
