"""Networks of one fold, judged on chips of places that they have never seen."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import numpy as np
import pandas as pd
import torch
from lightning import seed_everything
from numpy.typing import NDArray
from sklearn.model_selection import GroupShuffleSplit
from torch import nn
from torch.utils.data import DataLoader

from mining_the_mines.chips.statistics import BandStatistics
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.models.batches import Batch
from mining_the_mines.models.ensemble import FoldEnsemble
from mining_the_mines.models.kinds import FoldFit, LabelledChips, ReportEpoch
from mining_the_mines.models.settings import TrainingSettings
from mining_the_mines.models.spectral_input import BandScale
from mining_the_mines.models.training import (
    LAST_CHECKPOINT,
    FitPlan,
    NetworkTraining,
    first_epoch,
    fit_network,
    quieten_lightning,
)

#: Random divisions of the training places that are tried before early stopping is given up.
HOLD_OUT_ATTEMPTS: Final = 100

Network = TypeVar("Network", bound=nn.Module)


class NetworkTask(Protocol[Network]):
    """A question about chips, with the data that teach the answer; ``rows`` are rows of the fold table."""

    @property
    def data(self) -> LabelledChips:
        """The training chips."""
        ...

    @property
    def settings(self) -> TrainingSettings:
        """How to train."""
        ...

    def new_network(self, scale: BandScale) -> Network:
        """A network with fresh weights."""
        ...

    def new_training(self, network: Network, rows: pd.DataFrame, seed: int) -> NetworkTraining:
        """The Lightning module that trains the network on these chips."""
        ...

    def training_batches(self, rows: pd.DataFrame, seed: int, first_epoch: int) -> DataLoader[Batch]:
        """Batches to learn from, in an order that depends on the seed and the epoch's number only."""
        ...

    def ordered_batches(self, rows: pd.DataFrame) -> DataLoader[Batch]:
        """The chips in their order."""
        ...

    def can_stop_on(self, rows: pd.DataFrame) -> bool:
        """Whether a loss on these chips tells anything."""
        ...

    def predict(self, ensemble: FoldEnsemble, filenames: Sequence[str]) -> NDArray[np.floating[Any]]:
        """Probability for each chip ``(N,)``, or for each of its pixels ``(N, H, W)``."""
        ...


def fit_networks(task: NetworkTask[Network], fold: int, folder: Path, report: ReportEpoch) -> FoldFit:
    """Train the networks of a fold on all other folds, and predict the fold's chips with them.

    Args:
        task: Chips and settings.
        fold: The fold that is held out.
        folder: Folder of the checkpoints, one sub-folder a network.
        report: Called after each epoch of each network.

    Raises:
        BadInputError: No places can be held out for early stopping.
    """
    settings, rows = task.settings, []
    networks: list[Network] = []
    with _threads(settings.threads):
        quieten_lightning()
        for number in range(settings.networks):

            def report_on(epoch: int, figures: Mapping[str, float], before: int = number * settings.epochs) -> None:
                report(before + epoch, figures)

            network, curve = _fit_network(task, fold, number, folder / f"network_{number}", report_on)
            networks.append(network)
            rows += [{"network": number, **figures} for figures in curve]
        ensemble = FoldEnsemble(networks, settings.test_time_augmentation)
        probabilities = task.predict(ensemble, task.data.inside(fold)["filename"].tolist())
    return FoldFit([dict(network.state_dict()) for network in networks], probabilities, rows)


@contextmanager
def _threads(number: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _fit_network(
    task: NetworkTask[Network], fold: int, number: int, folder: Path, report: ReportEpoch
) -> tuple[Network, list[dict[str, float]]]:
    settings = task.settings
    seed = settings.seed + 1000 * fold + 101 * number
    seed_everything(seed, verbose=False)
    network = task.new_network(band_scale(task.data.statistics[str(fold)]))
    others, watched = task.data.outside(fold), task.data.inside(fold)
    stops_early = settings.early_stopping_patience is not None
    if stops_early:
        others, watched = _hold_out(task, others, seed)
    plan = FitPlan(
        task.new_training(network, others, seed),
        batches=task.training_batches(others, seed, first_epoch(folder / LAST_CHECKPOINT)),
        watched=task.ordered_batches(watched),
        stops_early=stops_early,
        folder=folder,
        report=report,
    )
    return network, fit_network(plan)


def _hold_out(task: NetworkTask[Network], table: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Set whole places aside that decide when to stop, so that both classes are on both sides."""
    share, places = task.settings.early_stopping_share, len(set(table["place"]))
    if places > 1:
        splitter = GroupShuffleSplit(HOLD_OUT_ATTEMPTS, test_size=share, random_state=seed)
        for kept, held_out in splitter.split(table, groups=table["place"]):
            parts = table.iloc[kept], table.iloc[held_out]
            if all(task.can_stop_on(part) for part in parts):
                return parts
    raise BadInputError(
        f"No {share:.0%} of the {places} training places can be held out for early stopping so that "
        f"both classes are on both sides: set early_stopping_patience to null, or raise "
        f"early_stopping_share."
    )


def band_scale(statistics: BandStatistics) -> BandScale:
    """Ranges of the bands of the training chips."""
    percentiles = statistics.percentiles
    return BandScale(statistics.bands, percentiles["p5"], percentiles["p95"])
