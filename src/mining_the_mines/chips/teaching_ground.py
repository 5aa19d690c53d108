"""Windows of composites, with or without labels, on which a segmenter teaches its student."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import rasterio
import shapely
from affine import Affine
from rasterio.windows import Window

from mining_the_mines.chips.packing import PackedChips, pack_in_memory
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.rasters.reader import RasterFormat, find_bands
from mining_the_mines.scenes.composite_files import Composite

#: Windows per window's area of ground, at most: more would show the same ground again.
_DENSITY: Final = 2
#: Windows that are tried for each that is wanted, since some touch test chips or lack data.
_TRIES: Final = 2


@dataclass(frozen=True)
class TeachingWindows:
    """How windows are drawn.

    Attributes:
        size: Edge in pixels.
        number: Windows of all composites together, at most.
        seed: Seed of their places.
    """

    size: int
    number: int
    seed: int = 0


def draw_teaching_ground(
    composites: Sequence[Composite],
    layout: RasterFormat,
    windows: TeachingWindows,
    hidden_regions: Collection[str] = (),
    hidden_chips: Sequence[ChipGrid] = (),
) -> PackedChips:
    """Draw windows at random from all ground of composites.

    Args:
        composites: One a region.
        layout: Wanted bands.
        windows: How many windows, and of which size.
        hidden_regions: Regions to leave out.
        hidden_chips: Chips that no window may touch, such as those of the test split.

    Returns:
        The windows, each with some pixels that have data in all bands.

    Raises:
        BadInputError: No ground is left.
    """
    shown = [composite for composite in composites if composite.region not in hidden_regions]
    hidden = shapely.STRtree([shapely.box(*grid.wgs84_bounds) for grid in hidden_chips])
    areas = [_pixels(composite) for composite in shown]
    total = min(windows.number, _DENSITY * sum(areas) // windows.size**2)
    drawn: dict[str, npt.NDArray[np.float32]] = {}
    for number, (composite, area) in enumerate(zip(shown, areas, strict=True)):
        random = np.random.default_rng([windows.seed, number])
        wanted = round(total * area / sum(areas))
        found = _draw(composite, layout, windows.size, _TRIES * wanted, random, hidden)
        drawn |= {
            f"{composite.region}_{place:05d}.tif": pixels for place, pixels in zip(range(wanted), found, strict=False)
        }
    if not drawn:
        raise BadInputError(
            f"No ground is left to teach a student on: the composites of {len(composites)} regions hold test chips "
            f"everywhere, or are smaller than a chip of {windows.size} pixels. Composite a region beside the test "
            "region, or map with mapping.model: ensemble."
        )
    return pack_in_memory(list(drawn.values()), list(drawn), layout.bands)


def _pixels(composite: Composite) -> int:
    with rasterio.open(composite.image) as source:
        return int(source.height * source.width)


def _draw(
    composite: Composite,
    layout: RasterFormat,
    size: int,
    tries: int,
    random: np.random.Generator,
    hidden: shapely.STRtree,
) -> Iterator[npt.NDArray[np.float32]]:
    """Yield reflectance (bands, size, size) of windows at random places of a composite."""
    with rasterio.open(composite.image) as source:
        if min(source.height, source.width) < size:
            return
        bands, _ = find_bands(source, layout)
        for row, column in zip(
            random.integers(0, source.height - size + 1, tries),
            random.integers(0, source.width - size + 1, tries),
            strict=True,
        ):
            grid = ChipGrid(source.crs, source.transform @ Affine.translation(column, row), size, size)
            if hidden.query(shapely.box(*grid.wgs84_bounds), predicate="intersects").size:
                continue
            pixels = bands.decode(bands.read(source, Window(int(column), int(row), size, size)))
            if np.isfinite(pixels.sum(axis=0)).any():
                yield pixels
