"""Lay out the reward models that a model is trained by, if they are good enough for it:
`python -m stages.panels ppo|rejection NAME`."""

import shutil
import sys
from pathlib import Path

from s2.kernel.errors import S2Error
from s2.kernel.files import new_folder
from s2.models.about import about
from s2.params.base import Name, Share
from s2.params.loading import load
from stages.runner import run

REWARDS = Path("models/reward")


def main() -> None:
    trainer, name = sys.argv[1:3]
    wanted = load(f"{trainer}.models.{name}.rewards", dict[Name, float])
    least = load("reward.min_accuracy", Share)
    with new_folder(Path(f"models/panels/{trainer}-{name}")) as folder:
        for reward in wanted:
            refuse_weak(reward, least)
            shutil.copytree(REWARDS / reward, folder / reward)


def refuse_weak(name: str, least: float) -> None:
    """Raises `S2Error` for a reward model that tells too few held-out pairs apart."""
    found = about(REWARDS / name)
    if found["accuracy"] < least:
        raise S2Error(
            f"reward model {name} is right on {found['accuracy']:.3f} ± {found['accuracy_se']:.3f} of "
            f"held-out pairs, below reward.min_accuracy {least:g}: what is trained on it would learn its "
            "mistakes. Give it more pairs, or lower the bar knowingly: "
            f"dvc exp run -S reward.min_accuracy={found['accuracy']:.2f}"
        )


if __name__ == "__main__":
    run(main)
