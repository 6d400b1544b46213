"""A progress bar over bytes that several processes read."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

from tqdm import tqdm

_counter: "Synchronized[int] | None" = None


def share(counter: "Synchronized[int] | None") -> None:
    """Let `advance` count on `counter`, which another process may have made."""
    global _counter
    _counter = counter


def shared() -> "Synchronized[int] | None":
    """The counter of the bar that is being drawn, to be handed to another process."""
    return _counter


def advance(count: int) -> None:
    """Count bytes on the bar that is being drawn, if there is one."""
    if _counter is not None:
        with _counter.get_lock():
            _counter.value += count


@contextmanager
def byte_bar(label: str, files: Iterable[Path]) -> Iterator[None]:
    """Draw a bar of the bytes of all files, with their rate and the time left, on a terminal."""
    total = sum(file.stat().st_size for file in files)
    counter = get_context("spawn").Value("q", 0)
    finished = threading.Event()
    with tqdm(total=total, desc=label, unit="B", unit_scale=True, leave=False, disable=None) as bar:

        def draw() -> None:
            while not finished.wait(0.5):
                bar.update(counter.value - bar.n)

        drawing = threading.Thread(target=draw, daemon=True)
        share(counter)
        drawing.start()
        try:
            yield
        finally:
            finished.set()
            drawing.join()
            share(None)
