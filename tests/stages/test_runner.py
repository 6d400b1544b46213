"""How a stage begins and ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STAGE = """
import atexit
import gc

from stages.runner import run

gc.disable()


class Large:
    def __del__(self) -> None:
        print("freed")


large = Large()


def main() -> None:
    atexit.register(print, "cleaned up")
    print("done" if gc.isenabled() else "never collects")


run(main)
"""


@pytest.mark.parametrize(
    ("started", "collects"),
    [(["-m", "stages.some"], "False 10000"), (["-c", "import stages.some"], "True 700")],
)
def test_python_collects_no_garbage_while_it_imports_what_it_runs(
    tmp_path: Path, started: list[str], collects: str
) -> None:
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages/__init__.py").write_text((ROOT / "stages/__init__.py").read_text())
    told = "print(gc.isenabled(), gc.get_threshold()[0])"
    (tmp_path / "stages/some.py").write_text(f"import gc\n\n{told}\n")
    done = subprocess.run([sys.executable, *started], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.strip() == collects


def test_a_stage_ends_with_its_exit_functions_and_frees_nothing(tmp_path: Path) -> None:
    (tmp_path / "some.py").write_text(STAGE)
    variables = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "some"], capture_output=True, text=True, cwd=tmp_path, env=variables
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "done\ncleaned up\n"
