"""Runs a stage as `python` would, and writes down which functions of ours it called: an oracle for the
slicer that knows nothing of syntax trees.

Put before a stage's arguments by `tests/repository.py`; the file is named by TRACE_FOLDER and the
stage. Counting begins with the stage's `main`, since what runs at import is not what the stage does.
The profiler is the standard library's in C: one in Python takes longer than the stage.
"""

import atexit
import cProfile
import importlib
import inspect
import os
import runpy
import sys
import threading
from pathlib import Path
from types import CodeType, FrameType

ROOTS = tuple(str(Path.cwd() / top) + os.sep for top in ("s2", "stages"))
profilers: list[cProfile.Profile] = []


def begin(*_: object) -> None:
    """Profile this thread from here on."""
    profilers.append(cProfile.Profile(subcalls=False, builtins=False))
    profilers[-1].enable()


def begin_with(main_file: str) -> None:
    """Profile this thread from the call of a file's `main` on."""

    def wait(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_name == "main" and frame.f_code.co_filename == main_file:
            threading.setprofile(begin)
            begin()

    sys.setprofile(wait)


def called() -> set[str]:
    """Each of our functions that was called, as module:name of its top-level definition."""
    found = set()
    for code in [entry.code for profiler in profilers for entry in profiler.getstats()]:
        # Templates run as code too, and are dependencies as files; a class body or a module runs too,
        # but has no locals of its own to be optimised.
        if (
            isinstance(code, CodeType)
            and code.co_filename.startswith(ROOTS)
            and code.co_filename.endswith(".py")
            and code.co_flags & inspect.CO_OPTIMIZED
        ):
            path = Path(code.co_filename).relative_to(Path.cwd()).with_suffix("")
            found.add(f"{'.'.join(path.parts)}:{code.co_qualname.split('.')[0]}")
    return found


def write(module: str) -> None:
    """The file of a stage."""
    sys.setprofile(None)
    folder = Path(os.environ["TRACE_FOLDER"])
    begun = f"{module}:main"  # whose call was waited for
    (folder / os.environ["DVC_STAGE"]).write_text("\n".join(sorted({begun} | called())))


def main() -> None:
    """`python trace.py -m stages.x …` stands for `python -m stages.x …`."""
    sys.path[0] = str(Path.cwd())
    module = sys.argv[2]
    main_file = Path(*module.split(".")).with_suffix(".py").absolute()
    sys.argv = sys.argv[2:]
    # Before the profiler, which would follow every call that PyTorch makes at its import.
    importlib.import_module(module)
    del sys.modules[module]
    atexit.register(write, module)  # the runner ends the process
    begin_with(str(main_file))
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
