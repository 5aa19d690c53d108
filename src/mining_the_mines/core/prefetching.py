"""Reading ahead on threads, in order, with bounded look-ahead."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import nullcontext
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_ahead(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int, threads: Executor | None = None
) -> Generator[Result, None, None]:
    """Apply a function to items on threads.

    GDAL and hashlib release Python's global lock, so threads speed up reading. At most ``workers + 1`` results are
    pending, so memory stays flat however slow the consumer is.

    Args:
        function: Called once per item.
        items: Taken one by one.
        workers: Number of threads; with 0 or 1 everything happens in the calling thread.
        threads: Threads to use, which live on; by default new ones.

    Yields:
        Results in the order of the items. An exception of the function is raised where its result would come.
    """
    if workers < 2:
        yield from map(function, items)
        return
    remaining = iter(items)
    own = ThreadPoolExecutor(workers, thread_name_prefix="chips") if threads is None else nullcontext(threads)
    with own as pool:
        pending: deque[Future[Result]] = deque(pool.submit(function, item) for item in islice(remaining, workers + 1))
        try:
            while pending:
                yield pending.popleft().result()
                pending.extend(pool.submit(function, item) for item in islice(remaining, 1))
        finally:
            for future in pending:
                future.cancel()
