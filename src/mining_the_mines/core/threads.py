"""How many cores numerical libraries take."""

import sys
from contextlib import AbstractContextManager

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # publishes no types


def one_thread() -> AbstractContextManager[object]:
    """Keep OpenMP, and so torch and boosted trees, to one thread.

    It holds for the thread that asks for it. Sums that several threads share out among them change their last bit, and
    starting those threads takes longer than small pieces of work do: ask once for many pieces.
    """
    if "torch" in sys.modules:
        # It sets a thread up when that first asks for something, as many as it was told, whatever was set before.
        sys.modules["torch"].get_num_threads()
    limits: AbstractContextManager[object] = threadpool_limits(limits=1, user_api="openmp")
    return limits
