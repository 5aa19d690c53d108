"""Probability rasters: parts joined to a Cloud-Optimized GeoTIFF, and read back a few rows at a time."""

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.enums import Resampling
from rasterio.io import DatasetReader
from rasterio.windows import Window

from mining_the_mines.core.errors import SceneError
from mining_the_mines.mapping.plan import BandPart, ProbabilityPlan
from mining_the_mines.mapping.settings import Precision
from mining_the_mines.rasters.cog import CogLayout, write_cog

Sums = npt.NDArray[np.float32]

#: Steps of rasters of 8 bits: 0–254 stand for 0–1.
STEPS: Final = 254
_NODATA: Final = 255
#: Rows that are copied at a time.
_ROWS: Final = 1024
_DESCRIPTION: Final = "probability of a mine"
_DISAGREEMENT: Final = "disagreement: standard deviation between the networks"
_COARSE: Final = "probability of a mine in the window around (coarse)"


def write_probability(path: Path, plan: ProbabilityPlan, parts: Sequence[BandPart], tags: dict[str, str]) -> None:
    """Join a scene's parts to a Cloud-Optimized GeoTIFF on its own grid.

    Args:
        path: File to write.
        plan: Plan of the raster.
        parts: All of its bands of rows, top to bottom.
        tags: Tags of the file.
    """
    _write(path, plan, joined_rows(parts), tags)


def copy_probability(known: Path, path: Path, plan: ProbabilityPlan, tags: Mapping[str, str]) -> None:
    """Copy a probability raster; the same numbers are written anew if its tags have changed.

    Args:
        known: Raster of the same plan.
        path: File to write.
        plan: Plan of the raster.
        tags: Tags of the file.
    """
    with rasterio.open(known) as source:
        said = source.tags()
    # An empty tag is none in some versions of GDAL.
    if all(said.get(name, "") == value for name, value in tags.items()):
        shutil.copyfile(known, path)
    else:
        _write(path, plan, _read_planes(known, _ROWS, plan), tags)


def _write(path: Path, plan: ProbabilityPlan, rows: Iterable[tuple[int, Sums]], tags: Mapping[str, str]) -> None:
    whole_numbers = plan.precision == "uint8"
    layout = CogLayout(
        crs=plan.grid.crs,
        transform=plan.grid.transform,
        height=plan.grid.height,
        width=plan.grid.width,
        bands=(_COARSE if plan.coarse else _DESCRIPTION, *((_DISAGREEMENT,) if plan.disagreement else ())),
        dtype=plan.precision,
        nodata=_NODATA if whole_numbers else float("nan"),
        scale=1 / STEPS if whole_numbers else 1.0,
    )
    columns = slice(0, plan.grid.width)
    blocks = (
        (
            slice(first, first + numbers.shape[-2]),
            columns,
            encode(numbers, plan.precision).reshape(-1, *numbers.shape[-2:]),
        )
        for first, numbers in rows
    )
    write_cog(path, layout, blocks, tags)


def joined_rows(parts: Sequence[BandPart]) -> Iterator[tuple[int, Sums]]:
    """Add up bands of rows where they overlap.

    Args:
        parts: All parts of a scene, top to bottom.

    Yields:
        First row, and probabilities (rows, width) with NaN without data, final; top to bottom. With the disagreement
        (2, rows, width).

    Raises:
        SceneError: A part is missing.
    """
    carried: Sums | None = None
    for part, following in zip_longest(parts, parts[1:]):
        try:
            sums: Sums = np.load(part.path)
        except FileNotFoundError as error:
            raise SceneError(
                f"{part.path} has gone before its map was whole, as where two runs map the same scene into one folder: "
                "wait for the other one to end, and run again."
            ) from error
        if carried is not None:
            sums[..., : carried.shape[-2], :] += carried
        end = following.band.first_row if following is not None else part.band.end_row
        final = end - part.band.first_row
        yield part.band.first_row, sums[..., :final, :]
        carried = sums[..., final:, :]


def encode(probability: Sums, precision: Precision) -> npt.NDArray[np.generic]:
    """Turn probabilities, NaN without data, into the numbers of a raster."""
    bounded = np.clip(probability, 0, 1)  # sums of weights may be off by the last bit
    if precision == "float16":
        return bounded.astype(np.float16).astype(np.float32)  # to the nearest; GDAL would cut digits off
    if precision == "float32":
        return bounded
    return np.where(np.isnan(bounded), _NODATA, np.rint(np.nan_to_num(bounded) * STEPS)).astype(np.uint8)


def read_probability(path: Path, rows: int) -> Iterator[tuple[int, Sums]]:
    """Read a probability raster from top to bottom.

    Args:
        path: Raster that :func:`write_probability` wrote.
        rows: Number of rows in a block.

    Yields:
        First row, and probabilities float32 (rows, width), NaN without data.
    """
    yield from _read_bands(path, rows, 1)


def _read_planes(path: Path, rows: int, plan: ProbabilityPlan) -> Iterator[tuple[int, Sums]]:
    return _read_bands(path, rows, [1, 2] if plan.disagreement else 1)


def _read_bands(path: Path, rows: int, bands: int | list[int]) -> Iterator[tuple[int, Sums]]:
    with rasterio.open(path, num_threads="all_cpus") as source:
        for first in range(0, source.height, rows):
            window = Window.from_slices((first, min(first + rows, source.height)), (0, source.width))
            yield first, _decode(source, source.read(bands, window=window))


def read_small(path: Path, longest_side: int, band: int = 1) -> Sums:
    """Read a band of a probability raster, averaged to at most so many pixels a side; see :func:`read_probability`."""
    with rasterio.open(path) as source:
        scale = min(1.0, longest_side / max(source.height, source.width))
        shape = (max(1, round(source.height * scale)), max(1, round(source.width * scale)))
        return _decode(source, source.read(band, out_shape=shape, resampling=Resampling.average))


def _decode(source: DatasetReader, numbers: npt.NDArray[np.generic]) -> Sums:
    probability: Sums = numbers.astype(np.float32)
    if numbers.dtype == np.uint8:
        probability = probability * np.float32(source.scales[0])
        probability[numbers == source.nodata] = np.nan
    return probability
