"""A repository of its own, in which DVC builds the whole graph of the tiny profile."""

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
TRACE = Path(__file__).with_name("graph") / "trace.py"
FORKS = Path(__file__).with_name("graph") / "forks.py"
TIMEOUT_S = 1800  # of a command: a hanging one is a failure that is named
GIT = ["git", "-c", "user.name=tester", "-c", "user.email=tester@example.org"]


@dataclass(frozen=True)
class Repository:
    """A clone in which the graph was built, with the functions that each stage called, and the `python`
    by which DVC starts stages."""

    root: Path
    traces: Path
    python: Path

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the clone."""
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            cwd=self.root,
            env=self.environment() | variables,
            timeout=TIMEOUT_S,
        )

    def environment(self) -> dict[str, str]:
        """As that of any command, this repository's `python` first in PATH."""
        found = environment()
        return found | {"PATH": f"{self.python.parent}{os.pathsep}{found['PATH']}"}

    def dvc(self, *arguments: str) -> str:
        """Run DVC, which must succeed; returns what it printed."""
        done = self.run(sys.executable, "-m", "dvc", *arguments)
        assert done.returncode == 0, f"{arguments}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done.stdout + done.stderr

    def stale(self, *targets: str) -> dict[str, str]:
        """What `s2 stale` says, by stage."""
        done = self.run(sys.executable, "-c", "from s2.cli import main; main()", "stale", *targets)
        assert done.returncode == 0, done.stderr
        lines = [line.split(": ", 1) for line in done.stdout.splitlines()]
        return {line[0]: line[1] for line in lines if len(line) == 2}

    def edit(self, name: str, old: str, new: str) -> None:
        """Change a file of the clone."""
        path = self.root / name
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {name}"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def commit(self, message: str) -> None:
        """Commit all changes of the clone."""
        for command in (["add", "-A"], ["commit", "-qm", message]):
            done = self.run(*GIT, *command)
            assert done.returncode == 0, done.stdout + done.stderr


def environment() -> dict[str, str]:
    """This environment without what DVC sets, the interpreter of the tests first in PATH."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "S2_"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    authors = {"GIT_AUTHOR_NAME": "tester", "GIT_AUTHOR_EMAIL": "tester@example.org"}
    committers = {"GIT_COMMITTER_NAME": "tester", "GIT_COMMITTER_EMAIL": "tester@example.org"}
    return kept | authors | committers | {"PATH": path, "PYTHONPATH": ""}


def working_tree(folder: Path) -> None:
    """A repository of what git knows of this one, as it stands in the working tree."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file() and not name.startswith(("metrics/", "dvc.lock")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    subprocess.run([*GIT, "init", "-q"], cwd=folder, check=True)


def at_once(python: Path) -> None:
    """Make a `python` in a folder of its own whose stages are forks of a process that has imported the
    libraries, and that ends with this one."""
    python.parent.mkdir()
    asked = python.with_name("socket")
    serving = [sys.executable, str(FORKS), "serve", str(asked)]
    server = subprocess.Popen(serving, env=environment(), stdin=subprocess.DEVNULL)
    line = f'exec {sys.executable} -S {FORKS} ask {asked} ${{TRACED:+"$TRACED"}} "$@"'
    python.write_text(f"#!/bin/sh\n{line}\n")
    python.chmod(0o755)
    deadline = time.monotonic() + TIMEOUT_S
    while not asked.exists():
        assert server.poll() is None and time.monotonic() < deadline, "no stage can be started"
        time.sleep(0.1)


def build(root: Path, traces: Path, python: Path) -> Repository:
    """The tiny graph, built by one worker under tests/graph/trace.py."""
    working_tree(root)
    repository = Repository(root, traces, python)
    done = repository.run(sys.executable, "-c", "from s2.cli import main; main()", "use", "tiny")
    assert done.returncode == 0, done.stderr
    repository.edit("params.yaml", "workers: 2 ", "workers: 1 ")
    repository.commit("tiny")
    traced = {"TRACED": str(TRACE), "TRACE_FOLDER": str(traces)}
    done = repository.run(sys.executable, "-m", "dvc", "repro", **traced)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    repository.commit("built")
    return repository
