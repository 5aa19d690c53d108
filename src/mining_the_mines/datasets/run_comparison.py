"""Other runs to compare a run with, as MLflow has kept them."""

import os
from collections.abc import Callable
from typing import Any, Final

from kedro.io import AbstractDataset, DatasetError

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.scoring.run_comparison import ScoredRun

#: Set by MLflow when an experiment is chosen, so that other processes write to the same one.
_EXPERIMENT: Final = "MLFLOW_EXPERIMENT_ID"


class ComparedRunsDataset(AbstractDataset[None, Callable[[str], ScoredRun]]):
    """Runs of the experiment that the active run belongs to, by what people call them.

    Args:
        metadata: For other tools.
    """

    #: What it holds moves on with every run.
    always_changes = True

    def __init__(self, *, metadata: dict[str, Any] | None = None) -> None:
        self.metadata = metadata

    def load(self) -> Callable[[str], ScoredRun]:
        """Offer to find a run by its id, the first digits of it, its name or ``LAST``.

        Returns:
            A function that raises BadInputError where there is no such run, and reads it from its store otherwise.
        """
        return read_run

    def save(self, data: None) -> None:  # noqa: ARG002 - Kedro's signature
        """Refuse: what other runs have found stays as it is."""
        raise DatasetError("Runs of the past can only be read.")

    def _describe(self) -> dict[str, Any]:
        return {}


def read_run(wanted: str) -> ScoredRun:
    """Read a run of the experiment that MLflow has been set to.

    Args:
        wanted: Id, first digits of it, name or ``LAST``.

    Returns:
        What it has found.

    Raises:
        BadInputError: There is no such run, the store does not answer, or nothing is tracked.
    """
    import mlflow

    from mining_the_mines.tracking.runs import RunStore, find_run
    from mining_the_mines.tracking.scored_runs import read_scored_run

    key = os.environ.get(_EXPERIMENT)
    if key is None:
        raise BadInputError(f"Nothing is tracked, so that run {wanted} can't be found: leave out reporting.compare.")
    experiment = mlflow.get_experiment(key)
    found = find_run(wanted, RunStore(mlflow.get_tracking_uri(), experiment.name))
    return read_scored_run(found, f"run {found.short}")
