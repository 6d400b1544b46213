"""Processes that do not outlive the one that they work for: one killed by SIGKILL cannot end its own."""

import os
import threading
import time

BOSS = "S2_BOSS"  # names the process that has started this one to share its work


def is_running(pid: int) -> bool:
    """Whether there is a process of that number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def end_with_parent(parent: int) -> None:
    """Watch a process that this one works for, by its process id, and end when it is gone."""
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    is_child = os.getppid() == parent  # then its number may not be given to another in between
    while os.getppid() == parent if is_child else is_running(parent):
        time.sleep(0.5)
    os._exit(1)


def boss() -> int | None:
    """The process whose stage this one helps with, None if it runs one of its own."""
    pid = os.environ.get(BOSS)
    return int(pid) if pid else None
