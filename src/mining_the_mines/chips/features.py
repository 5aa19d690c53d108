"""A row of figures a chip, for models that learn from tables.

A *plane* is a band or a spectral index of a chip, (height, width). Features come in families, each a function from planes
to figures; which families are computed is a parameter.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from mining_the_mines.chips.packing import PackedChips
from mining_the_mines.chips.progress import Progress, silent
from mining_the_mines.sentinel2.indices import (
    DEFAULT_INDICES,
    all_normalised_differences,
    check_indices,
    compute_index,
)

Planes = npt.NDArray[np.float32]
Family = Literal["moments", "percentiles", "texture", "patchiness"]


class FeatureSettings(BaseModel):
    """Which features are computed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    indices: tuple[str, ...] = Field(
        DEFAULT_INDICES, description="Spectral indices, by their names in spyndex, or ENDMI."
    )
    pairwise_differences: bool = Field(
        False, description="Whether to add the normalised difference of every pair of bands."
    )
    families: tuple[Family, ...] = Field(
        ("moments", "percentiles", "texture", "patchiness"),
        min_length=1,
        description="Kinds of figures to compute of each band and index.",
    )
    percentiles: tuple[float, ...] = Field(
        (2, 10, 25, 50, 75, 90, 98), description="Percentiles of the family of that name."
    )


class FamilyFunction(Protocol):
    """Computes one family of features."""

    def __call__(self, planes: Planes, settings: FeatureSettings, /) -> Mapping[str, npt.NDArray[np.float32]]:
        """Compute figures of planes.

        Args:
            planes: float32 (planes, height, width), NaN without data.
            settings: Parameters of the features.

        Returns:
            Name of a figure → its value for each plane, (planes,); NaN for a plane without data.
        """
        ...


def extract_features(packed: PackedChips, settings: FeatureSettings, progress: Progress = silent) -> pd.DataFrame:
    """Compute the feature table of packed chips.

    Args:
        packed: The chips.
        settings: Which features.
        progress: Shows how far it has come.

    Returns:
        float32 table, one row a chip, indexed by ``filename``; columns such as ``B4_mean`` and ``NDVI_p98``.

    Raises:
        ValueError: If an index is unknown or needs a band that the chips lack.
    """
    check_indices(settings.indices, packed.bands)
    rows = [
        chip_features(packed.reflectance(row), packed.bands, settings)
        for row in progress(range(len(packed)), "Extracting features")
    ]
    return pd.DataFrame(rows, index=pd.Index(packed.filenames, name="filename", dtype="str"), dtype="float32")


def chip_features(
    reflectance: npt.NDArray[np.float32], bands: Sequence[str], settings: FeatureSettings
) -> dict[str, float]:
    """Compute the features of one chip.

    Args:
        reflectance: float32 (bands, height, width), NaN without data.
        bands: Names of the bands.
        settings: Which features.

    Returns:
        Name, such as ``NDVI_p98``, → value; NaN where there is no data to compute it from.

    Raises:
        ValueError: If an index is unknown or needs a band that the chip lacks.
    """
    names, planes = _planes(reflectance, bands, settings)
    features: dict[str, float] = {}
    for family in settings.families:
        for figure, values in FAMILIES[family](planes, settings).items():
            features.update(zip((f"{name}_{figure}" for name in names), values.tolist(), strict=True))
    return features


def _planes(
    reflectance: npt.NDArray[np.float32], bands: Sequence[str], settings: FeatureSettings
) -> tuple[list[str], Planes]:
    by_name = dict(zip(bands, reflectance, strict=True))
    planes = dict(by_name)
    planes |= {index: compute_index(index, by_name) for index in settings.indices}
    if settings.pairwise_differences:
        planes |= all_normalised_differences(by_name)
    return list(planes), np.stack(list(planes.values()))


def _moments(planes: Planes, _: FeatureSettings) -> Mapping[str, npt.NDArray[np.float32]]:
    valid, count = _valid(planes)
    filled = np.where(valid, planes, 0)
    mean = filled.sum(axis=(1, 2)) / count
    deviations = np.where(valid, planes - mean[:, None, None], 0)
    return {"mean": mean, "std": np.sqrt(np.square(deviations).sum(axis=(1, 2)) / count)}


def _percentiles(planes: Planes, settings: FeatureSettings) -> Mapping[str, npt.NDArray[np.float32]]:
    flat = np.sort(planes.reshape(len(planes), -1), axis=1)  # NaN goes to the end
    last = np.count_nonzero(~np.isnan(flat), axis=1) - 1
    figures = {}
    for percentile in settings.percentiles:
        place = np.maximum(last, 0) * (percentile / 100)
        below = np.floor(place).astype(np.intp)
        above = np.minimum(below + 1, np.maximum(last, 0))
        low, high = (np.take_along_axis(flat, at[:, None], axis=1)[:, 0] for at in (below, above))
        figures[f"p{percentile:g}"] = (low + (high - low) * (place - below)).astype(np.float32)
    return figures


def _texture(planes: Planes, _: FeatureSettings) -> Mapping[str, npt.NDArray[np.float32]]:
    """Mean absolute difference of neighbouring pixels: pits, heaps and roads are rougher than forest and fields."""
    steps = [np.abs(np.diff(planes, axis=axis)) for axis in (1, 2)]
    sums = np.add(*(np.nansum(step, axis=(1, 2)) for step in steps))
    counts = np.add(*(np.count_nonzero(~np.isnan(step), axis=(1, 2)) for step in steps))
    return {"texture": np.divide(sums, counts, out=np.full(len(planes), np.nan, np.float32), where=counts > 0)}


def _patchiness(planes: Planes, _: FeatureSettings) -> Mapping[str, npt.NDArray[np.float32]]:
    """Deviation of the means of an 8 × 8 grid of blocks: large patches leave it high, fine texture averages out."""
    grid = 8
    height, width = (max(1, length // grid) for length in planes.shape[1:])
    rows, columns = planes.shape[1] // height, planes.shape[2] // width
    blocks = planes[:, : rows * height, : columns * width].reshape(-1, rows, height, columns, width)
    means = _mean_of_valid(blocks, (2, 4)).reshape(len(planes), -1)
    return {"patchiness": _moments(means[:, :, None], FeatureSettings())["std"]}


def _mean_of_valid(values: Planes, axes: tuple[int, ...]) -> Planes:
    valid = ~np.isnan(values)
    counts = valid.sum(axis=axes, dtype=np.float32)
    sums = np.where(valid, values, 0).sum(axis=axes)
    return np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)


def _valid(planes: Planes) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float32]]:
    """Which values are data, and their number a plane; NaN for none, so that figures divided by it are NaN too."""
    valid = ~np.isnan(planes)
    count = valid.sum(axis=(1, 2)).astype(np.float32)
    return valid, np.where(count > 0, count, np.float32(np.nan))


#: Name of a family → its function.
FAMILIES: Final[Mapping[Family, FamilyFunction]] = MappingProxyType(
    {"moments": _moments, "percentiles": _percentiles, "texture": _texture, "patchiness": _patchiness}
)
