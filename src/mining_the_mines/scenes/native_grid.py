"""Windows in the resolution that a band is stored in, and how they lie in a grid of 10 m."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy.typing as npt
import pystac
from odc.geo.geobox import GeoBox
from odc.stac import parse_item
from rasterio.transform import Affine

from mining_the_mines.sentinel2.resampling import RIM

#: Side of a composite's pixel in metres: that of Sentinel-2's finest bands.
PIXEL: Final = 10
#: Grids whose corners are this many pixels from nesting do nest; addresses of corners are rounded here and there.
_TOLERANCE: Final = 1e-3


@dataclass(frozen=True)
class NativeWindow:
    """The coarse pixels that a window of 10 m pixels needs.

    Attributes:
        grid: Theirs, with a pixel more on each side than :meth:`cut` is given.
        factor: Fine pixels along the edge of a coarse one.
        rows: The window's rows in the fine pixels of the grid without its rim.
        columns: Its columns there.
    """

    grid: GeoBox
    factor: int
    rows: slice
    columns: slice

    @classmethod
    def over(cls, fine: GeoBox, step: int, items: Sequence[pystac.Item], margin: float = 0) -> "NativeWindow":
        """Find the coarse pixels.

        Args:
            fine: The window's grid, 10 m.
            step: Side of a coarse pixel in metres, as :func:`native_step` gives it.
            items: Scenes whose grid they are of.
            margin: Metres that are wanted beyond the window.

        Returns:
            The coarse pixels.
        """
        left, top = fine.transform.c, fine.transform.f
        anchor_x, anchor_y = _anchor(items, fine) if step > PIXEL else (left, top)
        height, width = fine.shape[0] * PIXEL, fine.shape[1] * PIXEL
        first_column, last_column = _enclosing(left - anchor_x - margin, left - anchor_x + width + margin, step)
        first_row, last_row = _enclosing(anchor_y - top - margin, anchor_y - top + height + margin, step)
        corner = (anchor_x + (first_column - RIM) * step, anchor_y - (first_row - RIM) * step)
        shape = (last_row - first_row + 2 * RIM, last_column - first_column + 2 * RIM)
        row = round((anchor_y - first_row * step - top) / PIXEL)
        column = round((left - anchor_x - first_column * step) / PIXEL)
        return cls(
            GeoBox(shape, Affine(step, 0, corner[0], 0, -step, corner[1]), fine.crs),
            step // PIXEL,
            slice(row, row + fine.shape[0]),
            slice(column, column + fine.shape[1]),
        )

    def cut(self, pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Cut the window out of the fine pixels of the grid without its rim, (..., rows, columns)."""
        return pixels[..., self.rows, self.columns]


def native_step(items: Sequence[pystac.Item], band: str, fine: GeoBox) -> int:
    """Find the resolution that a band can be read in without being resampled.

    Args:
        items: Scenes with assets by band.
        band: Which.
        fine: A grid of 10 m.

    Returns:
        Metres: a multiple of 10, if all scenes in the grid's coordinate system store the band so, and their pixels hold
        whole pixels of the grid; else 10, and reading resamples.
    """
    steps = set()
    for item in items:
        boxes = [box for box in parse_item(item).geoboxes((band,)) if box.crs == fine.crs]
        steps |= {box.transform.a if _nests(fine, box) else PIXEL for box in boxes}
    return round(steps.pop()) if len(steps) == 1 else PIXEL


def _nests(fine: GeoBox, coarse: GeoBox) -> bool:
    step, down = coarse.transform.a, -coarse.transform.e
    offsets = ((fine.transform.c - coarse.transform.c) / PIXEL, (coarse.transform.f - fine.transform.f) / PIXEL)
    whole = all(abs(offset - round(offset)) < _TOLERANCE for offset in (*offsets, step / PIXEL))
    return step == down and step >= PIXEL and whole


def _anchor(items: Sequence[pystac.Item], fine: GeoBox) -> tuple[float, float]:
    boxes = (box for item in items for box in parse_item(item).geoboxes() if box.crs == fine.crs)
    transform = next(boxes).transform
    return transform.c, transform.f


def _enclosing(low: float, high: float, step: int) -> tuple[int, int]:
    return math.floor(low / step + _TOLERANCE), math.ceil(high / step - _TOLERANCE)
