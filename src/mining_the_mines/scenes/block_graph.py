"""Blocks as a Dask graph: on threads of this process, or on the workers of a scheduler."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from dask.base import compute
from dask.callbacks import Callback
from dask.delayed import delayed
from distributed import Client, as_completed
from pydantic import BaseModel, ConfigDict, Field

from mining_the_mines.scenes.errors import SceneError

Shared = TypeVar("Shared")
Task = TypeVar("Task")
Result = TypeVar("Result")
#: Called with nothing whenever a block is done.
Advance = Callable[[], None]
_SECONDS_TO_CONNECT = 5


class DaskSettings(BaseModel):
    """Where blocks are worked on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str | None = Field(
        None, description="A Dask scheduler, such as tcp://host:8786; null for threads of this process."
    )
    workers: int = Field(2, ge=1, description="Threads of this process that work on blocks; unused with an address.")


def run_blocks(
    work: Callable[[Shared, Task], Result],
    shared: Shared,
    tasks: Sequence[Task],
    settings: DaskSettings,
    advance: Advance,
) -> list[Result]:
    """Work on blocks, in any order and several at a time.

    What travels are tasks and results: keep both small. Workers write their blocks themselves, so they need to see the
    same folders.

    Args:
        work: What is done with a block; a function of a module, so that workers find it.
        shared: What all blocks have in common; it travels to each worker once.
        tasks: The blocks.
        settings: Where.
        advance: Called after each block.

    Returns:
        A result a block, in the order of the tasks.

    Raises:
        SceneError: If no scheduler answers at the address.
    """
    if not tasks:
        return []
    if settings.address is not None:
        return _on_cluster(work, shared, tasks, settings.address, advance)
    everywhere = delayed(shared, traverse=False)
    graph = [delayed(work, pure=False)(everywhere, task) for task in tasks]
    names = {block.key for block in graph}
    with Callback(posttask=lambda key, *_: advance() if key in names else None):
        return list(compute(*graph, scheduler="threads", num_workers=settings.workers))


def _on_cluster(
    work: Callable[[Shared, Task], Result], shared: Shared, tasks: Sequence[Task], address: str, advance: Advance
) -> list[Result]:
    try:
        client = Client(address, timeout=_SECONDS_TO_CONNECT)
    except (OSError, ValueError) as error:
        raise SceneError(
            f"No Dask scheduler answers at {address} ({type(error).__name__}): start one, correct dask.address, or "
            f"leave it empty to work on this machine."
        ) from error
    with client:
        everywhere = client.scatter(shared, broadcast=True)
        futures = [client.submit(work, everywhere, task, pure=False) for task in tasks]
        try:
            for done in as_completed(futures):
                done.result()  # the first error ends the work
                advance()
            return [future.result() for future in futures]
        finally:
            client.cancel(futures)
