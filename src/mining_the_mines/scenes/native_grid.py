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
class NativeGrid:
    """The pixels that a band is stored in, for the whole of a region.

    Attributes:
        step: Side of a pixel in metres, a multiple of 10.
        left: A border between pixels, in the region's coordinates.
        top: A border between pixels, in the region's coordinates.
    """

    step: int
    left: float
    top: float

    @classmethod
    def of(cls, items: Sequence[pystac.Item], band: str, region: GeoBox) -> "NativeGrid":
        """Find the resolution that a band can be read in without being resampled.

        Args:
            items: Scenes with assets by band.
            band: Which.
            region: The grid of 10 m that is wanted.

        Returns:
            The pixels that all scenes of the region's coordinate system store the band in, if each holds whole pixels
            of the region; else the region's own, and reading resamples.
        """
        own = cls(PIXEL, region.transform.c, region.transform.f)
        found = {
            own._nesting(box) for item in items for box in parse_item(item).geoboxes((band,)) if box.crs == region.crs
        }
        return found.pop() if len(found) == 1 else own

    def _nesting(self, coarse: GeoBox) -> "NativeGrid":
        """The pixels of a scene, counted from the one that holds this grid's corner; this grid if they don't nest."""
        step, down = coarse.transform.a, -coarse.transform.e
        across, along = (self.left - coarse.transform.c) / PIXEL, (coarse.transform.f - self.top) / PIXEL
        nests = all(abs(value - round(value)) < _TOLERANCE for value in (across, along, step / PIXEL))
        if step != down or step < PIXEL or not nests:
            return self
        factor = round(step / PIXEL)
        return NativeGrid(
            factor * PIXEL, self.left - round(across) % factor * PIXEL, self.top + round(along) % factor * PIXEL
        )

    @property
    def factor(self) -> int:
        """Pixels of 10 m along the edge of one of these."""
        return self.step // PIXEL

    def window(self, fine: GeoBox, margin: float = 0) -> "NativeWindow":
        """Find the pixels that a window of the region needs.

        Args:
            fine: The window's grid, 10 m.
            margin: Metres that are wanted beyond it.

        Returns:
            The pixels.
        """
        across, along = fine.transform.c - self.left, self.top - fine.transform.f
        first_column, last_column = self._enclosing(across - margin, across + fine.shape[1] * PIXEL + margin)
        first_row, last_row = self._enclosing(along - margin, along + fine.shape[0] * PIXEL + margin)
        rim = RIM if self.factor > 1 else 0
        left, top = self.left + (first_column - rim) * self.step, self.top - (first_row - rim) * self.step
        shape = (last_row - first_row + 2 * rim, last_column - first_column + 2 * rim)
        row, column = round(along / PIXEL) - first_row * self.factor, round(across / PIXEL) - first_column * self.factor
        return NativeWindow(
            GeoBox(shape, Affine(self.step, 0, left, 0, -self.step, top), fine.crs),
            self.factor,
            slice(row, row + fine.shape[0]),
            slice(column, column + fine.shape[1]),
        )

    def _enclosing(self, low: float, high: float) -> tuple[int, int]:
        return math.floor(low / self.step + _TOLERANCE), math.ceil(high / self.step - _TOLERANCE)


@dataclass(frozen=True)
class NativeWindow:
    """The stored pixels that a window of 10 m pixels needs.

    Attributes:
        grid: Theirs; where they are larger than 10 m, with one more on each side, to interpolate from.
        factor: Pixels of 10 m along the edge of one of these.
        rows: The window's rows, in pixels of 10 m within the grid without the rim.
        columns: Its columns there.
    """

    grid: GeoBox
    factor: int
    rows: slice
    columns: slice

    def cut(self, pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Cut the window out of pixels of 10 m that fill the grid without its rim, (..., rows, columns)."""
        return pixels[..., self.rows, self.columns]
