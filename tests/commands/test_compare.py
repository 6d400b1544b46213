"""`s2 compare` in a repository of its own, with DVC's cache and a remote."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from typer.testing import CliRunner, Result

from s2 import cli
from s2.evaluate.paired import HIGHER_IS_BETTER

GIT = ["git", "-c", "user.name=tester", "-c", "user.email=tester@example.org"]


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def dvc(*arguments: str) -> None:
    run(sys.executable, "-m", "dvc", *arguments)


def evaluated(model: str, value: float, count: int = 12, **changes: Any) -> None:
    rows = [
        {
            "set": "eli5",
            "id": f"q{n}",
            "prompt": f"Why {n}?",
            "reference": "So.",
            "answer": f"{value} of {n}",
        }
        | dict.fromkeys(HIGHER_IS_BETTER, value + n / 100)
        | changes
        for n in range(count)
    ]
    Path("data/evaluate").mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), f"data/evaluate/{model}.parquet")


def keep(message: str, *models: str) -> None:
    names = {"evaluate": {"models": {name: f"models/{name}" for name in models}}}
    Path("params.yaml").write_text(yaml.safe_dump(names))
    dvc("add", "-q", *(f"data/evaluate/{name}.parquet" for name in models))
    run(*GIT, "add", "-A")
    run(*GIT, "commit", "-qm", message)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """First `base` and `sft`, then `sft` better and `new` beside it."""
    folder = tmp_path_factory.mktemp("compared")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run("git", "init", "-q", "-b", "main")
        dvc("init", "-q")
        dvc("remote", "add", "-q", "-d", "there", "../remote")
        Path("dvc.yaml").write_text("stages: {}\n")
        evaluated("base", 0.2)
        evaluated("sft", 0.3)
        keep("first", "base", "sft")
        evaluated("sft", 0.6)
        evaluated("new", 0.5)
        keep("second", "base", "sft", "new")
    return folder


@pytest.fixture
def repository(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(template, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def compared(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["compare", *arguments])


def told(*arguments: str) -> Any:
    return json.loads(compared(*arguments, "--json").stdout)


def test_two_revisions(repository: Path) -> None:
    found = told("HEAD~1", "HEAD")["models"]
    assert list(found) == ["base", "sft"]
    assert {one["verdict"] for one in found["base"]["metrics"].values()} == {"within noise"}
    rouge, toxicity = (found["sft"]["metrics"][name] for name in ("rougeL", "toxicity"))
    assert (rouge["verdict"], toxicity["verdict"]) == ("better", "worse")
    assert rouge["difference"] == pytest.approx(0.3)
    assert found["sft"]["gains"][0] == {
        "id": "q0", "prompt": "Why 0?", "a": "0.3 of 0", "b": "0.6 of 0", "a_value": 0.3, "b_value": 0.6
    }  # fmt: skip


def test_the_workspace_against_head_is_the_default(repository: Path) -> None:
    assert "sft: the same 12 answers, the same scores" in compared().stdout
    evaluated("sft", 0.1)
    assert told()["models"]["sft"]["metrics"]["rougeL"]["verdict"] == "worse"


def test_two_models(repository: Path) -> None:
    found = told("base@HEAD", "new@")
    assert (found["a"], found["b"]) == ("base@HEAD", "new@workspace")
    assert found["models"]["base → new"]["metrics"]["ease"]["difference"] == pytest.approx(0.3)
    assert "better" in compared("base@", "new@").stdout


def test_scores_come_from_cache_or_remote_and_the_workspace_is_left_alone(repository: Path) -> None:
    shutil.move(".dvc/cache", "../remote")
    for path in Path("data/evaluate").glob("*.parquet"):
        path.unlink()
    assert told("HEAD~1", "HEAD")["models"]["sft"]["metrics"]["rougeL"]["verdict"] == "better"
    assert not list(Path("data/evaluate").glob("*.parquet"))


def test_what_is_nowhere_to_be_had_is_named(repository: Path) -> None:
    shutil.rmtree(".dvc/cache")
    error = compared("HEAD~1", "HEAD").exception
    assert "data/evaluate/base.parquet of HEAD~1 is not to be had" in str(error)


def test_fail_on_worse(repository: Path) -> None:
    assert compared("HEAD~1", "HEAD", "--fail-on", "worse").exit_code == 1
    assert compared("base@", "base@", "--fail-on", "worse").exit_code == 0
    assert compared("HEAD~1", "HEAD").exit_code == 0


def test_a_model_that_b_lacks_is_named_and_fails(repository: Path) -> None:
    Path("params.yaml").write_text(yaml.safe_dump({"evaluate": {"models": {"base": "b", "sft": "s"}}}))
    found = compared("--fail-on", "worse")
    assert "sft: the same 12 answers" in found.stdout and found.exit_code == 1
    assert "only HEAD has: new" in found.stderr


def test_missing_examples_are_named_and_fail(repository: Path) -> None:
    evaluated("sft", 0.6, count=10)
    found = compared("sft@HEAD", "--fail-on", "worse")
    assert "not compared: only sft@HEAD has q10, q11" in found.stdout
    assert found.exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gone"], "gone: "),
        (["gone@HEAD", "base@HEAD"], "HEAD has no model 'gone'; evaluate.models has: base, new, sft"),
        (["HEAD", "base@HEAD"], "names a model"),
        (["--metric", "luck"], "--metric: no 'luck'"),
        (["base@", "sft@", "--set", "none"], "no example of set none"),
        (["--fail-on", "better"], "--fail-on: no 'better'"),
    ],
)
def test_bad_input_is_told(repository: Path, arguments: list[str], message: str) -> None:
    assert message in str(compared(*arguments).exception)
