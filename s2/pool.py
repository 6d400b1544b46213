"""A pure function from shard to shard, mapped by a pool of local processes."""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import chain, islice
from multiprocessing import get_context
from typing import Any, TypeVar

from s2 import progress

Shard = TypeVar("Shard")
Result = TypeVar("Result")

SHARDS_WAITING = 2


def map_shards(
    function: Callable[[Shard], Result], shards: Iterable[Shard], workers: int
) -> Iterator[Result]:
    """`function` of each shard, in order, by `workers` processes (or by this one, if one is enough).

    At most `SHARDS_WAITING` shards for each worker are held, so that the shards may be a stream of
    any length. The function and the shards must be picklable. Raises what the function raises.
    """
    coming = iter(shards)
    begun = list(islice(coming, 2))
    shards = chain(begun, coming)
    if workers == 1 or len(begun) < 2:
        yield from map(function, shards)
        return
    with ProcessPoolExecutor(
        workers,
        mp_context=get_context("spawn"),
        initializer=_begin,
        initargs=(os.getpid(), progress.shared()),
    ) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for shard in shards:
                waiting.append(pool.submit(function, shard))
                if len(waiting) > SHARDS_WAITING * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _begin(parent: int, counter: Any) -> None:
    """In a worker: draw on the parent's bar, and end when the parent is gone, since one that was
    killed cannot end its workers."""
    progress.share(counter)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
