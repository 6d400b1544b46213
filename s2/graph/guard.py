"""A stage runs only the code that its fingerprint file stands for.

DVC takes the file's hash when it reaches the stage; code that was edited since the stage `code` ran
(during a long run, or before `dvc repro -s`) would be locked under a fingerprint that is not its own.
"""

import json
import os
from pathlib import Path

from s2.graph.code import Code, Fingerprint
from s2.kernel.errors import S2Error

FOLDER = Path("data/code")
STAGE_VARIABLE = "S2_STAGE_MODULE"


def refuse_other_code(module: str) -> None:
    """Raise `S2Error` unless data/code/<module>.json is the fingerprint of `stages.<module>` as it
    stands; worker processes that start later check the same."""
    path = FOLDER / f"{module}.json"
    if not path.is_file():
        raise S2Error(f"{path} is missing: run `dvc repro code` first")
    written: Fingerprint = json.loads(path.read_text(encoding="utf-8"))
    now = Code().fingerprint((f"stages.{module}", "main"))
    if written != now:
        changed = ", ".join(differences(written, now)[:3])
        raise S2Error(
            f"stages/{module}.py would run code that {path} does not stand for ({changed}): "
            "`dvc repro` without -s or --downstream brings it up to date"
        )
    os.environ[STAGE_VARIABLE] = module


def check_worker() -> None:
    """In a process that a stage has started: refuse code that is not the stage's."""
    module = os.environ.get(STAGE_VARIABLE)
    if module:
        refuse_other_code(module)


def differences(old: Fingerprint, new: Fingerprint) -> list[str]:
    """What changed between two fingerprints, in words."""
    found = []
    for kind in ("definitions", "packages"):
        before, after = old.get(kind, {}), new.get(kind, {})
        for name in sorted(before.keys() | after.keys()):
            if name not in after:
                found.append(f"{name} is no longer used")
            elif name not in before:
                found.append(f"{name} is new")
            elif before[name] != after[name]:
                versions = f" {before[name]} → {after[name]}" if kind == "packages" else " changed"
                found.append(f"{name}{versions}")
    return found
