import operator
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from s2.dumps.reading import find_dumps
from s2.kernel import progress
from s2.kernel.errors import S2Error
from s2.kernel.pool import SHARDS_WAITING, map_shards

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_order(workers: int) -> None:
    assert list(map_shards(operator.neg, range(9), workers)) == [-n for n in range(9)]
    assert list(map_shards(operator.neg, [], workers)) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_is_raised_as_it_is(workers: int, tmp_path: Path) -> None:
    with pytest.raises(S2Error, match=r"no dump RS\* in "):
        list(map_shards(partial(find_dumps, pattern="RS*"), [tmp_path] * 9, workers))


def test_workers_refuse_code_that_is_not_the_stages(
    in_tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker reads the code anew: here there is no fingerprint that it could stand for."""
    monkeypatch.setenv("S2_STAGE_MODULE", "reddit")
    with pytest.raises(S2Error, match="code was edited since the stage began"):
        list(map_shards(operator.neg, range(9), 2))


def test_only_a_few_shards_are_held() -> None:
    taken = 0

    def shards() -> Iterator[int]:
        nonlocal taken
        while taken < 40:
            taken += 1
            yield 1

    results = map_shards(operator.neg, shards(), 2)
    next(results)
    assert taken <= SHARDS_WAITING * 2 + 1
    results.close()


def test_all_workers_draw_on_one_bar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * 10)
    with progress.byte_bar("test", [file]):
        list(map_shards(progress.advance, range(5), 2))
        counter = progress.shared()
        assert counter is not None and counter.value == 0 + 1 + 2 + 3 + 4
    assert progress.shared() is None


_PARENT = """
import time
from s2.kernel.pool import map_shards
if __name__ == "__main__":
    print(list(map_shards(time.sleep, [0, 0], 2)), flush=True)
    list(map_shards(time.sleep, [600, 600], 2))
"""


def test_workers_do_not_outlive_a_killed_stage(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(_PARENT)
    root = str(Path(__file__).parents[2])
    parent = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": root}
    )
    assert parent.stdout and parent.stdout.readline()
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
    if not children.exists():
        parent.kill()
        pytest.skip("needs Linux's /proc to see the workers")
    deadline = time.monotonic() + 20
    while len(children.read_text().split()) < 3 and time.monotonic() < deadline:
        time.sleep(0.1)
    workers = [int(pid) for pid in children.read_text().split()]
    time.sleep(1.5)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    while any(map(_is_alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(_is_alive, workers))


def _is_alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"
