"""Statistics of bands in one streaming pass, from histograms that add up.

Packed reflectance has 65535 possible values, so a histogram over them loses nothing: means, deviations and percentiles
are exact, and leaving one fold out is a subtraction rather than another pass.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from mining_the_mines.chips.packing import PackedChips
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.progress import Progress, silent
from mining_the_mines.sentinel2.reflectance import LARGEST, NODATA, decode

#: The percentiles that are kept.
PERCENTILES: Final = (1, 2, 5, 25, 50, 75, 95, 98, 99)
#: Key of the statistics of all training chips.
ALL: Final = "all"

Histogram = npt.NDArray[np.int64]


class BandStatistics(BaseModel):
    """Statistics of each band over a set of chips, in reflectance."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bands: tuple[str, ...] = Field(description="Names of the bands, in the order of all that follows.")
    chips: int = Field(description="Number of chips.")
    pixels: tuple[int, ...] = Field(description="Number of values with data.")
    mean: tuple[float, ...] = Field(description="Mean.")
    std: tuple[float, ...] = Field(description="Standard deviation (of the population).")
    percentiles: dict[str, tuple[float, ...]] = Field(description="Percentile, such as p98 → value of each band.")


def summarise_bands(packed: PackedChips, folds: pd.DataFrame, progress: Progress = silent) -> dict[str, BandStatistics]:
    """Compute the statistics of the training chips: of all, and with each fold left out.

    Test chips are not read, so that none of their content can leak into normalisation.

    Args:
        packed: The chips.
        folds: Split and fold of each chip; see :func:`mining_the_mines.chips.folds.assign_folds`.
        progress: Shows the progress.

    Returns:
        ``"all"`` → statistics of every training chip, and ``"0"``, ``"1"``, … → of those outside that fold.

    Raises:
        BadInputError: A chip was not packed, there is no training chip, or a band has no data at all.
    """
    training = folds[folds["split"] == "train"]
    if training.empty:
        raise BadInputError("There is no training chip to take statistics of: assign folds to some chips first.")
    numbers = sorted(int(fold) for fold in training["fold"].unique())
    histograms = {fold: np.zeros((len(packed.bands), LARGEST + 1), dtype=np.int64) for fold in numbers}
    rows = packed.rows(training["filename"])
    members = sorted(zip(rows.tolist(), (int(fold) for fold in training["fold"]), strict=True))
    for row, fold in progress(members, "Summarising bands"):
        _count(histograms[fold], packed.array[row])
    counts = {fold: int((training["fold"] == fold).sum()) for fold in numbers}
    whole = np.sum(list(histograms.values()), axis=0)
    figures = {ALL: describe(whole, packed.bands, len(training))}
    for fold in numbers:
        figures[str(fold)] = describe(whole - histograms[fold], packed.bands, len(training) - counts[fold])
    return figures


def describe(histogram: Histogram, bands: Sequence[str], chips: int) -> BandStatistics:
    """Compute statistics from histograms.

    Args:
        histogram: int64 (bands, 65536), the number of values of each digital number.
        bands: Names of the bands.
        chips: Number of chips counted.

    Returns:
        Mean, standard deviation and percentiles of each band.

    Raises:
        BadInputError: A band has no data.
    """
    counts = histogram.copy()
    counts[:, NODATA] = 0
    totals = counts.sum(axis=1)
    if (totals == 0).any():
        empty = [band for band, total in zip(bands, totals, strict=True) if total == 0]
        raise BadInputError(f"{', '.join(empty)} has no data in any training chip: leave the band out.")
    values = decode(np.arange(LARGEST + 1, dtype=np.uint16)).astype(np.float64)
    values[NODATA] = 0
    mean = counts @ values / totals
    variance = counts @ values**2 / totals - mean**2
    ranks = np.cumsum(counts, axis=1)
    return BandStatistics(
        bands=tuple(bands),
        chips=chips,
        pixels=tuple(totals.tolist()),
        mean=tuple(mean.tolist()),
        std=tuple(np.sqrt(np.maximum(variance, 0)).tolist()),
        percentiles={f"p{p}": tuple(values[_rank(ranks, totals, p)].round(4).tolist()) for p in PERCENTILES},
    )


def read_statistics(figures: Mapping[str, Mapping[str, object]]) -> dict[str, BandStatistics]:
    """Read statistics back from JSON.

    Args:
        figures: Key → dumped :class:`BandStatistics`.

    Returns:
        The statistics as :func:`summarise_bands` returned them.
    """
    return {key: BandStatistics.model_validate(value) for key, value in figures.items()}


def _count(histogram: Histogram, chip: npt.NDArray[np.uint16]) -> None:
    for counts, band in zip(histogram, chip, strict=True):
        found = np.bincount(band.ravel())
        counts[: len(found)] += found


def _rank(ranks: Histogram, totals: npt.NDArray[np.int64], percentile: float) -> npt.NDArray[np.intp]:
    """The smallest digital number of each band that at least this percentage of the values does not exceed."""
    wanted = np.maximum(np.ceil(totals * percentile / 100), 1)
    return np.array([np.searchsorted(row, rank) for row, rank in zip(ranks, wanted, strict=True)])
