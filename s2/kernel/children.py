"""Child processes that do not outlive their parent: one killed by SIGKILL cannot end its own."""

import os
import threading
import time


def end_with_parent(parent: int) -> None:
    """In a child process: watch the parent by its process id, and end when it is gone."""
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
