"""Run tasks with Dask: on threads of this process, or on the workers of a scheduler."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

import dask
from distributed import Client, Future, LocalCluster, as_completed
from distributed.scheduler import KilledWorker, NoWorkerError
from pydantic import BaseModel, ConfigDict, Field

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.execution_fields import EXECUTION_ONLY

logger = logging.getLogger(__name__)

Shared = TypeVar("Shared")
Task = TypeVar("Task")
Result = TypeVar("Result")
#: Called without arguments whenever a block is done.
Advance = Callable[[], None]
_SECONDS_TO_CONNECT: Final = 5
#: A task fails if no worker of this machine is there to take it for so long; a worker that died is started again.
_SECONDS_WITHOUT_WORKERS: Final = 60
_LOOPBACK: Final = "127.0.0.1:0"
#: The local cluster watches neither itself nor its tasks: with Dask's defaults, that takes 3 % of a core all the time.
_LOCAL_CONFIG: Final = {
    "distributed.scheduler.no-workers-timeout": _SECONDS_WITHOUT_WORKERS,
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "500ms",
    "distributed.admin.system-monitor.interval": "10s",
}


class DaskSettings(BaseModel):
    """Workers of this machine, or of a Dask cluster."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str | None = Field(
        None,
        description="Address of a Dask scheduler, such as tcp://host:8786; null for workers of this machine.",
        json_schema_extra=EXECUTION_ONLY,
    )
    workers: int = Field(
        2,
        ge=1,
        description="Number of workers of this machine; unused with an address.",
        json_schema_extra=EXECUTION_ONLY,
    )
    processes: bool = Field(
        False,
        description="Whether workers of this machine are processes instead of threads: each loads its own libraries "
        "and models, and Python code runs on several cores.",
        json_schema_extra=EXECUTION_ONLY,
    )
    patience_seconds: float = Field(
        600,
        gt=0,
        description="Seconds to wait for the first worker of a scheduler: clusters have queues.",
        json_schema_extra=EXECUTION_ONLY,
    )


@dataclass(frozen=True)
class Refusal:
    """Bad input on a worker: an error that can be pickled, unlike the GDAL error that caused it."""

    error: BadInputError


def attempt(work: Callable[[Shared, Task], Result], shared: Shared, task: Task) -> Result | Refusal:
    """Run a task on a worker.

    Args:
        work: Function of the shared part and the task.
        shared: Part that all tasks have in common.
        task: The task.

    Returns:
        Its result, or the reason why there is none.
    """
    try:
        return work(shared, task)
    except BadInputError as error:
        return Refusal(type(error)(str(error)))


@contextmanager
def connect(settings: DaskSettings) -> Iterator[Client]:
    """Connect to the workers.

    Args:
        settings: Address; without one, a cluster on this machine is started, and stopped at the end.

    Yields:
        A client of their scheduler.

    Raises:
        BadInputError: No scheduler answers at the address, no worker connects to it, or workers die.
    """
    if settings.address is None:
        with _local_cluster(settings) as cluster, Client(cluster) as client, _reporting_deaths():
            yield client
        return
    try:
        client = Client(settings.address, timeout=_SECONDS_TO_CONNECT)
    except (OSError, ValueError) as error:
        raise BadInputError(
            f"No Dask scheduler answers at {settings.address} ({type(error).__name__}): start one, correct "
            "dask.address, or leave it empty to work on this machine."
        ) from error
    with client, _reporting_deaths():
        _wait_for_workers(client, settings)
        yield client


@contextmanager
def _reporting_deaths() -> Iterator[None]:
    try:
        yield
    except (KilledWorker, NoWorkerError) as error:
        raise BadInputError(
            "The Dask workers died, and those that were started in their place as well, as they do for want of memory: "
            "lower dask.workers, or set dask.processes to false; what is finished is kept."
        ) from error


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
    """Start a cluster that only this machine reaches, at free ports."""
    workers = (settings.workers, 1) if settings.processes else (1, settings.workers)
    try:
        with dask.config.set(_LOCAL_CONFIG):
            return LocalCluster(
                n_workers=workers[0],
                threads_per_worker=workers[1],
                processes=settings.processes,
                memory_limit=0,
                dashboard_address=_LOOPBACK,  # without one, its health page would be served to the whole network
                worker_dashboard_address=_LOOPBACK,
                silence_logs=logging.ERROR,
            )
    except RuntimeError as error:
        raise BadInputError(
            f"The Dask workers of this machine don't start ({error.__cause__ or error}): set dask.processes to false, "
            "or look in the messages above for the reason."
        ) from error


def share(client: Client, shared: Shared) -> Future[Shared]:
    """Send the part that tasks have in common to each worker once.

    It is a task itself: scattered data are lost with the last worker that holds them, and a task is run again.
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
    """Run tasks in any order and several at a time.

    Tasks and results are sent over the network: keep both small. Workers write blocks of pixels themselves, so they
    need to see the same folders.

    Args:
        work: Function of the shared part and a task; a function of a module, so that workers find it.
        shared: Part that all tasks have in common; it is sent to each worker once.
        tasks: The tasks, such as blocks.
        settings: The workers.
        advance: Called after each task.

    Returns:
        The results in the order of the tasks.

    Raises:
        BadInputError: No scheduler answers at the address, or a task met bad input.
    """
    if not tasks:
        return []
    with connect(settings) as client:
        return collect_blocks(client, submit_blocks(client, work, shared, tasks), advance)


def submit_blocks(
    client: Client, work: Callable[[Shared, Task], Result], shared: Shared, tasks: Sequence[Task]
) -> list[Future[Result | Refusal]]:
    """Hand tasks to the workers, who take those of earlier calls first; see :func:`run_blocks`."""
    everywhere = share(client, shared)
    return [client.submit(attempt, work, everywhere, task, pure=False) for task in tasks]


def collect_blocks(client: Client, futures: Sequence[Future[Result | Refusal]], advance: Advance) -> list[Result]:
    """Wait for tasks, and return their results in order; the first error ends the work."""
    try:
        for done in as_completed(futures):
            _answer(done.result())
            advance()
        return [_answer(future.result()) for future in futures]
    finally:
        client.cancel(futures)


def _answer(result: Result | Refusal) -> Result:
    if isinstance(result, Refusal):
        raise result.error
    return result
