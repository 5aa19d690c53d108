"""Blocks as a Dask graph: on threads of this process, or on the workers of a scheduler."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from dask.base import compute
from dask.callbacks import Callback
from dask.delayed import Delayed, delayed
from distributed import Client, as_completed
from pydantic import BaseModel, ConfigDict, Field

from mining_the_mines.scenes.errors import SceneError

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
    work: Callable[[Task], Result], tasks: Sequence[Task], settings: DaskSettings, advance: Advance
) -> list[Result]:
    """Work on blocks, in any order and several at a time.

    What travels are tasks and results: keep both small. Workers write their blocks themselves, so they need to see the
    same folders.

    Args:
        work: What is done with a block; a function of a module, so that workers find it.
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
    graph = [delayed(work, pure=False)(task) for task in tasks]
    if settings.address is None:
        with Callback(posttask=lambda *_: advance()):
            return list(compute(*graph, scheduler="threads", num_workers=settings.workers))
    return _on_cluster(graph, settings.address, advance)


def _on_cluster(graph: list[Delayed], address: str, advance: Advance) -> list[Result]:
    try:
        client = Client(address, timeout=_SECONDS_TO_CONNECT)
    except (OSError, ValueError) as error:
        raise SceneError(
            f"No Dask scheduler answers at {address} ({type(error).__name__}): start one, correct dask.address, or "
            f"leave it empty to work on this machine."
        ) from error
    with client:
        futures = client.compute(graph)
        for _ in as_completed(futures):
            advance()
        return list(client.gather(futures))
