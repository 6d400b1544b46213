"""Check every key of params.yaml and what it refers to, so that a wrong one is told before anything
is built on it; write down the settings that hold for each model, and what differs from the nearest
profile."""

from pathlib import Path

from s2.kernel.files import write_json
from s2.params.align import DpoModel, PpoModel, RejectionModel, RewardModel
from s2.params.base import Section
from s2.params.loading import PARAMS, load_settings, read
from s2.params.profiles import nearest
from s2.params.train import SftModel
from s2.params.whole import check_files, load_params
from stages.runner import run

OUT = Path("data/settings.json")
PROFILE = Path("data/profile.json")


def main() -> None:
    params = load_params()
    check_files(params)
    settings: dict[str, dict[str, Section]] = {
        "sft": {name: load_settings("sft", name, SftModel) for name in params.sft.models},
        "reward": {name: load_settings("reward", name, RewardModel) for name in params.reward.models},
        "dpo": {name: load_settings("dpo", name, DpoModel) for name in params.dpo.models},
        "ppo": {name: load_settings("ppo", name, PpoModel) for name in params.ppo.models},
        "rejection": {
            name: load_settings("rejection", name, RejectionModel) for name in params.rejection.models
        },
    }
    write_json(
        OUT,
        {
            section: {name: model.model_dump(by_alias=True) for name, model in models.items()}
            for section, models in settings.items()
        },
    )
    profile, different = nearest(read(PARAMS))
    write_json(PROFILE, {"profile": profile, "different": different})


if __name__ == "__main__":
    run(main)
