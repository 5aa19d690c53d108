"""A row of figures a chip, for models that learn from tables.

A *plane* is a band or a spectral index of a chip, (height, width). Features come in families, each a function from
planes to figures; which families are computed is a parameter.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from mining_the_mines.chips.cover import cover_features
from mining_the_mines.chips.packing import PackedChips
from mining_the_mines.core.execution_fields import EXECUTION_ONLY
from mining_the_mines.core.prefetching import map_ahead
from mining_the_mines.core.progress import Progress, silent
from mining_the_mines.sentinel2.indices import (
    DEFAULT_INDICES,
    all_normalised_differences,
    check_indices,
    compute_index,
)

Planes = npt.NDArray[np.float32]
#: Percentiles of a larger chip are taken of a regular sample of its pixels: sorting all of them would take longest.
_SIDE_FOR_PERCENTILES: Final = 256
#: Blocks along an edge of a chip whose means tell how patchy it is.
BLOCKS_AN_EDGE: Final = 8
Family = Literal["moments", "percentiles", "texture", "patchiness", "cover"]


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
        ("moments", "percentiles", "texture", "patchiness", "cover"),
        min_length=1,
        description=(
            "Kinds of figures to compute: all but cover of each band and index; cover tells what lies beside what."
        ),
    )
    workers: int = Field(2, ge=1, description="Threads that compute features.", json_schema_extra=EXECUTION_ONLY)
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
        BadInputError: If an index is unknown or needs a band that the chips lack.
    """
    check_indices(settings.indices, packed.bands)

    def features_of(row: int) -> dict[str, float]:
        return chip_features(packed.reflectance(row), packed.bands, settings)

    rows = list(map_ahead(features_of, progress(range(len(packed)), "Extracting features"), settings.workers))
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
        BadInputError: If an index is unknown or needs a band that the chip lacks.
    """
    names, planes = _planes(reflectance, bands, settings)
    features: dict[str, float] = {}
    for family in settings.families:
        if family == "cover":
            features |= cover_features(dict(zip(bands, reflectance, strict=True)))
            continue
        for figure, values in FAMILIES[family](planes, settings).items():
            features.update(zip((f"{name}_{figure}" for name in names), values.tolist(), strict=True))
    return features


def pixels_between_samples(shape: Sequence[int]) -> int:
    """Of how many rows and columns one is looked at for percentiles: 1 unless a chip ``(height, width)`` is large."""
    return -(-max(shape) // _SIDE_FOR_PERCENTILES)


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
    mean = _mean(planes, (1, 2))
    return {"mean": mean, "std": _deviation(planes, mean)}


def _percentiles(planes: Planes, settings: FeatureSettings) -> Mapping[str, npt.NDArray[np.float32]]:
    """Percentiles, with linear interpolation; of every second, third … row and column of a large chip."""
    step = pixels_between_samples(planes.shape[1:])
    flat = np.sort(planes[:, ::step, ::step].reshape(len(planes), -1), axis=1)  # NaN goes to the end
    last = np.maximum(np.count_nonzero(~np.isnan(flat), axis=1) - 1, 0)
    figures = {}
    for percentile in settings.percentiles:
        place = last * (percentile / 100)
        below = np.floor(place).astype(np.intp)
        low, high = (np.take_along_axis(flat, at[:, None], axis=1)[:, 0] for at in (below, np.minimum(below + 1, last)))
        figures[f"p{percentile:g}"] = (low + (high - low) * (place - below)).astype(np.float32)
    return figures


def _texture(planes: Planes, _: FeatureSettings) -> Mapping[str, npt.NDArray[np.float32]]:
    """Mean absolute difference of neighbouring pixels: pits, heaps and roads are rougher than forest and fields."""
    across, down = (_mean(np.abs(np.diff(planes, axis=axis)), (1, 2)) for axis in (2, 1))
    return {"texture": np.float32(0.5) * (across + down)}


def _patchiness(planes: Planes, _: FeatureSettings) -> Mapping[str, npt.NDArray[np.float32]]:
    """Deviation of the means of an 8 × 8 grid of blocks: large patches leave it high, fine texture averages out."""
    height, width = (max(1, length // BLOCKS_AN_EDGE) for length in planes.shape[1:])
    rows, columns = planes.shape[1] // height, planes.shape[2] // width
    blocks = planes[:, : rows * height, : columns * width].reshape(-1, rows, height, columns, width)
    means = _mean(blocks, (2, 4))
    return {"patchiness": _deviation(means, _mean(means, (1, 2)))}


def _deviation(planes: Planes, mean: Planes) -> Planes:
    return np.asarray(np.sqrt(_mean(np.square(planes - mean[:, None, None]), (1, 2))), dtype=np.float32)


def _mean(values: Planes, axes: tuple[int, ...]) -> Planes:
    """Mean over axes of the values that are not NaN; NaN where there is none."""
    means: Planes = values.mean(axis=axes)
    if not np.isnan(means).any():
        return means  # most chips are complete, and counting their gaps would take longer than all the rest
    valid = ~np.isnan(values)
    counts = valid.sum(axis=axes, dtype=np.float32)
    sums: Planes = np.where(valid, values, 0).sum(axis=axes)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means


#: Name of a family → its function.
FAMILIES: Final[Mapping[Family, FamilyFunction]] = MappingProxyType(
    {"moments": _moments, "percentiles": _percentiles, "texture": _texture, "patchiness": _patchiness}
)
