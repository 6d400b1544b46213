"""DVC itself on the tiny graph: what runs, what is restored, what is refused."""

import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from s2.graph.code import Code
from tests.repository import GIT, TIMEOUT_S, Repository

pytestmark = pytest.mark.slow

WATCHES = ("s2.graph.", "stages.runner:", "s2.kernel.locks:alone")


@pytest.fixture
def repo(built: Repository) -> Iterator[Repository]:
    """The built repository, put back as it was after the test."""
    yield built
    built.run("git", "reset", "-q", "--hard")
    built.run("git", "clean", "-qfd")
    built.dvc("checkout", "-q")


def ran(output: str) -> list[str]:
    return re.findall(r"Running stage '(.+?)'", output)


def test_every_function_that_a_stage_calls_is_in_its_fingerprint(repo: Repository) -> None:
    stages = [stage for stage in repo.traces.iterdir() if stage.name != "code"]
    assert len(stages) > 20
    fingerprints = Code(repo.root).stages()
    for trace in stages:
        called = {name for name in trace.read_text().split("\n") if not name.startswith(WATCHES)}
        (main,) = [name for name in called if name.endswith(":main")]
        module = main.split(":")[0].removeprefix("stages.")
        assert called <= set(fingerprints[module]["definitions"]), trace.name


def test_nothing_is_stale_after_a_build(repo: Repository) -> None:
    assert ran(repo.dvc("repro")) == []
    assert repo.stale() == {}
    assert "up to date" in repo.dvc("status")


def test_a_comment_in_every_module_runs_code_alone(repo: Repository) -> None:
    for path in [*(repo.root / "s2").rglob("*.py"), *(repo.root / "stages").glob("*.py")]:
        path.write_text(f"{path.read_text()}\n# A comment.\n")
    assert repo.stale() == {}
    assert ran(repo.dvc("repro")) == ["code"]


def test_a_new_constant_makes_exactly_its_users_stale(repo: Repository) -> None:
    repo.edit(
        "s2/quality/readability.py",
        "206.835 - 1.015 * per_sentence - 84",
        "206.835 - 1.016 * per_sentence - 84",
    )
    stale = repo.stale()
    own = {name for name, why in stale.items() if "readability:_report changed" in why}
    assert own == {
        *("candidates@reddit", "candidates@wiki", "own", "own_pairs"),
        *("ppo@both-ppo", "evaluate@both"),
    }
    assert all("if " in why for name, why in stale.items() if name not in own)
    repo.edit("s2/report/tables.py", '"toxicity"]', '"toxicity", "words"]')
    assert "s2.report.tables:HEADLINE changed" in repo.stale("report")["report"]


def test_a_function_of_the_report_runs_the_report_alone(repo: Repository) -> None:
    repo.edit("s2/report/tables.py", '"toxicity"]', '"toxicity", "words"]')
    assert repo.stale().keys() == {"report", "page"}  # which reads the leaderboard, unchanged here
    assert ran(repo.dvc("repro")) == ["code", "report"]
    assert "words" in json.loads((repo.root / "metrics/headline/both.json").read_text())


def test_a_new_key_runs_the_check_and_the_page_that_tells_it(repo: Repository) -> None:
    repo.edit("s2/params/data.py", "    raw: Text\n", "    raw: Text\n    licence: str\n")
    repo.edit("params.yaml", "  on_error: stop", "  licence: cc  # of the dumps\n  on_error: stop")
    assert list(repo.stale()) == ["params", "page"]
    assert ran(repo.dvc("repro")) == ["code", "params", "page"]
    assert "data.licence" in (repo.root / "metrics/report/index.html").read_text()


def test_a_knob_of_the_machine_runs_nothing_but_the_check(repo: Repository) -> None:
    repo.edit("params.yaml", "memory: 4 ", "memory: 2 ")
    assert ran(repo.dvc("repro")) == ["params"]


def test_there_and_back_runs_no_stage(repo: Repository) -> None:
    adapter = (repo.root / "models/sft/both/adapter_model.safetensors").read_bytes()
    metrics = (repo.root / "metrics/sft/both.json").read_text()
    repo.edit("params.yaml", "  lr: 0.002 ", "  lr: 0.5 ")
    assert repo.stale("sft@both") == {"sft@both": "sft.lr 0.002 → 0.5"}
    there = ran(repo.dvc("repro", "params", "merge@both-simple"))
    assert sorted(there) == ["merge@both-simple", "params", "sft@both"]
    assert (repo.root / "models/sft/both/adapter_model.safetensors").read_bytes() != adapter
    repo.edit("params.yaml", "  lr: 0.5 ", "  lr: 0.002 ")
    assert "restored, not run" in repo.stale("sft@both")["sft@both"]
    assert ran(repo.dvc("repro", "params", "merge@both-simple")) == []
    assert repo.stale() == {}
    assert (repo.root / "models/sft/both/adapter_model.safetensors").read_bytes() == adapter
    assert (repo.root / "metrics/sft/both.json").read_text() == metrics


def test_a_second_clone_with_the_run_cache_runs_no_stage(repo: Repository, tmp_path: Path) -> None:
    remote, clone = tmp_path / "remote", tmp_path / "clone"
    for command in (["remote", "add", "-d", "shared", str(remote)], ["push", "-q", "--run-cache"]):
        repo.dvc(*command)
    repo.run("git", "clone", "-q", str(repo.root), str(clone))
    other = Repository(clone, tmp_path, repo.python)
    other.dvc("remote", "add", "-d", "shared", str(remote))
    other.dvc("pull", "-q", "--run-cache", "--allow-missing")
    # The base and merged models are not pushed: anybody can make them again.
    remade = {"base", "merge@both-simple"}
    assert set(ran(other.dvc("repro", "--pull"))) == remade
    assert ran(other.dvc("repro")) == []
    assert (clone / "models/sft/both/adapter_config.json").is_file()
    (clone / "dvc.lock").unlink()
    # The headline is in git and not in the cache, so that its stage, a second's work, is not shared.
    assert set(ran(other.dvc("repro", "--pull"))) <= {"report", *remade}


