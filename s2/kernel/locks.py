"""Locks between processes, which the system lets go when their holder ends, however it ends."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from s2.kernel.errors import S2Error


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path` while the block runs; waits for another process that holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def alone(path: Path, what: str) -> Iterator[None]:
    """Hold the lock file `path` while the block runs; raises `S2Error` that says who holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise S2Error(
                f"{what} is being run already, by process {file.read().strip()}: wait for it, or end it"
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()} since {time.strftime('%H:%M:%S')}")
        file.flush()
        yield


def free(path: Path) -> bool:
    """Whether no process holds the lock file `path`."""
    if not path.is_file():
        return True
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
