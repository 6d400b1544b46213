"""How a stage ends."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
STAGE = """
import atexit

from stages.runner import run


class Large:
    def __del__(self) -> None:
        print("freed")


large = Large()


def main() -> None:
    atexit.register(print, "cleaned up")
    print("done")


run(main)
"""


def test_a_stage_ends_with_its_exit_functions_and_frees_nothing(tmp_path: Path) -> None:
    (tmp_path / "some.py").write_text(STAGE)
    variables = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "some"], capture_output=True, text=True, cwd=tmp_path, env=variables
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "done\ncleaned up\n"
