"""How hard a simulated data set is: what a threshold on one number would reach.

A simulated task is worth little if one index solves it. So the best area under the ROC curve that any statistic of any
index of a whole chip reaches is kept below 0.9, and can be looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from scipy.stats import rankdata

from mining_the_mines.sentinel2.bands import COMPETITION_BANDS
from mining_the_mines.sentinel2.indices import DEFAULT_INDICES, compute_index

PERCENTILES = (1, 2, 5, 25, 50, 75, 95, 98, 99)
STATISTICS = ("mean", "std", *(f"p{percentile}" for percentile in PERCENTILES))


@dataclass(frozen=True)
class Separability:
    """How well one number tells mines from the rest.

    Attributes:
        quantity: A band or an index.
        statistic: Of its values in a chip: ``mean``, ``std`` or a percentile such as ``p95``.
        auc: Area under the ROC curve, 0.5 to 1, whichever side of the threshold the mines are on.
    """

    quantity: str
    statistic: str
    auc: float


def separabilities(
    images: Path, filenames: Sequence[str], labels: Sequence[int], quantities: Sequence[str] = DEFAULT_INDICES
) -> list[Separability]:
    """Score every statistic of every quantity as if it were a classifier.

    Args:
        images: Folder of chips in the order of ``COMPETITION_BANDS``.
        filenames: The labelled ones.
        labels: 0 or 1 each.
        quantities: Bands and indices.

    Returns:
        One row a quantity and statistic, the best first.
    """
    table = chip_statistics(images, filenames, quantities)
    mine = np.asarray(labels) == 1
    rows = [
        Separability(quantity, statistic, _area_under_curve(table[:, row, column], mine))
        for row, quantity in enumerate(quantities)
        for column, statistic in enumerate(STATISTICS)
    ]
    return sorted(rows, key=lambda row: -row.auc)


def chip_statistics(images: Path, filenames: Sequence[str], quantities: Sequence[str]) -> NDArray[np.float64]:
    """Describe each chip by a few numbers.

    Args:
        images: Folder of chips in the order of ``COMPETITION_BANDS``.
        filenames: Which ones.
        quantities: Bands and indices.

    Returns:
        Shape (chips, quantities, statistics), statistics in the order of :data:`STATISTICS`.
    """
    return np.stack([_describe(images / filename, quantities) for filename in filenames])


def _describe(path: Path, quantities: Sequence[str]) -> NDArray[np.float64]:
    with rasterio.open(path) as chip:
        reflectance = chip.read().astype(np.float32) / 10_000
    bands = dict(zip(COMPETITION_BANDS, reflectance, strict=True))
    rows = []
    for quantity in quantities:
        values = bands[quantity] if quantity in bands else compute_index(quantity, bands)
        rows.append([values.mean(), values.std(), *np.percentile(values, PERCENTILES)])
    return np.array(rows, dtype=np.float64)


def _area_under_curve(values: NDArray[np.float64], mine: NDArray[np.bool_]) -> float:
    """Mann and Whitney's statistic, which is the area under the ROC curve."""
    mines = int(mine.sum())
    others = mine.size - mines
    area = (rankdata(values)[mine].sum() - mines * (mines + 1) / 2) / (mines * others)
    return float(max(area, 1 - area))
