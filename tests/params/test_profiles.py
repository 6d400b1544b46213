from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.utils.hydra import apply_overrides

from s2.params.profiles import nearest, whole
from tests.graph.reading import ROOT


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def content(profile: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(whole(profile))
    return found


@pytest.mark.parametrize("profile", ["sample", "tiny", "llama2-7b", "llama2-13b"])
def test_a_profile_is_nearest_to_itself(here: None, profile: str) -> None:
    assert nearest(content(profile)) == (profile, {})


def test_what_differs_is_told_but_for_the_machine(here: None) -> None:
    changed = content("llama2-7b")
    changed["sft"]["lr"] = 0.5
    changed["machine"]["workers"] = 99
    changed["sft"]["models"]["mine"] = {"data": "eli5"}
    del changed["answers"]["top_k"]
    assert nearest(changed) == (
        "llama2-7b",
        {"answers.top_k": (50, None), "sft.lr": (0.0002, 0.5), "sft.models.mine.data": (None, "eli5")},
    )


@pytest.mark.parametrize("profile", ["sample", "tiny", "llama2-7b", "llama2-13b"])
def test_an_experiment_changes_the_line_of_its_parameter_alone(
    here: None, tmp_path: Path, profile: str
) -> None:
    text = whole(profile)
    (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
    apply_overrides(tmp_path / "params.yaml", ["seed=18"])  # as `dvc exp run -S seed=18` does
    changed = (tmp_path / "params.yaml").read_text(encoding="utf-8")
    assert changed == text.replace("seed: 17", "seed: 18")
