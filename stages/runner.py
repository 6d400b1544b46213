"""Runs a stage: what a user can mend ends it with one message, anything else with its traceback.

When DVC started it, a stage runs only the code that its fingerprint stands for, ends when DVC is
gone, and if it fails says how to have its earlier outputs back, which DVC has removed. Of two that
would write the same outputs, the second says who the first is.
"""

import atexit
import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path

from s2.graph.guard import refuse_other_code
from s2.kernel.children import boss, end_with_parent
from s2.kernel.errors import S2Error
from s2.kernel.faults import disk_fault
from s2.kernel.hashes import fingerprint
from s2.kernel.locks import alone
from s2.kernel.paths import local

INTERRUPTED = 130  # as shells report SIGINT


def run(main: Callable[[], None]) -> None:
    """Call a stage's `main`."""
    gc.enable()  # which importing the stage was spared, see `stages`
    stage = os.environ.get("DVC_STAGE")
    module = main.__globals__["__spec__"].name.removeprefix("stages.")
    name = stage or " ".join([module, *sys.argv[1:]])
    try:
        if stage or boss():
            end_with_parent(boss() or os.getppid())
        if stage and stage != "code":
            refuse_other_code(module)
        if boss():
            main()
            return
        # By its folder too: an experiment that runs elsewhere writes other outputs.
        lock = f"{fingerprint([], str(Path.cwd()), name)[:16]}.lock"
        with alone(local("locks", lock), f"stage {name}"):
            main()
    except S2Error as error:
        sys.exit(f"error: {error}{_advice(stage)}")
    except KeyboardInterrupt:
        print(f"\n{name}: interrupted{_advice(stage)}", file=sys.stderr, flush=True)
        os._exit(INTERRUPTED)  # at once: threads may wait for a reply for minutes
    except Exception as error:
        if message := disk_fault(error, str(Path.cwd())):
            sys.exit(f"error: {message}{_advice(stage)}")
        print(_advice(stage).strip(), file=sys.stderr)
        raise
    else:  # what goes wrong from here on has lost no output
        _end()


def _end() -> None:
    """End well, without what an interpreter does last: to free, one by one, all objects that PyTorch and
    transformers have made takes it 2 to 3 seconds, and the system at once."""
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _advice(stage: str | None) -> str:
    if not stage:
        return ""
    return (
        f"\nDVC has removed what {stage} made before: `dvc checkout --force {stage}` brings it back, "
        "`git restore metrics` the headline."
    )
