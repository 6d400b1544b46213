import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.utils.serialize import modify_yaml

from s2.kernel.errors import S2Error
from s2.params.evaluate import Answers
from s2.params.explain import keys
from s2.params.loading import load, load_settings, load_with
from s2.params.profiles import whole
from s2.params.train import SftModel
from s2.params.whole import Params, check_files, load_params

ROOT = Path(__file__).parents[2]
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


@pytest.mark.parametrize("key", ["judge.questions", "judge.truths", "harness.tasks.s2_choice.file"])
def test_a_file_that_is_not_there_is_told_with_its_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.chdir(ROOT)
    check_files(load_params())
    path = changed(tmp_path, key, "data/raw/own/none.jsonl")
    with pytest.raises(S2Error, match=rf"{re.escape(key)}: there is no file data/raw/own/none\.jsonl"):
        check_files(load_params(path), path)


@pytest.mark.parametrize("profile", sorted((ROOT / "profiles").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_profile_explains_its_keys(profile: Path) -> None:
    lines = profile.read_text(encoding="utf-8").splitlines()
    leaves = [line for line in lines if re.match(r" *[a-z_0-9]+: *[^#\s|]", line)]
    assert len(leaves) > 8
    assert [line for line in leaves if " # " not in line] == []


@pytest.mark.parametrize("written", ["0.00001", "1e-05", "1e-5", "1.0e-05", "'1e-05'"])
def test_a_learning_rate_is_a_float_however_it_is_written(tmp_path: Path, written: str) -> None:
    text = SAMPLE.read_text().replace("lr: 0.002", f"lr: {written}")
    assert written in text
    path = tmp_path / "params.yaml"
    path.write_text(text)
    assert load_params(path).sft.lr == 1e-05


@pytest.mark.parametrize("written", ["1e-05", "'1e-05'"])
def test_a_model_may_state_a_setting_for_itself(in_tmp: Path, written: str) -> None:
    text = SAMPLE.read_text().replace(
        "eli5-wiki: {data: eli5-wiki}",
        f"eli5-wiki: {{data: eli5-wiki, lr: {written}, lora: {{r: 4}}}}",
    )
    (in_tmp / "params.yaml").write_text(text)
    load_params()
    own, other = (load_settings("sft", name, SftModel) for name in ("eli5-wiki", "preferred"))
    assert (own.lr, own.lora.r, own.lora.alpha) == (1e-05, 4, 32)
    assert (other.lr, other.lora.r, other.data) == (0.002, 16, "preferred")


def test_a_stage_loads_what_it_reads_and_names_what_is_wrong_with_it(in_tmp: Path) -> None:
    """Other keys may be wrong: a stage does not see them."""
    changed(in_tmp, "splits.leakage", "high")
    assert load("seed", int) == 17
    with pytest.raises(S2Error, match=r"^params.yaml: splits.leakage: .* \(it is 'high'\)$"):
        load("splits.leakage", float)
    with pytest.raises(S2Error, match="key 'splits.leak' is missing"):
        load("splits.leak", float)
    with pytest.raises(S2Error, match="sft.models.third is not declared"):
        load_settings("sft", "third", SftModel)


def test_what_is_given_of_a_section_is_not_read(in_tmp: Path) -> None:
    changed(in_tmp, "answers.max_new_tokens", "many")
    found = load_with("answers", Answers, max_new_tokens=24, limit=None)
    assert (found.max_new_tokens, found.limit, found.top_k) == (24, None, 50)
    with pytest.raises(S2Error, match=r"^params.yaml: answers.max_new_tokens: .* \(it is 'many'\)$"):
        load_with("answers", Answers, limit=None)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("sft.models.third", {"data": "news"}, "sft.models.third.data: no dataset 'news' is declared"),
        ("sft.models.third", {"data": "wiki", "lrr": 1}, "unknown key 'sft.models.third.lrr' .*lr'"),
        ("sft.models.third", {"lr": 1}, "key 'sft.models.third.data' is missing"),
        ("sft.models.a.b", {"data": "wiki"}, "sft.models.a.b"),
        ("datasets.third", {"reddit": ["aww"]}, "datasets.third.reddit: no subreddit .* 'aww'"),
        ("datasets.third", {"rows": 3}, "datasets.third: takes nothing"),
        ("datasets.all", {"wiki": "all"}, "datasets.all: the name stands for all sets"),
        ("evaluate.sets", ["eli5", "news"], "evaluate.sets: no dataset 'news'"),
        (
            "harness.tasks.s2_choice.file",
            "elsewhere.jsonl",
            "put it under data/raw/own/, where its changes are noticed",
        ),
        ("judge.against", "gpt", "judge.against: no model 'gpt' is declared"),
        ("evaluate.models.x", "models/merged/x-simple", "evaluate.models.x: no model .*x-simple"),
        ("evaluate.models.x", "models/outside/x", "evaluate.models.x: no model .*outside/x"),
    ],
)
def test_what_refers_to_nothing_is_refused_by_name(
    tmp_path: Path, key: str, value: Any, message: str
) -> None:
    section, _, name = key.partition(".models.")
    content = changed(tmp_path, "seed", 17)
    if name:
        text = yaml.safe_load(content.read_text())
        text[section]["models"][name] = value
        content.write_text(yaml.safe_dump(text))
    else:
        content = changed(tmp_path, key, value)
    with pytest.raises(S2Error, match=message):
        load_params(content)


