"""Runs a stage: an `S2Error` ends it with its one message, anything else with its traceback."""

import sys
from collections.abc import Callable

from s2.errors import S2Error


def run(main: Callable[[], None]) -> None:
    """Call a stage's `main`."""
    try:
        main()
    except S2Error as error:
        sys.exit(f"error: {error}")
