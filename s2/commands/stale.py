"""`s2 stale`: which stages the next `dvc repro` would run, and why."""

from collections.abc import Sequence
from pathlib import Path

from s2.graph.state import Stale, stale_stages


def stale(targets: Sequence[str]) -> None:
    """Print a line for each stale stage, in the order in which DVC comes to them."""
    found = stale_stages(Path(), targets)
    for one in found:
        print(_line(one))
    if not found:
        print("nothing is stale")


def _line(one: Stale) -> str:
    reasons = [*one.reasons]
    if one.follows:
        reasons.append(f"if {', '.join(one.follows)} changes what it reads")
    known = " (its outputs are in the run cache: restored, not run)" if one.restored else ""
    return f"{one.stage}: {'; '.join(reasons)}{known}"
