"""Faults × stages: kill -9, Ctrl-C, a full disk, one that cannot be written to.

Whatever breaks a stage, its earlier outputs stay as they were, nothing unfinished lies among them,
one message says what happened, and the next run gives the same bytes.
"""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.breaking import (
    FAULTS,
    QUICK,
    STAGES,
    break_stage,
    can_mount,
    content,
    copy,
    start,
    wait_until_writing,
)
from tests.repository import Repository, environment

pytestmark = pytest.mark.slow

MESSAGES = {
    "interrupt": "interrupted",
    "full": "there is no space left",
    "read_only": "it cannot be read or written",
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "fault" in metafunc.fixturenames:
        every = metafunc.config.getoption("--every-stage")
        wanted = dict.fromkeys(STAGES, FAULTS) if every else QUICK
        pairs = [(stage, fault) for stage, faults in wanted.items() for fault in faults]
        metafunc.parametrize(("stage", "fault"), pairs)


@pytest.fixture
def folder(built: Repository, tmp_path: Path) -> Iterator[Path]:
    yield copy(built.root, tmp_path / "repo")
    shutil.rmtree(tmp_path / "repo")


def test_a_broken_stage_leaves_what_was_there_and_runs_again(
    built: Repository,
    folder: Path,
    stage: str,
    fault: str,
    record_property: Callable[[str, object], None],
) -> None:
    if fault in ("full", "read_only") and not can_mount():
        pytest.skip("this system lets no process mount a disk of its own")
    before = content(folder)
    status, said = break_stage(folder, stage, fault)
    ended = status == 0
    record_property("fault", (stage, fault, "ended before" if ended else "broken"))
    assert content(folder) == before
    if not ended and fault in MESSAGES:
        lines = [line for line in said.splitlines() if MESSAGES[fault] in line]
        assert len(lines) == 1 and (fault == "interrupt" or lines[0].startswith("error: ")), said
        assert "Traceback" not in said, said[-2000:]
        assert status == (130 if fault == "interrupt" else 1)
    again = start(folder, stage, python=str(built.python))
    _, told = again.communicate(timeout=120)
    assert again.returncode == 0, told[-2000:]
    assert content(folder) == before
    left = list((folder / ".s2/tmp").glob("*/*"))
    assert left == []


def test_a_second_run_of_a_stage_says_who_the_first_is(folder: Path) -> None:
    before = content(folder)
    first = start(folder, "wiki")
    wait_until_writing(folder, first)
    first.send_signal(signal.SIGSTOP)
    second = start(folder, "wiki")
    _, said = second.communicate(timeout=60)
    first.send_signal(signal.SIGCONT)
    assert second.returncode == 1
    assert f"error: stage wiki is being run already, by process {first.pid} since " in said
    first.communicate(timeout=60)
    assert first.returncode == 0 and content(folder) == before


def test_a_stage_ends_with_dvc(folder: Path) -> None:
    """DVC alone is killed: its stage must not go on outside of every lock."""
    command = [sys.executable, "-m", "dvc", "repro", "-f", "-s", "sft@both"]
    dvc = subprocess.Popen(
        command, cwd=folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    wait_until_writing(folder, dvc)
    assert dvc.poll() is None
    (writing,) = {int(path.parent.name.rpartition(".")[2]) for path in (folder / ".s2/tmp").glob("*/*")}
    dvc.kill()
    dvc.wait()
    deadline = time.monotonic() + 60
    while works(writing) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not works(writing)


def works(pid: int) -> bool:
    """Whether a process runs: one that has ended keeps its number until its new parent has asked for its
    status, which the first process of a container may never do."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] not in {"Z", "X"}
