"""One block of a composite: scenes read, harmonised, masked, fused by day, and reduced over time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pystac
from odc.geo.geobox import GeoBox
from pydantic import ConfigDict, Field

from mining_the_mines.scenes.faults import Fault
from mining_the_mines.scenes.http import AccessSettings
from mining_the_mines.scenes.reading import SceneWindow, WindowReader
from mining_the_mines.scenes.region_grid import PIXEL
from mining_the_mines.sentinel2.compositing import CompositeSettings, composite
from mining_the_mines.sentinel2.reflectance import NODATA
from mining_the_mines.sentinel2.scene_classification import ClearSkySettings, clear_pixels

#: Said of ``mask_asset`` where the scenes' pixels without data are all that is masked.
NO_MASK = "none"


class CompositingSettings(CompositeSettings):
    """How scenes become a composite."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mask_asset: str = Field(
        "scl",
        description=(
            "Asset that tells clouds. scl is the scene classification of level 2A; of any other asset, such as a cloud "
            "mask of your own for level 1C, pixels that are not 0 are masked; none masks nothing but missing data."
        ),
    )
    clear_sky: ClearSkySettings = Field(default_factory=ClearSkySettings)
    block: int = Field(512, ge=16, description="Rows and columns that are in work at once; memory follows it.")


@dataclass(frozen=True)
class Block:
    """What comes of one block.

    Attributes:
        numbers: uint16 (bands, height, width): the composite's digital numbers, 0 without data.
        clear_dates: uint16 (height, width).
        faults: Scenes that could not be read here.
    """

    numbers: npt.NDArray[np.uint16]
    clear_dates: npt.NDArray[np.uint16]
    faults: tuple[Fault, ...]


def composite_block(
    items: Sequence[pystac.Item],
    bands: tuple[str, ...],
    grid: GeoBox,
    settings: CompositingSettings,
    access: AccessSettings,
) -> Block:
    """Make one block of a composite.

    Args:
        items: Scenes, in order of time.
        bands: Names of the bands, in the order wanted.
        grid: The block's.
        settings: What is masked, and how dates become one.
        access: How assets are reached.

    Returns:
        The block. However the region is divided, a pixel comes out the same but for the last digit (0.0001), where GDAL
        rounds what it interpolates.
    """
    masked = settings.mask_asset != NO_MASK
    margin = math.ceil(settings.clear_sky.dilation_metres / PIXEL) if masked else 0
    reader = WindowReader(bands, settings.mask_asset if masked else None, margin, access)
    window = reader.read(items, grid)
    clear = _clear(window, settings, margin)
    numbers, clear = fuse_days(window.numbers, clear, window.days)
    reduced, dates = composite(numbers, clear, settings)
    return Block(reduced, dates, window.faults)


def _clear(window: SceneWindow, settings: CompositingSettings, margin: int) -> npt.NDArray[np.bool_]:
    if window.mask is None:
        scenes, _, height, width = window.numbers.shape
        return np.ones((scenes, height, width), dtype=np.bool_)
    if settings.mask_asset.lower() == "scl":
        clear = clear_pixels(window.mask, settings.clear_sky, PIXEL)
    else:
        clear = window.mask == 0
    inner = slice(margin, -margin if margin else None)
    return clear[:, inner, inner]


def fuse_days(
    numbers: npt.NDArray[np.uint16], clear: npt.NDArray[np.bool_], days: Sequence[date]
) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.bool_]]:
    """Make one observation of a day's granules: where they overlap they show the same moment, which counts once.

    Args:
        numbers: uint16 (scenes, bands, height, width); 0 without data.
        clear: bool (scenes, height, width).
        days: Of each scene.

    Returns:
        The same with one scene a day: each pixel from the day's first granule that is clear and has data there, else
        from the first.
    """
    if len(set(days)) == len(days):
        return numbers, clear
    usable = clear & (numbers != NODATA).all(axis=1)
    kept: dict[date, int] = {}
    for position, day in enumerate(days):
        if day not in kept:
            kept[day] = position
            continue
        first = kept[day]
        better = usable[position] & ~usable[first]
        np.copyto(numbers[first], numbers[position], where=better)
        clear[first] |= better
        usable[first] |= better
    positions = list(kept.values())
    return numbers[positions], clear[positions]