def test_an_unknown_key_is_refused_with_what_it_may_have_meant(tmp_path: Path) -> None:
    with pytest.raises(S2Error, match=r"unknown key 'lr' \(did you mean 'sft.lr' or 'reward.lr' or"):
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
        ("quality.toxicity.model.scorer", "detoxify", "needs a checkpoint"),
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
    assert {"sft", "sft.lr", "quality.readability.max_grade", "sft.lora.r"} <= set(keys(Params))


def numbers(content: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(content, dict | list):
        for key, value in content.items() if isinstance(content, dict) else enumerate(content):
            yield from numbers(value, (*path, key))
    elif isinstance(content, int | float) and not isinstance(content, bool):
        yield path


@pytest.mark.parametrize("value", [".inf", "-.inf", ".nan"])
def test_no_number_may_be_infinite_or_none(tmp_path: Path, value: str) -> None:
    text = SAMPLE.read_text(encoding="utf-8")
    keys = list(numbers(yaml.safe_load(text)))
    assert len(keys) > 40
    own = [key for key in keys if "models" in key]  # a model's own, of which the first bad one is told
    for together in [[key for key in keys if key not in own], *([key] for key in own)]:
        bad = yaml.safe_load(text)
        for key in together:
            inner = bad
            for part in key[:-1]:
                inner = inner[part]
            inner[key[-1]] = yaml.safe_load(value)
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(bad), encoding="utf-8")
        with pytest.raises(S2Error) as error:
            load_params(tmp_path / "params.yaml")
        told = str(error.value)
        assert [key for key in together if ".".join(map(str, key)) + ": " not in told] == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("seed", 2**32),
        ("seed", -1),
        ("data.raw", ""),
        ("sft.lora.targets", []),
        ("sft.lora.targets", [""]),
        ("sft.lora.targets", ""),
        ("model.base.source", ""),
        ("model.prompt", "llama"),
        ("questions.base_url", ""),
        ("evaluate.models.base", ""),
        ("data.reddit.subreddits", [""]),
        ("machine.processes", 0),
    ],
)
def test_what_would_fail_late_is_refused_at_once(tmp_path: Path, key: str, value: Any) -> None:
    with pytest.raises(S2Error, match=rf"params\.yaml: {re.escape(key)}"):
        load_params(changed(tmp_path, key, value))


def test_a_key_that_stands_twice_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    text = SAMPLE.read_text(encoding="utf-8")
    path.write_text(text.replace("  lr: 0.002", "  lr: 0.1\n  lr: 0.002"))
    with pytest.raises(S2Error, match=r"the key 'lr' stands twice .*params\.yaml|line \d+"):
        load_params(path)


def test_a_file_that_is_no_utf8_is_told(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(SAMPLE.read_bytes() + "# caf\xe9\n".encode("latin-1"))
    with pytest.raises(S2Error, match=r"params\.yaml is not UTF-8 .*: save it as UTF-8"):
        load_params(path)


@pytest.mark.parametrize("profile", sorted(path.stem for path in (ROOT / "profiles").glob("*.yaml")))
def test_one_value_is_one_line_of_difference(
    in_tmp: Path, monkeypatch: pytest.MonkeyPatch, profile: str
) -> None:
    """`dvc exp run -S` writes the whole file anew, in a form of its own."""
    monkeypatch.chdir(ROOT)
    before = whole(profile)
    path = in_tmp / "params.yaml"
    path.write_text(before, encoding="utf-8")
    with modify_yaml(str(path)) as content:
        content["sft"]["lr"] = 0.123
    after = path.read_text(encoding="utf-8")
    changed_lines = [b for a, b in zip(before.splitlines(), after.splitlines(), strict=True) if a != b]
    assert len(changed_lines) == 1 and "lr: 0.123" in changed_lines[0]


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("preference.chosen.eli5", "simplicity", "datasets.eli5 is a dataset of that name; take another"),
        ("preference.chosen.best-of-4", "simplicity", "preference.chosen.best-of-4 is a dataset of that"),
        ("preference.chosen.other", "nothing", "chosen.other: no set 'nothing'; there are: helpfulness"),
    ],
)
def test_a_dataset_of_chosen_answers_has_its_own_name_and_a_set(
    tmp_path: Path, key: str, value: str, message: str
) -> None:
    with pytest.raises(S2Error, match=re.escape(message)):
        load_params(changed(tmp_path, key, value))
