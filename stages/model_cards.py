"""Write a model's card: `python -m stages.model_cards NAME`."""

import json
import sys
from pathlib import Path
from typing import Any

from s2.kernel.files import write_text
from s2.params.base import Name
from s2.params.loading import load
from s2.params.models import OUTSIDE, Outside, PromptStyle
from s2.report.model_card import Step, lineage, model_card
from stages.runner import run


def main() -> None:
    name = sys.argv[1]
    folder = load(f"evaluate.models.{name}", str)
    scores = json.loads(Path(f"metrics/evaluate/{name}.json").read_text(encoding="utf-8"))
    if folder.startswith(OUTSIDE):
        one = load("outside", dict[Name, Outside])[folder.removeprefix(OUTSIDE)]
        steps, source, style = list[Step](), one.source, one.prompt
    else:
        steps = lineage(folder, declared())
        source, style = load("model.base.source", str), load("model.prompt", PromptStyle)
    told = model_card(name, folder, steps, scores, source, style)
    write_text(Path(f"models/cards/{name}/README.md"), told)


def declared() -> dict[str, dict[str, Any]]:
    """What every section of params.yaml declares of models, by its name."""
    return {
        "sft": load("sft.models", dict[Name, Any]),
        "dpo": load("dpo.models", dict[Name, Any]),
        "ppo": load("ppo.models", dict[Name, Any]),
        "merge": load("merge.models", dict[Name, Any]),
    }


if __name__ == "__main__":
    run(main)
