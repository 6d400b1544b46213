"""Check every key of params.yaml and what it refers to, so that a wrong one is told before anything
is built on it; write down the settings that hold for each model."""

from pathlib import Path

from s2.kernel.files import write_json
from s2.params.loading import load_settings
from s2.params.train import SftModel
from s2.params.whole import load_params
from stages.runner import run

OUT = Path("data/settings.json")


def main() -> None:
    models = load_params().sft.models
    write_json(OUT, {"sft": {name: load_settings("sft", name, SftModel).model_dump() for name in models}})


if __name__ == "__main__":
    run(main)
