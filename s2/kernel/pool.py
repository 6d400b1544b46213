"""A pure function from shard to shard, mapped by a pool of local processes."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice
from multiprocessing import get_context
from multiprocessing.sharedctypes import Synchronized
from typing import TypeVar

from s2.graph.guard import check_worker
from s2.kernel import progress
from s2.kernel.children import end_with_parent
from s2.kernel.errors import S2Error

Shard = TypeVar("Shard")
Result = TypeVar("Result")

SHARDS_WAITING = 2


def map_shards(
    function: Callable[[Shard], Result], shards: Iterable[Shard], workers: int
) -> Generator[Result, None, None]:
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
        except BrokenProcessPool:
            raise S2Error(
                "a worker process ended before its work was done: it ran out of memory (take fewer "
                "machine.workers), or the code was edited since the stage began (its message is above)"
            ) from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _begin(parent: int, counter: "Synchronized[int] | None") -> None:
    """In a worker: draw on the parent's bar, and run only the code that the parent's stage stands
    for, since a worker reads it anew."""
    end_with_parent(parent)
    progress.share(counter)
    check_worker()
