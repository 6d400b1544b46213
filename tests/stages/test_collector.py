"""The cycle collector is off while a stage imports, and on when it works."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def told(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_who_imports_a_stage_keeps_his_collector() -> None:
    assert told("import gc, stages.code; print(gc.isenabled())") == "True"


def test_a_stage_imports_without_it_and_works_with_it(tmp_path: Path) -> None:
    script = f"""
import gc, os, sys, types
sys.argv = ["-m"]  # as `python -m` has it while the module is being found
import stages.params
imported = gc.isenabled()
os.chdir({str(tmp_path)!r})
os.environ["DVC_ROOT"] = {str(tmp_path)!r}
main = types.FunctionType(
    (lambda: print(imported, gc.isenabled(), gc.get_freeze_count() > 1000)).__code__,
    globals() | {{"__spec__": stages.params.__spec__}},
)
stages.params.run(main)
"""
    assert told(script) == "False True True"
