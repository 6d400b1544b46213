"""Models that are not trained here, through the stages that score them, and those that judge."""

import json
import re
import sys
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pyarrow as pa
import pytest

from s2.evaluate.provoked import read_prompts
from s2.kernel.tables import count_rows, read_rows, write_rows
from s2.models.prompts import format_prompt
from tests.llm.test_client import server
from tests.stages.running import ROOT

pytestmark = pytest.mark.slow

Go = Callable[..., None]
OUTSIDE = """
outside:
  api: {{source: {url}, model: gpt, prompt: chat}}
  copy: {{source: {model}, prompt: chat}}
"""


@pytest.fixture
def folder(in_tmp: Path, tiny_model: Path) -> Path:
    (in_tmp / "models").mkdir()
    (in_tmp / "models/base").symlink_to(tiny_model)
    (in_tmp / "s2").mkdir()
    (in_tmp / "s2/sample").symlink_to(ROOT / "s2/sample")
    names = ("set", "id", "prompt", "reference")
    row = dict(zip(names, ("eli5", "q", format_prompt("why?"), "Because."), strict=True))
    schema = pa.schema([(name, pa.string()) for name in names])
    write_rows(in_tmp / "data/sets/validation.parquet", schema, [row])
    return in_tmp


def declare(folder: Path, url: str, model: Path) -> None:
    text = (ROOT / "profiles/sample.yaml").read_text()
    before, _, rest = text.partition("outside:")
    (folder / "params.yaml").write_text(
        before + OUTSIDE.format(url=url, model=model) + rest[rest.index("\nanswers:") :]
    )


@pytest.fixture
def go(monkeypatch: pytest.MonkeyPatch) -> Go:
    """Runs a stage's `main` in this process, which has its packages already."""

    def run(stage: str, *arguments: str) -> None:
        monkeypatch.setattr(sys, "argv", [stage, *arguments])
        import_module(f"stages.{stage}").main()

    return run


def test_an_endpoint_answers_and_its_likelihoods_are_left_out(
    folder: Path, tiny_model: Path, go: Go, capsys: pytest.CaptureFixture[str]
) -> None:
    with server(200) as (url, seen):
        declare(folder, url, tiny_model)
        go("classifier")
        go("outside", "api")
        go("answers", "api", "models/outside/api")
        (row,) = read_rows(folder / "data/answers/api.parquet")
        assert (row["answer"], row["tokens"], row["ended"]) == ("WHY?", 2, True)
        assert (seen[0]["model"], seen[0]["temperature"], seen[0]["max_tokens"]) == ("gpt", 0.6, 96)
        go("safety", "api", "models/outside/api")
        assert "refusals alone" in capsys.readouterr().out
        go("harness", "api", "models/outside/api")
        assert "left out" in capsys.readouterr().out
    found = json.loads((folder / "metrics/safety/api.json").read_text())
    questions = read_prompts(ROOT / "s2/sample/harmless.jsonl", None)
    assert found.keys() == {"harmless"} and found["harmless"]["all"]["n"] == len(questions)
    assert found["harmless"]["all"]["refused"] == 0
    assert json.loads((folder / "metrics/harness/api.json").read_text()) == {}
    assert count_rows(folder / "data/harness/api.parquet") == 0
    assert count_rows(folder / "data/safety/api.parquet") == len(questions)


def test_a_folder_is_asked_in_its_own_template_and_led_on(folder: Path, tiny_model: Path, go: Go) -> None:
    declare(folder, "https://example.org/v1", tiny_model)
    go("classifier")
    go("outside", "copy")
    go("answers", "copy", "models/outside/copy")
    go("safety", "copy", "models/outside/copy")
    found = json.loads((folder / "metrics/safety/copy.json").read_text())
    assert found.keys() == {"likelihood", "groups", "topics", "harmless"}
    assert 0 <= found["likelihood"]["women"]["score"] <= 1
    rows = list(read_rows(folder / "data/safety/copy.parquet"))
    assert {row["kind"] for row in rows} == {"groups", "topics", "harmless"}
    for row in rows:
        assert (row["refused"] is None) == (row["kind"] != "harmless") == (row["toxic"] is not None)
    go("answers", "base", "models/base")
    mine, base = (list(read_rows(folder / f"data/answers/{name}.parquet")) for name in ("copy", "base"))
    assert mine[0]["answer"] != base[0]["answer"]


@pytest.mark.parametrize("named", [True, False])
def test_a_judge_is_asked_of_a_model_if_one_is_named(
    folder: Path, tiny_model: Path, go: Go, named: bool
) -> None:
    """Of two questions with both turns, two claims, and the one validation answer, beside the other
    model's in both orders; the server says the same of all."""
    reply = {"index": 0, "message": {"role": "assistant", "content": "Good. [[7.5]]"}}
    body = {"choices": [reply | {"finish_reason": "stop"}]}
    with server(200, body=json.dumps(body).encode()) as (url, seen):
        text = (ROOT / "profiles/sample.yaml").read_text()
        for key, value in {"base_url": url, "models": "[some]" if named else "[]"}.items():
            before, _, after = text.partition("\njudge:")
            text = before + "\njudge:" + re.sub(rf"\n  {key}: .*", f"\n  {key}: {value}", after, count=1)
        text = re.sub(r"(\nanswers:\n(?:  .*\n)*?  limit:).*", r"\1 2", text)
        (folder / "params.yaml").write_text(text)
        for name in ("base", "other"):
            go("answers", name, "models/base")
        go("judge", "other", "models/base")
    found = json.loads((folder / "metrics/judge/other.json").read_text())
    rows = list(read_rows(folder / "data/judge/other.parquet"))
    if not named:
        assert found == {} and rows == [] and seen == []
        return
    kinds = {"first": 2, "second": 2, "true": 2, "informative": 2, "validation": 1, "forth": 1, "back": 1}
    assert Counter(row["kind"] for row in rows) == kinds
    assert len(seen) <= sum(kinds.values())  # of like answers one
    assert found["some"]["validation"] == 7.5 and found["some"]["mts.first"] == 7.5
    assert {row["rating"] for row in rows} == {7.5}
