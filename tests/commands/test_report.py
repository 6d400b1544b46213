"""`s2 report` in a repository of its own."""

import webbrowser
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from s2 import cli
from s2.report.page import OPENING
from tests.commands.test_compare import GIT, dvc, evaluated, repository, run, template

__all__ = ["repository", "template"]  # fixtures


@pytest.fixture
def built(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With a stage for each kind of dumps, run, and a page."""
    stages = {}
    for name in ("reddit", "wiki"):
        raw = repository / "raw" / name
        raw.mkdir(parents=True)
        (raw / "dump").write_text(f"{name} text")
        command = f"{'cp' if name == 'wiki' else 'cat raw/reddit/dump; cp'} raw/{name}/dump {name}.out"
        stages[name] = {"cmd": command, "desc": "read", "deps": [f"raw/{name}"], "outs": [f"{name}.out"]}
    (repository / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    dvc("repro", "-q")
    page = repository / "metrics/report/index.html"
    page.parent.mkdir(parents=True)
    page.write_text(f"<body>{OPENING}</body>")
    monkeypatch.setattr(webbrowser, "open", lambda _: True)
    return repository


def opened(root: Path) -> str:
    result = CliRunner().invoke(cli.app, ["report"])
    assert result.exit_code == 0, result.exception
    path = Path(result.stdout.strip().splitlines()[-1])
    assert path.is_relative_to(root)
    return path.read_text(encoding="utf-8")


def test_it_is_opened_with_what_no_stage_can_know(built: Path) -> None:
    text = opened(built)
    assert "there is no tagged build" in text and "raw/reddit" in text and "<td>11</td>" in text
    assert "nothing is stale" in text and 'data-name="wiki"' in text
    assert (built / "metrics/report/index.html").read_text() == f"<body>{OPENING}</body>"
    run(*GIT, "tag", "v1")
    evaluated("sft", 0.1)
    (built / "raw/wiki/dump").write_text("other")
    text = opened(built)
    assert "Against the last tagged build, v1" in text and "worse" in text
    assert "v1-dirty" in text and 'data-name="wiki" class=stale' in text
    assert 'data-name="data/evaluate/sft.parquet.dvc" class=stale' in text


def test_scores_of_the_tag_that_are_gone_do_not_keep_it_shut(built: Path) -> None:
    run(*GIT, "tag", "v1", "HEAD~1")
    for path in (built / ".dvc/cache").rglob("*"):
        if path.is_file():
            path.chmod(0o600)
            path.unlink()
    text = opened(built)
    assert "none, for data/evaluate/base.parquet of v1 is not to be had" in text


def test_without_a_page_it_says_how_to_build_it(repository: Path) -> None:
    error = CliRunner().invoke(cli.app, ["report"]).exception
    assert "build it with `dvc repro page`" in str(error)
