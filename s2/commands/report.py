"""`s2 report`: the report, in a browser."""

import webbrowser
from pathlib import Path

from s2.kernel.errors import S2Error

PAGE = Path("metrics/report/index.html")


def report() -> None:
    """Open the page, and say where it is, for those whose browser is elsewhere; raises `S2Error` if it is
    not there."""
    if not PAGE.is_file():
        raise S2Error(f"{PAGE} is missing: build it with `dvc repro page`")
    print(PAGE.resolve())
    webbrowser.open(PAGE.resolve().as_uri())
