"""A Lightning logger that writes each epoch of a training to a child run."""

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from lightning.pytorch.loggers import Logger

from mining_the_mines.tracking.run import FAILED, FINISHED, ChildRun


class EpochLogger(Logger):
    """Logs the metrics of each epoch to a child run.

    Args:
        run: The child run.
        name: Name of the training.
    """

    def __init__(self, run: ChildRun, name: str) -> None:
        super().__init__()
        self._run = run
        self._name = name

    @property
    def name(self) -> str:
        """Name of the training."""
        return self._name

    @property
    def version(self) -> str:
        """Lightning's number of the training among those of its name; empty, since there is one."""
        return ""

    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401, ARG002 - Lightning's signature
        """Log the parameters that the network's class has saved."""
        self._run.log_params(vars(params) if isinstance(params, Namespace) else params)

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log the metrics of an epoch."""
        self._run.log_metrics(metrics, step)

    def finalize(self, status: str) -> None:
        """End the run."""
        self._run.end(FAILED if status == "failed" else FINISHED)
