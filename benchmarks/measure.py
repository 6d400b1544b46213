"""Time and peak memory of a function, in a process of its own."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import psutil


@dataclass(frozen=True)
class Measured:
    """Seconds, peak resident memory of the process and all its children in MB (sampled every 20 ms),
    and what the function returned."""

    seconds: float
    peak_mb: float
    result: Any

    def __str__(self) -> str:
        return f"{self.seconds:8.2f} s, peak {self.peak_mb:6,.0f} MB"


def measure(function: Callable[..., Any], *arguments: Any) -> Measured:
    """Call a module's function in a fresh process and measure it there."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_measured, function, arguments).result()


def _measured(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Measured:
    peak = 0
    finished = threading.Event()

    def sample() -> None:
        nonlocal peak
        while not finished.wait(0.02):
            peak = max(peak, _resident())

    sampling = threading.Thread(target=sample)
    sampling.start()
    start = time.perf_counter()
    try:
        result = function(*arguments)
        seconds = time.perf_counter() - start
    finally:
        finished.set()
        sampling.join()
    return Measured(seconds, peak / 1e6, result)


def _resident() -> int:
    """Bytes of this process and all below it; one may end while it is looked at."""
    total = 0
    this = psutil.Process()
    for process in [this, *this.children(recursive=True)]:
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def promise(what: str, ratio: float, least: float | None = None, most: float | None = None) -> None:
    """Print a ratio beside what was promised of it."""
    bound = f"≥ {least:g}" if least is not None else f"≤ {most:g}"
    kept = ratio >= least if least is not None else most is not None and ratio <= most
    print(f"{what}: {ratio:.2f} (promised {bound}) {'kept' if kept else 'NOT KEPT'}")
