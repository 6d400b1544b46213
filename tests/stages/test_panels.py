"""The reward models that PPO and best of N get, and those that they refuse."""

from pathlib import Path

import pytest

from s2.kernel.files import write_json, write_text
from tests.stages.running import ROOT, run


@pytest.mark.slow
@pytest.mark.parametrize("trainer", ["ppo ppo", "rejection best-of-4"])
def test_a_weak_reward_model_is_refused_and_how_to_lower_the_bar_is_said(
    in_tmp: Path, trainer: str
) -> None:
    write_text(in_tmp / "params.yaml", (ROOT / "profiles/sample.yaml").read_text())
    for name, accuracy in (("helpfulness", 0.9), ("simplicity", 0.55)):
        numbers = {"accuracy": accuracy, "accuracy_se": 0.04, "mean": 0.0, "sd": 1.0}
        write_json(in_tmp / f"models/reward/{name}/reward.json", numbers)
    done = run(in_tmp, f"panels {trainer}")
    assert done.returncode == 1 and not list((in_tmp / "models").glob("panels/*"))
    assert done.stderr.startswith("error: reward model simplicity is right on 0.550 ± 0.040")
    assert "below reward.min_accuracy 0.6" in done.stderr
    assert "dvc exp run -S reward.min_accuracy=0.55" in done.stderr
    text = (in_tmp / "params.yaml").read_text()
    write_text(in_tmp / "params.yaml", text.replace("min_accuracy: 0.6 ", "min_accuracy: 0.5 "))
    assert run(in_tmp, f"panels {trainer}").returncode == 0
    folder = in_tmp / f"models/panels/{trainer.replace(' ', '-')}"
    assert {path.name for path in folder.iterdir()} == {"helpfulness", "simplicity"}