def test_code_that_is_not_the_fingerprints_is_refused(repo: Repository) -> None:
    repo.edit("s2/models/prompts.py", "### Human:", "### Person:")
    done = repo.run(sys.executable, "-m", "dvc", "repro", "-s", "-f", "datasets@both")
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "stages/datasets.py would run code that data/code/datasets.json does not stand for" in said
    assert "s2.models.prompts:HUMAN changed" in said and "Traceback" not in said
    assert "`dvc checkout --force datasets@both`" in said
    repo.dvc("checkout", "--force", "datasets@both")
    assert (repo.root / "data/sft/both/train.parquet").is_file()


def test_an_edit_in_the_middle_of_a_run_is_not_locked(repo: Repository) -> None:
    """The code of `datasets` changes when `splits` runs: it must not be locked under the old one."""
    repo.edit("params.yaml", "min_score: 4 ", "min_score: 2 ")
    running = subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro", "datasets@both"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=repo.root,
        env=repo.environment(),
    )
    assert running.stdout
    said = []
    for line in running.stdout:
        said.append(line)
        if "Running stage 'splits'" in line:
            repo.edit("s2/models/prompts.py", "### Human:", "### Person:")
    assert running.wait(TIMEOUT_S) != 0
    assert "does not stand for (s2.models.prompts:HUMAN changed)" in "".join(said)
    # The base is checked with the prompt too.
    assert set(ran(repo.dvc("repro", "datasets@both"))) == {"code", "base", "datasets@both"}


def test_an_experiment_elsewhere_shares_caches(repo: Repository) -> None:
    before = cached(repo, "toxicity"), cached(repo, "replies")
    logs = set((repo.root / ".s2/logs").iterdir())
    said = repo.dvc("exp", "run", "--temp", "-S", "seed=18", "sft@both")
    assert "sft@both" in ran(said)
    assert (cached(repo, "replies"), set((repo.root / ".s2/logs").iterdir())) == (before[1], logs)
    assert cached(repo, "toxicity") >= before[0]
    assert not list((repo.root / ".dvc/tmp/exps").rglob(".s2"))


def test_two_experiments_elsewhere_at_once(repo: Repository) -> None:
    replies = cached(repo, "replies")
    # DVC's own lock is held for a moment at the start and the end of each: the other waits for it.
    command = [sys.executable, "-m", "dvc", "--wait-for-lock", "exp", "run", "--temp", "sft@both"]
    both = [
        subprocess.Popen(
            [*command, "-S", f"sft.lr={lr}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=repo.root,
            env=repo.environment(),
        )
        for lr in ("0.003", "0.004")
    ]
    for one in both:
        said, _ = one.communicate(timeout=TIMEOUT_S)
        assert one.returncode == 0 and "sft@both" in ran(said), said[-2000:]
    rates = {params["sft"]["lr"] for params in experiments(repo)}
    assert {0.003, 0.004} <= rates
    assert cached(repo, "replies") == replies
    assert [path for path in (repo.root / ".s2/checkpoints").iterdir() if path.is_dir()] == []
    repo.dvc("exp", "remove", "-A")


def experiments(repo: Repository) -> list[dict[str, Any]]:
    """The parameters of all experiments of HEAD."""
    (baseline,) = [one for one in json.loads(repo.dvc("exp", "show", "--json")) if one["experiments"]]
    revisions = [revision for one in baseline["experiments"] for revision in one["revs"]]
    return [revision["data"]["params"]["params.yaml"]["data"] for revision in revisions]


def test_a_fourth_dataset_and_a_model_on_it_by_parameters_alone(repo: Repository) -> None:
    said = repo.dvc(
        "exp",
        "run",
        "-S",
        "+datasets.third={reddit: [askscience, explainlikeimfive], rows: 9}",
        "-S",
        "+sft.models.third={data: third, lr: 0.002}",
        "-S",
        "+merge.models.third-simple={from: sft/third, method: simple, data: third}",
        "-S",
        "+evaluate.models.third=models/merged/third-simple",
    )
    assert {"datasets@third", "cards@third", "sft@third", "merge@third-simple"} <= set(ran(said))
    assert "sft@both" not in ran(said) and "splits" not in ran(said)
    board = json.loads((repo.root / "metrics/leaderboard.json").read_text())["ours"]
    assert set(board) == {"both", "third"} and set(board["third"]) == {"both"}
    assert "r/askscience" in (repo.root / "data/sft/third/README.md").read_text()


def cached(repo: Repository, name: str) -> int:
    with sqlite3.connect(repo.root / f".s2/cache/{name}.sqlite") as db:
        return int(db.execute("SELECT count(*) FROM cache").fetchone()[0])


def test_git_knows_nothing_of_the_machine(repo: Repository) -> None:
    """What `.s2`, `data` and `models` hold is never committed."""
    listed = repo.run(*GIT, "ls-files").stdout.split()
    kept = {"data/raw/.gitignore", "data/raw/own/README.md", "data/best/none/README.md"}
    kept |= {"models/local/.gitignore", "models/local/README.md"}
    found = {name for name in listed if name.startswith((".s2/", "data/", "models/"))}
    assert found == kept
