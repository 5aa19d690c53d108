"""What cross-validation must know of the question that it trains networks for."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from mining_the_mines.chips.statistics import BandStatistics
from mining_the_mines.models.ensemble import FoldEnsemble, Member
from mining_the_mines.models.packed_data import Batch
from mining_the_mines.models.settings import TrainingSettings
from mining_the_mines.models.spectral_input import BandScale
from mining_the_mines.models.training import NetworkTraining

Network = TypeVar("Network", bound=Member)


class Task(Protocol[Network]):
    """A question about chips, with the data that teach the answer.

    ``rows`` are always rows of the fold table, one a chip.
    """

    @property
    def settings(self) -> TrainingSettings:
        """How to train."""
        ...

    def new_network(self, scale: BandScale) -> Network:
        """A network with fresh weights."""
        ...

    def new_training(self, network: Network, rows: pd.DataFrame, seed: int) -> NetworkTraining:
        """The Lightning module that will train it on these chips."""
        ...

    def training_batches(self, rows: pd.DataFrame, seed: int, first_epoch: int) -> DataLoader[Batch]:
        """Batches to learn from, in an order that depends on the seed and the epoch's number only."""
        ...

    def ordered_batches(self, rows: pd.DataFrame) -> DataLoader[Batch]:
        """The chips as they are, in their order."""
        ...

    def can_stop_on(self, rows: pd.DataFrame) -> bool:
        """Whether a loss on these chips tells anything."""
        ...

    def predict(self, ensemble: FoldEnsemble, filenames: Sequence[str]) -> NDArray[np.floating]:
        """Probability for each chip ``(N,)``, or for each of its pixels ``(N, H, W)``."""
        ...

    def fingerprint(self, rows: pd.DataFrame) -> dict[str, str]:
        """What must be the same for a checkpoint to be gone on from; the settings are seen to apart."""
        ...


def scale_of(statistics: BandStatistics) -> BandScale:
    """How the bands of the training chips are distributed."""
    percentiles = statistics.percentiles
    return BandScale(statistics.bands, percentiles["p5"], percentiles["p95"])
