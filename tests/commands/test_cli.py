import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.models import CommandInfo
from typer.testing import CliRunner

from s2 import cli
from s2.kernel.cache import ContentCache
from s2.kernel.errors import S2Error
from s2.kernel.tables import read_rows
from s2.params.whole import load_params

ROOT = Path(__file__).parents[2]
RUNNER = CliRunner()


def test_help_names_the_commands() -> None:
    result = RUNNER.invoke(cli.app, ["--help"])
    assert result.exit_code == 0
    for command in ("use", "stale", "leaderboard", "ask", "score", "why"):
        assert command in result.output


@pytest.mark.parametrize("command", cli.app.registered_commands, ids=lambda one: one.callback.__name__)
def test_help_says_all_that_is_written_of_a_command(command: CommandInfo) -> None:
    """What looks like markup, such as [[n]], is not shown."""
    assert command.callback and command.callback.__doc__
    name = command.name or command.callback.__name__.replace("_", "-")
    told = RUNNER.invoke(cli.app, [name, "--help"]).output
    assert set(command.callback.__doc__.split()) <= set(told.split())


def test_help_imports_nothing_heavy() -> None:
    heavy = "{'torch', 'transformers', 'duckdb', 'pyarrow', 'pandas', 'numpy', 'pydantic'}"
    code = (
        "import sys; from typer.testing import CliRunner; from s2 import cli\n"
        "CliRunner().invoke(cli.app, ['--help'])\n"
        f"print(sorted({heavy} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.fixture(autouse=True)
def repository(request: pytest.FixtureRequest) -> None:
    """A folder with a graph, as commands want one."""
    if "in_tmp" in request.fixturenames:
        (request.getfixturevalue("in_tmp") / "dvc.yaml").touch()


def test_use_writes_a_profile_and_keeps_what_was_there(in_tmp: Path) -> None:
    (in_tmp / "profiles").symlink_to(ROOT / "profiles")
    (in_tmp / "params.yaml").write_text("mine: 1\n")
    assert RUNNER.invoke(cli.app, ["use", "sample"]).exit_code == 0
    assert (in_tmp / "params.yaml").read_text() == (ROOT / "profiles/sample.yaml").read_text()
    assert (in_tmp / "params.yaml.orig").read_text() == "mine: 1\n"


@pytest.mark.parametrize("profile", ["tiny", "llama2-7b", "llama2-13b"])
def test_use_puts_a_profile_over_the_sample_comments_kept(in_tmp: Path, profile: str) -> None:
    (in_tmp / "profiles").symlink_to(ROOT / "profiles")
    assert RUNNER.invoke(cli.app, ["use", profile]).exit_code == 0
    load_params()
    text = (in_tmp / "params.yaml").read_text()
    written, sample, own = (
        yaml.safe_load(part)
        for part in (
            text,
            (ROOT / "profiles/sample.yaml").read_text(),
            (ROOT / f"profiles/{profile}.yaml").read_text(),
        )
    )
    assert leaves(written) == leaves(sample) | leaves(own)
    assert all(value_of(written, key) == value_of(own, key) for key in leaves(own))
    assert text.startswith((ROOT / f"profiles/{profile}.yaml").read_text().partition("\n")[0])
    uncommented = [
        line
        for line in text.splitlines()
        if re.match(r" *[a-z_0-9]+: *[^#\s|]", line) and " # " not in line
    ]
    assert uncommented == []


SECTIONS = ("sft", "reward", "dpo", "ppo", "rejection", "merge")
NAMED = (
    *("harness.tasks.", "outside."),
    *("datasets.", "evaluate.models.", "evaluate.bertscore.model.", "model.base.fresh."),
    *("preference.sets.", "preference.sources."),
    *(f"{section}.models." for section in SECTIONS),
)


def leaves(content: Any, prefix: str = "") -> set[str]:
    """Dotted keys of values, names of datasets and models standing for themselves."""
    if not isinstance(content, dict) or prefix in NAMED:
        return {prefix.rstrip(".")}
    return {leaf for key, value in content.items() for leaf in leaves(value, f"{prefix}{key}.")}


def value_of(content: Any, key: str) -> Any:
    for part in key.split("."):
        content = content[part]
    return content


PUBLISHED = re.compile(r"^ *([a-z_]+):.* # .*\[(?:report|files|code)\b")


def test_a_profile_says_only_what_differs_from_the_sample() -> None:
    """But for what it states because it was published so."""
    sample = yaml.safe_load((ROOT / "profiles/sample.yaml").read_text())
    for path in (ROOT / "profiles").glob("*.yaml"):
        own = yaml.safe_load(path.read_text())
        stated = {found[1] for found in map(PUBLISHED.match, path.read_text().splitlines()) if found}
        same = [
            key
            for key in leaves(own)
            if value_of(own, key) == value_of(sample, key) and key.rpartition(".")[2] not in stated
        ]
        assert path.stem == "sample" or same == [], path.name


def test_an_unknown_profile_is_told_in_one_line(in_tmp: Path) -> None:
    (in_tmp / "profiles").symlink_to(ROOT / "profiles")
    done = subprocess.run(
        [sys.executable, "-c", "from s2.cli import main; main()", "use", "smaple"],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: there is no profile 'smaple'; there are: ")
    assert done.stderr.count("\n") == 1


def test_asking_a_model_that_is_not_built_names_its_stage(in_tmp: Path) -> None:
    (in_tmp / "params.yaml").write_text((ROOT / "profiles/sample.yaml").read_text())
    result = RUNNER.invoke(cli.app, ["ask", "Why?", "--model", "eli5-wiki"])
    assert isinstance(result.exception, S2Error)
    assert "build it with `dvc repro merge@eli5-wiki-simple`" in str(result.exception)
    for model, stage in (("base", "base"), ("dpo", "dpo@dpo"), ("ppo", "ppo@ppo")):
        result = RUNNER.invoke(cli.app, ["ask", "Why?", "--model", model])
        assert f"build it with `dvc repro {stage}`" in str(result.exception)
    result = RUNNER.invoke(cli.app, ["ask", "Why?", "--model", "gpt"])
    assert "there are: base, eli5-wiki, preferred" in str(result.exception)


def test_asking_a_model(in_tmp: Path, tiny_model: Path) -> None:
    (in_tmp / "params.yaml").write_text((ROOT / "profiles/sample.yaml").read_text())
    (in_tmp / "models").mkdir()
    (in_tmp / "models/base").symlink_to(tiny_model)
    result = RUNNER.invoke(cli.app, ["ask", "Why is the sky blue?", "--model", "base"])
    assert result.exit_code == 0, result.exception
    assert result.output.strip()


def test_scoring_a_file(in_tmp: Path) -> None:
    (in_tmp / "a.csv").write_text("answer\nThe cat sat on it. The dog ran to me.\n\n")
    (in_tmp / "params.yaml").write_text((ROOT / "profiles/sample.yaml").read_text())
    done = RUNNER.invoke(cli.app, ["score", "a.csv", "--text", "answer", "--json"])
    found = json.loads(done.stdout)
    assert found["metrics"]["FRE"] == {"mean": 117.16, "se": 0.0, "n": 1}
    assert found["metrics"]["FKG"]["mean"] == -1.9 and 0 < found["metrics"]["toxicity"]["mean"] < 0.2
    (in_tmp / "params.yaml").unlink()
    readable = ["score", "a.csv", "--text", "answer", "--metrics", "readability"]
    done = RUNNER.invoke(cli.app, [*readable, "--readability", "cmudict"])
    assert "FRE" in done.stdout and "117.16" in done.stdout and "toxicity" not in done.stdout
    with pytest.raises(S2Error, match="--metrics: there is no 'beauty'; there are: readability"):
        RUNNER.invoke(
            cli.app, ["score", "a.csv", "--text", "t", "--metrics", "beauty"], catch_exceptions=False
        )


def test_asking_otherwise_changes_no_file(in_tmp: Path, tiny_model: Path) -> None:
    text = (ROOT / "profiles/sample.yaml").read_text()
    (in_tmp / "params.yaml").write_text(text)
    (in_tmp / "models").mkdir()
    (in_tmp / "models/base").symlink_to(tiny_model)
    command = ["ask", "Why is the sky blue?", "--model", "base", "--max-tokens", "5"]

    def said(*options: str) -> str:
        return RUNNER.invoke(cli.app, [*command, *options], catch_exceptions=False).output

    assert said() == said() and len(said().split()) <= 6
    assert len({said("--seed", str(n), "--temperature", "2") for n in range(5)}) > 1
    assert len({said("--seed", str(n), "--temperature", "0") for n in range(3)}) == 1
    assert len({said("--seed", str(n), "--top-p", "0.000001") for n in range(3)}) == 1
    assert (in_tmp / "params.yaml").read_text() == text
    for bad in (["--temperature", "-1"], ["--top-p", "7"], ["--max-tokens", "0"]):
        with pytest.raises(S2Error, match=r"the command line: answers\."):
            said(*bad)
    with pytest.raises(S2Error, match="holds the prompt's own mark"):
        RUNNER.invoke(cli.app, ["ask", "a ### Human: b", "--model", "base"], catch_exceptions=False)
    with pytest.raises(S2Error, match="the question is too long: the model has room for 256 tokens"):
        RUNNER.invoke(cli.app, ["ask", "why " * 300, "--model", "base"], catch_exceptions=False)


def test_a_chat_goes_on_until_an_empty_line(in_tmp: Path, tiny_model: Path) -> None:
    text = (ROOT / "profiles/sample.yaml").read_text().replace("max_new_tokens: 192", "max_new_tokens: 9")
    (in_tmp / "params.yaml").write_text(text)
    (in_tmp / "models").mkdir()
    (in_tmp / "models/base").symlink_to(tiny_model)
    asked = "\n".join(["Why?", "a ### Human: b", *["How is it so?"] * 12, ""])
    done = RUNNER.invoke(cli.app, ["chat", "--model", "base"], input=asked + "\n", catch_exceptions=False)
    assert done.output.count("> ") >= 14 and done.output.count("error: ") == 1
    assert RUNNER.invoke(cli.app, ["chat", "--model", "base"], input="Why?\n").exit_code == 0


def test_commands_find_the_repository_from_below_it(
    in_tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (in_tmp / "params.yaml").write_text((ROOT / "profiles/sample.yaml").read_text())
    (in_tmp / "deep/er").mkdir(parents=True)
    (in_tmp / "deep/er/a.csv").write_text("answer\nThe cat sat on it.\n")
    monkeypatch.chdir(in_tmp / "deep/er")
    command = ["score", "a.csv", "--text", "answer", "--metrics", "readability", "--rows", "rows.csv"]
    assert RUNNER.invoke(cli.app, command, catch_exceptions=False).exit_code == 0
    assert (in_tmp / "deep/er/rows.csv").read_text().splitlines()[0] == "row,FRE,FKG"
    (in_tmp / "dvc.yaml").unlink()
    monkeypatch.chdir(in_tmp / "deep")
    with pytest.raises(S2Error, match=r"is in no S2 repository, which has a dvc\.yaml: go to your clone"):
        RUNNER.invoke(cli.app, ["stale"], catch_exceptions=False)
    assert RUNNER.invoke(cli.app, ["ask", "--help"]).exit_code == 0
    assert RUNNER.invoke(cli.app, ["--version"]).output.startswith("s2 0.")


def test_what_is_kept_is_shown_and_forgotten(in_tmp: Path) -> None:
    with ContentCache(in_tmp / ".s2/cache/unusable.sqlite") as cache:
        cache.put({"a": "An animal.", "b": ""})
    shown = RUNNER.invoke(cli.app, ["cache", "show"], catch_exceptions=False).output
    assert "unusable: 2 replies of language models that were none" in shown
    forgotten = RUNNER.invoke(cli.app, ["cache", "forget", "unusable"], catch_exceptions=False)
    assert forgotten.output.startswith("forgotten: 2 ")
    with ContentCache(in_tmp / ".s2/cache/unusable.sqlite") as cache:
        assert len(cache) == 0
    assert "nothing to forget" in RUNNER.invoke(cli.app, ["cache", "forget", "answers"]).output
    with pytest.raises(S2Error, match="there is no cache 'all'; there are: replies, unusable"):
        RUNNER.invoke(cli.app, ["cache", "forget", "all"], catch_exceptions=False)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "answer,b\nSo.,1\nSo.,1,2\n", "line 3: 3 fields, where the header has 2"),
        ("a.csv", "answer,b\nSo.\n", "line 2: 1 fields, where the header has 2"),
        ("a.csv", "answer\n", "has no row with a text in answer"),
        ("a.tsv", "answer\tb\nSo.\n", "line 2: 1 fields"),
        ("a.jsonl", '{"answer":' + "[" * 100_000 + "\n", "line 1: not JSON"),
        ("a.jsonl", "", "has no row with a text in answer"),
    ],
)
def test_what_cannot_be_scored_is_told_with_its_line(
    in_tmp: Path, name: str, text: str, message: str
) -> None:
    (in_tmp / name).write_text(text)
    command = ["score", name, "--text", "answer", "--metrics", "readability"]
    with pytest.raises(S2Error, match=message):
        RUNNER.invoke(cli.app, [*command, "--rows", "rows.csv"], catch_exceptions=False)
    assert not (in_tmp / "rows.csv").exists()


