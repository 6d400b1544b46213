from pathlib import Path

import pytest

from s2.params.align import RewardModel
from s2.train import reward as reward_module
from s2.train.pairs import PairRun
from tests.train.pairing import pair_rows, section


@pytest.fixture(scope="module")
def tiny_reward(tiny_model: Path, tiny_adapter: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reward")
    values = section("reward", **{"from": "sft/some", "data": "some", "lr": 0.01, "max_length": 128})
    run = PairRun(
        "liked", tiny_model, tiny_adapter, folder / "checkpoints", folder / "adapter", "s2", 0.5
    )
    splits = {"train": pair_rows(12), "validation": pair_rows(6), "test": []}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        reward_module.train(run, splits, RewardModel.model_validate(values | {"epochs": 3}), 1)
    return folder / "adapter"
