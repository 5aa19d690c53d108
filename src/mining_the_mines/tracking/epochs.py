"""Tells a run of each epoch of a training, as a Lightning logger."""

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from lightning.pytorch.loggers import Logger

from mining_the_mines.tracking.active import FAILED, FINISHED, ChildRun


class EpochLogger(Logger):
    """Passes the figures of each epoch on to a run, and never waits for the server.

    Args:
        run: The run.
        name: What is trained.
    """

    def __init__(self, run: ChildRun, name: str) -> None:
        super().__init__()
        self._run = run
        self._name = name

    @property
    def name(self) -> str:
        """What is trained."""
        return self._name

    @property
    def version(self) -> str:
        """Lightning's word for one of several trainings of that name; there is one."""
        return ""

    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401, ARG002 - Lightning's signature
        """Tell parameters of the network's class, if it has saved any."""
        self._run.log_params(vars(params) if isinstance(params, Namespace) else params)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Tell the figures of an epoch."""
        self._run.log_metrics(metrics, step)

    def finalize(self, status: str) -> None:
        """End the run."""
        self._run.end(FAILED if status == "failed" else FINISHED)
