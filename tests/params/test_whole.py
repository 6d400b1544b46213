import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from s2.kernel.errors import S2Error
from s2.params import keys, load_params

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "profiles/sample.yaml"


def changed(tmp_path: Path, key: str, value: Any) -> Path:
    """The sample profile with one key set."""
    content = yaml.safe_load(SAMPLE.read_text(encoding="utf-8"))
    *sections, last = key.split(".")
    inner = content
    for section in sections:
        inner = inner[section]
    inner[last] = value
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def test_the_default_is_the_sample_profile() -> None:
    assert (ROOT / "params.yaml").read_text() == SAMPLE.read_text()


@pytest.mark.parametrize("profile", sorted((ROOT / "profiles").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_profile_is_valid_and_explains_its_keys(profile: Path) -> None:
    load_params(profile)
    lines = profile.read_text(encoding="utf-8").splitlines()
    leaves = [line for line in lines if re.match(r" *[a-z_0-9]+: *[^#\s|]", line)]
    assert len(leaves) > 40
    assert [line for line in leaves if " # " not in line] == []


@pytest.mark.parametrize("written", ["0.00001", "1e-05", "1e-5", "1.0e-05", "'1e-05'"])
def test_a_learning_rate_is_a_float_however_it_is_written(tmp_path: Path, written: str) -> None:
    text = SAMPLE.read_text().replace("lr: 0.001", f"lr: {written}")
    assert written in text
    path = tmp_path / "params.yaml"
    path.write_text(text)
    assert load_params(path).sft.lr == 1e-05


def test_an_unknown_key_is_refused_with_what_it_may_have_meant(tmp_path: Path) -> None:
    with pytest.raises(S2Error, match=r"unknown key 'lr' \(did you mean 'sft.lr'\?\)"):
        load_params(changed(tmp_path, "lr", 0.1))
    with pytest.raises(S2Error, match="did you mean 'quality.readability.max_grade'"):
        load_params(changed(tmp_path, "quality.readability.max_grad", 8))


@pytest.mark.parametrize("value", ["nine", True, None, [9], float("nan")])
def test_a_threshold_of_the_wrong_type_is_refused_by_name(tmp_path: Path, value: Any) -> None:
    with pytest.raises(S2Error, match="quality.readability.max_grade"):
        load_params(changed(tmp_path, "quality.readability.max_grade", value))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("splits.validation", 1.5, "splits.validation"),
        ("splits.test", 0.9, "nothing to train on"),
        ("questions.prompts", ["What?"], "has neither {text} nor {opening}"),
        ("quality.length.wiki", {"min_words": 9, "max_words": 3}, "min_words 9 is above"),
        ("encoder.sha256", None, "needs the sha256"),
        ("quality.toxicity.model.scorer", "detoxify", "needs checkpoint"),
    ],
)
def test_values_that_make_no_sense_are_refused(
    tmp_path: Path, key: str, value: Any, message: str
) -> None:
    with pytest.raises(S2Error, match=message):
        load_params(changed(tmp_path, key, value))


def test_missing_and_broken_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(S2Error, match="s2 use sample"):
        load_params(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("a: [")
    with pytest.raises(S2Error, match="bad.yaml is not valid YAML"):
        load_params(tmp_path / "bad.yaml")


def test_keys_lists_leaves_and_sections() -> None:
    assert {"sft", "sft.lr", "quality.readability.max_grade", "sft.lora.r"} <= set(keys())
