import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from s2.train.checkpoints import FORGOTTEN_DAYS, checkpoint_folder, last_checkpoint

ROOT = Path(__file__).parents[2]


def test_a_half_saved_checkpoint_is_passed_over(tmp_path: Path) -> None:
    assert last_checkpoint(tmp_path) is None
    for step, state in {4: "{}", 20: "{}", 24: '{"epoch"', 28: None}.items():
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        if state is not None:
            (folder / "trainer_state.json").write_text(state)
    assert last_checkpoint(tmp_path) == str(tmp_path / "checkpoint-20")


class Killed(Exception):
    pass


def killed(name: str, data: Path, values: object) -> Path:
    """The folder of a run that was killed when it had a checkpoint."""
    with pytest.raises(Killed), checkpoint_folder(name, [data], values) as folder:
        (folder / "checkpoint-4").mkdir(exist_ok=True)
        raise Killed
    return folder


def test_checkpoints_belong_to_their_inputs_and_go_when_the_run_is_done(in_tmp: Path) -> None:
    data = in_tmp / "train.parquet"
    data.write_text("rows")
    first = killed("sft-eli5", data, {"lr": 1})
    assert killed("sft-eli5", data, {"lr": 2}) != first
    data.write_text("other rows")
    assert killed("sft-eli5", data, {"lr": 1}) != first
    data.write_text("rows")
    with checkpoint_folder("sft-eli5", [data], {"lr": 1}) as folder:
        assert folder == first and (folder / "checkpoint-4").is_dir()
    assert not first.exists()


def test_forgotten_checkpoints_are_removed(in_tmp: Path) -> None:
    data = in_tmp / "train.parquet"
    data.write_text("rows")
    old, young = killed("sft-a", data, 1), killed("sft-b", data, 1)
    before = time.time() - (FORGOTTEN_DAYS + 1) * 24 * 3600
    for path in (old / "checkpoint-4", old):
        os.utime(path, (before, before))
    with checkpoint_folder("sft-c", [data], 1):
        pass
    assert young.exists() and not old.exists()


_TWO = """
import sys, time
from pathlib import Path
from s2.train.checkpoints import checkpoint_folder
with checkpoint_folder("sft-a", [Path("data")], 1) as folder:
    print(time.monotonic(), flush=True)
    time.sleep(1)
    print(time.monotonic(), len(list(folder.iterdir())), flush=True)
"""


def test_a_second_run_with_the_same_inputs_waits_for_the_first(in_tmp: Path) -> None:
    (in_tmp / "data").write_text("rows")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    runs = [
        subprocess.Popen([sys.executable, "-c", _TWO], stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(2)
    ]
    told = [run.communicate()[0].split() for run in runs]
    assert all(run.returncode == 0 for run in runs)
    (_, first_end, _), (second_begin, _, _) = sorted(told, key=lambda words: float(words[0]))
    assert float(second_begin) >= float(first_end)
