"""Work as a Dask graph: on threads of this process, or on the workers of a scheduler."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

from distributed import Client, Future, LocalCluster, as_completed
from pydantic import BaseModel, ConfigDict, Field

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.execution_fields import EXECUTION_ONLY

logger = logging.getLogger(__name__)

Shared = TypeVar("Shared")
Task = TypeVar("Task")
Result = TypeVar("Result")
#: Called with nothing whenever a block is done.
Advance = Callable[[], None]
_SECONDS_TO_CONNECT: Final = 5
_LOOPBACK: Final = "127.0.0.1:0"


class DaskSettings(BaseModel):
    """Where blocks are worked on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str | None = Field(
        None,
        description="A Dask scheduler, such as tcp://host:8786; null for threads of this process.",
        json_schema_extra=EXECUTION_ONLY,
    )
    workers: int = Field(
        2, ge=1, description="Workers of this machine; unused with an address.", json_schema_extra=EXECUTION_ONLY
    )
    processes: bool = Field(
        False,
        description="Whether workers of this machine are processes of their own instead of threads: each loads its own "
        "libraries and models, and what is written in Python runs on several cores.",
        json_schema_extra=EXECUTION_ONLY,
    )
    patience_seconds: float = Field(
        600,
        gt=0,
        description="How long to wait for the first worker of a scheduler: clusters have queues.",
        json_schema_extra=EXECUTION_ONLY,
    )


@dataclass(frozen=True)
class Refusal:
    """Bad input that a worker met: an error that can travel, which those of GDAL behind it can't."""

    error: BadInputError


def attempt(work: Callable[[Shared, Task], Result], shared: Shared, task: Task) -> Result | Refusal:
    """Do a piece of work on a worker.

    Args:
        work: What is done.
        shared: What all pieces have in common.
        task: The piece.

    Returns:
        What comes of it, or why nothing does.
    """
    try:
        return work(shared, task)
    except BadInputError as error:
        return Refusal(type(error)(str(error)))


@contextmanager
def connect(settings: DaskSettings) -> Iterator[Client]:
    """Connect to the workers.

    Args:
        settings: Where they are; without an address, a cluster on this machine is started, and stopped at the end.

    Yields:
        A client of their scheduler.

    Raises:
        BadInputError: If no scheduler answers at the address, or no worker comes to it.
    """
    if settings.address is None:
        with _local_cluster(settings) as cluster, Client(cluster) as client:
            yield client
        return
    try:
        client = Client(settings.address, timeout=_SECONDS_TO_CONNECT)
    except (OSError, ValueError) as error:
        raise BadInputError(
            f"No Dask scheduler answers at {settings.address} ({type(error).__name__}): start one, correct "
            "dask.address, or leave it empty to work on this machine."
        ) from error
    with client:
        _wait_for_workers(client, settings)
        yield client


def _wait_for_workers(client: Client, settings: DaskSettings) -> None:
    if client.scheduler_info()["workers"]:
        return
    logger.info("Waiting for workers at %s.", settings.address)
    try:
        client.wait_for_workers(1, timeout=settings.patience_seconds)
    except TimeoutError as error:
        raise BadInputError(
            f"No worker has come to the Dask scheduler at {settings.address} in {settings.patience_seconds:g} seconds: "
            "start some, or raise dask.patience_seconds."
        ) from error


def _local_cluster(settings: DaskSettings) -> LocalCluster:
    """Reached from this machine only, at ports that are free."""
    workers = (settings.workers, 1) if settings.processes else (1, settings.workers)
    return LocalCluster(
        n_workers=workers[0],
        threads_per_worker=workers[1],
        processes=settings.processes,
        memory_limit=0,
        dashboard_address=_LOOPBACK,  # without one, the figures of its health would be served to the whole network
        worker_dashboard_address=_LOOPBACK,
        silence_logs=logging.ERROR,
    )


def share(client: Client, shared: Shared) -> Future[Shared]:
    """Give tasks something that they have in common; it travels to each worker once.

    It is a task itself: what is scattered is lost with the last worker that holds it, and a task is done again.
    """
    return client.submit(_itself, shared, pure=False)


def _itself(shared: Shared) -> Shared:
    return shared


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
        BadInputError: If no scheduler answers at the address.
    """
    if not tasks:
        return []
    with connect(settings) as client:
        everywhere = share(client, shared)
        futures = [client.submit(attempt, work, everywhere, task, pure=False) for task in tasks]
        try:
            for done in as_completed(futures):
                _answer(done.result())  # the first error ends the work
                advance()
            return [_answer(future.result()) for future in futures]
        finally:
            client.cancel(futures)


def _answer(result: Result | Refusal) -> Result:
    if isinstance(result, Refusal):
        raise result.error
    return result
