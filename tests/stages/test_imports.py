"""What a stage waits for before it begins: no library that it does not use."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("module", "library"),
    [("stages.judge", "torch"), ("stages.evaluate", "evaluate"), ("stages.answers", "openai")],
)
def test_a_library_is_not_imported_for_nothing(module: str, library: str) -> None:
    script = f"import sys, {module}; print({library!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
