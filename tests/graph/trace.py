"""Runs a stage as `python` would, and writes down which functions of ours it called: an oracle for the
slicer that knows nothing of syntax trees.

Started in place of `python` by `tests/repository.py`; the file is named by TRACE_FOLDER and the
stage. Counting begins with the stage's `main`, since what runs at import is not what the stage does.
"""

import importlib
import inspect
import os
import runpy
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

ROOTS = tuple(str(Path.cwd() / top) + os.sep for top in ("s2", "stages"))


class Tracer:
    """Notes each of our functions that is called, as module:name of its top-level definition."""

    def __init__(self, main_file: str) -> None:
        self.called: set[str] = set()
        self._main_file = main_file
        self._begun = False

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        # Templates run as code too, and are dependencies as files.
        if event != "call" or not (
            code.co_filename.startswith(ROOTS) and code.co_filename.endswith(".py")
        ):
            return
        if not self._begun:
            self._begun = code.co_name == "main" and code.co_filename == self._main_file
        # A class body or a module runs too, but has no locals of its own to be optimised.
        if self._begun and code.co_flags & inspect.CO_OPTIMIZED:
            path = Path(code.co_filename).relative_to(Path.cwd()).with_suffix("")
            self.called.add(f"{'.'.join(path.parts)}:{code.co_qualname.split('.')[0]}")


def main() -> None:
    """`python trace.py -m stages.x …` stands for `python -m stages.x …`."""
    sys.path[0] = str(Path.cwd())
    module = sys.argv[2]
    tracer = Tracer(str(Path(*module.split(".")).with_suffix(".py").absolute()))
    sys.argv = sys.argv[2:]
    # Before the tracer, which would follow every call that PyTorch makes at its import.
    importlib.import_module(module)
    del sys.modules[module]
    threading.setprofile(tracer)
    sys.setprofile(tracer)
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        sys.setprofile(None)
        folder = Path(os.environ["TRACE_FOLDER"])
        (folder / os.environ["DVC_STAGE"]).write_text("\n".join(sorted(tracer.called)))


if __name__ == "__main__":
    main()
