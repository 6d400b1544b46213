import sqlite3
from pathlib import Path

import pytest

from s2.kernel.faults import disk_fault


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            OSError(28, "No space left on device", "data/x.parquet"),
            "data/x.parquet: there is no space left",
        ),
        (OSError(30, "Read-only file system", "data/x"), "data/x: it cannot be read or written"),
        (
            PermissionError(13, "Permission denied", "data/raw/RS.zst"),
            "data/raw/RS.zst: it cannot be read",
        ),
        (sqlite3.OperationalError("database or disk is full"), "here: there is no space left"),
        (sqlite3.OperationalError("attempt to write a readonly database"), "here: it cannot be read"),
        (RuntimeError('Could not write to "/tmp/a/b": No space left on device'), "/tmp/a/b: there is no"),
    ],
)
def test_a_full_or_closed_disk_is_told_with_its_path(error: Exception, told: str) -> None:
    message = disk_fault(error, "here")
    assert message is not None and message.startswith(told)


def test_the_cause_of_an_error_counts_and_what_was_suppressed_does_not() -> None:
    full = OSError(28, "No space left on device", "a")
    try:
        raise ValueError from full
    except ValueError as error:
        assert disk_fault(error, "here") is not None
    try:
        try:
            raise full
        except OSError:
            raise ValueError from None
    except ValueError as error:
        assert disk_fault(error, "here") is None


@pytest.mark.parametrize("error", [ValueError("x"), RuntimeError("CUDA driver: permission denied")])
def test_other_errors_are_their_own(error: Exception, tmp_path: Path) -> None:
    assert disk_fault(error, str(tmp_path)) is None
