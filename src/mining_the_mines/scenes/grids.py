"""The 10 m grid of a region, and the windows of coarser bands that nest in it."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy.typing as npt
from odc.geo.geobox import GeoBox
from rasterio.crs import CRS
from rasterio.transform import Affine
from rasterio.warp import transform as transform_points
from rasterio.warp import transform_bounds

from mining_the_mines.core.errors import SceneError
from mining_the_mines.geo.grid import wgs84
from mining_the_mines.scenes.regions import Bounds, Region
from mining_the_mines.sentinel2.resampling import RIM, interpolate

#: Side of a composite's pixel in metres: that of Sentinel-2's finest bands.
PIXEL: Final = 10
#: Tolerance of nesting in pixels; some files round the coordinates of corners.
_TOLERANCE: Final = 1e-3


@dataclass(frozen=True)
class NativeGrid:
    """The pixels that a band is stored in, for the whole of a region.

    Attributes:
        step: Side of a pixel in metres, a multiple of 10.
        left: x of a border between pixels, in the region's coordinates.
        top: y of a border between pixels, in the region's coordinates.
    """

    step: int
    left: float
    top: float

    @classmethod
    def of(cls, stored: GeoBox, region: GeoBox) -> "NativeGrid":
        """Find the resolution that a file can be read in without being resampled.

        Args:
            stored: Grid of the file.
            region: The region's grid of 10 m.

        Returns:
            The file's pixels in the region's coordinate system, counted from the one that holds the region's corner, if
            each holds whole pixels of the region; else the region's own pixels, and reading resamples.
        """
        own = cls(PIXEL, region.transform.c, region.transform.f)
        step, down = stored.transform.a, -stored.transform.e
        if (
            stored.crs != region.crs
            or step != down
            or step < PIXEL
            or (stored.transform.b, stored.transform.d) != (0, 0)
        ):
            return own
        across, along = (own.left - stored.transform.c) / PIXEL, (stored.transform.f - own.top) / PIXEL
        if any(abs(value - round(value)) >= _TOLERANCE for value in (across, along, step / PIXEL)):
            return own
        factor = round(step / PIXEL)
        return cls(factor * PIXEL, own.left - round(across) % factor * PIXEL, own.top + round(along) % factor * PIXEL)

    @property
    def factor(self) -> int:
        """Pixels of 10 m along the edge of one of these."""
        return self.step // PIXEL

    def window(self, fine: GeoBox, margin: float = 0) -> "NativeWindow":
        """Find the stored pixels that a window of the region needs.

        Args:
            fine: The window's grid, 10 m.
            margin: Metres beyond the window that are needed, too.

        Returns:
            The stored pixels.
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
        grid: Grid of the stored pixels; where they are larger than 10 m, with one more on each side to interpolate.
        factor: Pixels of 10 m along the edge of one of these.
        rows: Rows of the window, in pixels of 10 m within the grid without the rim.
        columns: Columns of the window.
    """

    grid: GeoBox
    factor: int
    rows: slice
    columns: slice

    def cut(self, pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Cut the window out of pixels of 10 m that fill the grid without its rim, (..., rows, columns)."""
        return pixels[..., self.rows, self.columns]

    def fine(self, stored: npt.NDArray[Any], rows: slice, columns: slice) -> npt.NDArray[Any]:
        """Interpolate a part of the window to pixels of 10 m.

        Args:
            stored: Numbers of the stored pixels, uint16 of the grid's shape, 0 without data.
            rows: Rows of the part within the window.
            columns: Its columns.

        Returns:
            uint16 (rows, columns).
        """
        (top, bottom), (left, right) = (
            (whole.start + part.start, whole.start + part.stop)
            for whole, part in ((self.rows, rows), (self.columns, columns))
        )
        if self.factor == 1:
            return stored[top:bottom, left:right]
        first_row, first_column = top // self.factor, left // self.factor
        last_row, last_column = -(-bottom // self.factor), -(-right // self.factor)
        enclosing = stored[first_row : last_row + 2 * RIM, first_column : last_column + 2 * RIM]
        top, left = top - first_row * self.factor, left - first_column * self.factor
        size = (slice(top, top + rows.stop - rows.start), slice(left, left + columns.stop - columns.start))
        return interpolate(enclosing, self.factor)[size]


#: Corners lie on multiples of the coarsest bands' pixel, as those of Sentinel-2's own tiles do: then 10, 20 and 60 m
#: pixels nest.
COARSEST_PIXEL: Final = 60


def region_grid(region: Region, stored: Sequence[GeoBox]) -> GeoBox:
    """Lay a grid of 10 m over a region, as far as there are scenes of it.

    Args:
        region: The region.
        stored: Of each scene, the grid of its finest file. Where the region names no CRS, that of most scenes is used;
            the others are warped.

    Returns:
        The grid, north up. Its corners lie on multiples of 60 m where the scenes' do, else on the scenes' own grid.

    Raises:
        SceneError: No scene meets the region.
    """
    systems = [CRS.from_user_input(box.crs.to_wkt()) for box in stored if box.crs is not None]
    crs = CRS.from_epsg(region.epsg) if region.epsg is not None else _commonest_crs(region, systems)
    wanted = transform_bounds(wgs84(), crs, *region.bounds, densify_pts=21)
    covered = _joined([_extent(box, own, crs) for box, own in zip(stored, systems, strict=True)])
    anchor = next((box for box, own in zip(stored, systems, strict=True) if own == crs), None)
    anchor_x, anchor_y = (anchor.boundingbox.left, anchor.boundingbox.top) if anchor is not None else (0.0, 0.0)
    left, right = _snapped(wanted[::2], covered[::2], anchor_x)
    bottom, top = _snapped(wanted[1::2], covered[1::2], anchor_y)
    if right <= left or top <= bottom:
        raise SceneError(f"No scene chosen for the region {region.name} meets it: check its bounds and its EPSG code.")
    shape = (round((top - bottom) / PIXEL), round((right - left) / PIXEL))
    return GeoBox(shape, Affine(PIXEL, 0, left, 0, -PIXEL, top), crs.to_wkt())


def _commonest_crs(region: Region, systems: Sequence[CRS]) -> CRS:
    """The CRS in metres of most scenes; the UTM zone of the region's middle if none is in metres."""
    counts = Counter(_code(crs) for crs in systems if crs.is_projected and crs.linear_units_factor[1] == 1)
    if not counts:
        longitude, latitude = region.middle
        return CRS.from_epsg((32600 if latitude >= 0 else 32700) + int((longitude + 180) % 360 // 6) + 1)
    # Of zones with equally many scenes, take the lowest: a rerun must choose the same.
    return CRS.from_user_input(min(counts, key=lambda code: (-counts[code], code)))


def _code(crs: CRS) -> str:
    epsg = crs.to_epsg()
    return f"EPSG:{epsg}" if epsg else crs.to_wkt()


def _extent(box: GeoBox, own: CRS, crs: CRS) -> Bounds:
    left, bottom, right, top = box.boundingbox.bbox
    if own != crs:
        left, bottom, right, top = transform_bounds(own, crs, left, bottom, right, top, densify_pts=21)
    return left, bottom, right, top


def _joined(extents: Sequence[Bounds]) -> Bounds:
    lefts, bottoms, rights, tops = zip(*extents, strict=True)
    return min(lefts), min(bottoms), max(rights), max(tops)


def _snapped(wanted: Sequence[float], covered: Sequence[float], anchor: float) -> tuple[float, float]:
    """Widen an interval to multiples of 60 m from the anchor, and cut it to the pixels that scenes cover."""
    low, high = _outwards(wanted, anchor, COARSEST_PIXEL)
    least, most = _outwards(covered, anchor, PIXEL)
    return max(low, least), min(high, most)


def _outwards(interval: Sequence[float], anchor: float, step: int) -> tuple[float, float]:
    """Widen an interval to multiples of a step; deviations of a millimetre are ignored."""
    low, high = ((value - anchor) / step for value in interval)
    return anchor + math.floor(low + 1e-4) * step, anchor + math.ceil(high - 1e-4) * step


def middle_longitude(grid: GeoBox) -> float:
    """Longitude of the middle of a grid in degrees."""
    x, y = grid.transform @ (grid.shape[1] / 2, grid.shape[0] / 2)
    (longitude,), _ = transform_points(CRS.from_user_input(grid.crs), wgs84(), [x], [y])
    return float(longitude)
