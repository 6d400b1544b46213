"""Runs a stage: an `S2Error` ends it with its one message, anything else with its traceback.

When DVC started it, a stage runs only the code that its fingerprint stands for, and one that fails
says how to have its earlier outputs back, which DVC has removed.
"""

import os
import sys
from collections.abc import Callable

from s2.graph.guard import refuse_other_code
from s2.kernel.errors import S2Error


def run(main: Callable[[], None]) -> None:
    """Call a stage's `main`."""
    stage = os.environ.get("DVC_STAGE")
    try:
        if stage and stage != "code":
            refuse_other_code(main.__globals__["__spec__"].name.removeprefix("stages."))
        main()
    except S2Error as error:
        sys.exit(f"error: {error}{_advice(stage)}")
    except Exception:
        print(_advice(stage).strip(), file=sys.stderr)
        raise


def _advice(stage: str | None) -> str:
    if not stage:
        return ""
    return (
        f"\nDVC has removed what {stage} made before: `dvc checkout --force {stage}` brings it back, "
        "`git restore metrics` the headline."
    )