def test_each_row_s_scores_are_written(in_tmp: Path) -> None:
    name = "[red]a.csv"
    (in_tmp / name).write_text('[b]answer[/b]\nThe cat sat on it.\n""\nSo it is.\n')
    for ending in (".csv", ".tsv", ".jsonl", ".parquet"):
        command = ["score", name, "--text", "[b]answer[/b]", "--metrics", "readability"]
        done = RUNNER.invoke(cli.app, [*command, "--rows", f"rows{ending}"], catch_exceptions=False)
        assert "[red]a.csv:[b]answer[/b]" in "".join(done.output.split())
    rows = read_rows(in_tmp / "rows.parquet")
    assert [row["row"] for row in rows] == [1, 2, 3]
    assert rows[0]["FRE"] > 100 and rows[1]["FRE"] is None
    assert [json.loads(line)["row"] for line in (in_tmp / "rows.jsonl").open()] == [1, 2, 3]
    assert (in_tmp / "rows.csv").read_text().replace(",", "\t") == (in_tmp / "rows.tsv").read_text()


def test_scoring_against_references(in_tmp: Path) -> None:
    (in_tmp / "a.csv").write_text("answer,truth\nThe cats were running.,The cat runs.\nSo.,\n")
    command = ["score", "a.csv", "--text", "answer", "--metrics", "rouge,readability", "--json"]
    with pytest.raises(S2Error, match="--metrics rouge: name the --reference column"):
        RUNNER.invoke(cli.app, command, catch_exceptions=False)
    command += ["--reference", "truth"]
    ours = json.loads(RUNNER.invoke(cli.app, command).stdout)
    published = json.loads(RUNNER.invoke(cli.app, [*command, "--definition", "published"]).stdout)
    assert ours["missing"] == 1 and ours["metrics"]["rouge1"]["mean"] == pytest.approx(6 / 7, abs=1e-6)
    assert published["metrics"]["rouge1"]["mean"] == pytest.approx(2 / 7, abs=1e-6)
    assert published["metrics"]["FRE"]["n"] == 1
    with pytest.raises(S2Error, match="models/bertscore is missing: build it with `dvc repro bertscore`"):
        RUNNER.invoke(cli.app, [*command, "--metrics", "bertscore"], catch_exceptions=False)
    with pytest.raises(S2Error, match="--definition: there is no 'theirs'; there are: ours, published"):
        RUNNER.invoke(cli.app, [*command, "--definition", "theirs"], catch_exceptions=False)


def test_the_leaderboard_is_printed(in_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    missing = RUNNER.invoke(cli.app, ["leaderboard"])
    assert "dvc repro report" in str(missing.exception)
    (in_tmp / "metrics").mkdir()
    scores = {"n": 12, "rouge1": 0.25, "rouge1_se": 0.01}
    board = {"ours": {"base": {"eli5": scores}}, "tokens": 9, "published": []}
    (in_tmp / "metrics/leaderboard.json").write_text(json.dumps(board))
    result = RUNNER.invoke(cli.app, ["leaderboard", "--set", "eli5"])
    assert "0.250" in result.output and "±0.010" in result.output
    wrong = RUNNER.invoke(cli.app, ["leaderboard", "--set", "eli6"])
    assert "there is no set 'eli6'" in str(wrong.exception)
