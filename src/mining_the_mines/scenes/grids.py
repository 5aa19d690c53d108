"""The 10 m grid of a region, and the windows of coarser bands that nest in it."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy.typing as npt
import pystac
from odc.geo.geobox import GeoBox
from odc.stac import ParsedItem, parse_item
from pyproj.exceptions import CRSError
from rasterio.crs import CRS
from rasterio.transform import Affine
from rasterio.warp import transform as transform_points
from rasterio.warp import transform_bounds

from mining_the_mines.core.errors import SceneError
from mining_the_mines.geo.grid import wgs84
from mining_the_mines.scenes.items import stated_epsg
from mining_the_mines.scenes.regions import Bounds, Region
from mining_the_mines.sentinel2.resampling import RIM

#: Side of a composite's pixel in metres: that of Sentinel-2's finest bands.
PIXEL: Final = 10
#: Tolerance of nesting in pixels; some catalogs round the coordinates of corners.
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
    def of(cls, items: Sequence[pystac.Item], band: str, region: GeoBox) -> "NativeGrid":
        """Find the resolution that a band can be read in without being resampled.

        Args:
            items: Scenes with assets by band.
            band: Name of the band's asset.
            region: The region's grid of 10 m.

        Returns:
            The stored pixels of all scenes in the region's coordinate system, if each holds whole pixels of the
            region; else the region's own pixels, and reading resamples.
        """
        own = cls(PIXEL, region.transform.c, region.transform.f)
        found = {
            own._nesting(box) for item in items for box in parse_item(item).geoboxes((band,)) if box.crs == region.crs
        }
        return found.pop() if len(found) == 1 else own

    def _nesting(self, coarse: GeoBox) -> "NativeGrid":
        """Pixels of a scene, counted from the one that holds this grid's corner; this grid if they do not nest."""
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


#: Corners lie on multiples of the coarsest bands' pixel, as those of Sentinel-2's own tiles do: then 10, 20 and 60 m
#: pixels nest.
COARSEST_PIXEL: Final = 60


def region_grid(region: Region, items: Sequence[pystac.Item]) -> GeoBox:
    """Lay a grid of 10 m over a region, as far as there are scenes of it.

    Args:
        region: The region.
        items: Its scenes. Where the region names no CRS, the UTM zone of most of them is used; the others are warped.

    Returns:
        The grid, north up. Its corners lie on multiples of 60 m where the scenes' do, else on the scenes' own grid.

    Raises:
        SceneError: No scene states its UTM zone, or none meets the region.
    """
    parsed = [parse_projection(item) for item in items]
    codes = [_epsg(scene, item.properties) for scene, item in zip(parsed, items, strict=True)]
    crs = CRS.from_epsg(region.epsg) if region.epsg is not None else _commonest_crs(region, codes)
    wanted = transform_bounds(wgs84(), crs, *region.bounds, densify_pts=21)
    covered = _joined([_extent(item, crs) for item in parsed])
    anchor_x, anchor_y = _anchor(parsed, crs)
    left, right = _snapped(wanted[::2], covered[::2], anchor_x)
    bottom, top = _snapped(wanted[1::2], covered[1::2], anchor_y)
    if right <= left or top <= bottom:
        raise SceneError(f"No scene chosen for the region {region.name} meets it: check its bounds and its EPSG code.")
    shape = (round((top - bottom) / PIXEL), round((right - left) / PIXEL))
    return GeoBox(shape, Affine(PIXEL, 0, left, 0, -PIXEL, top), crs.to_wkt())


def parse_projection(item: pystac.Item) -> ParsedItem:
    """Parse an item's projection with odc-stac.

    Args:
        item: A scene.

    Returns:
        The parsed item.

    Raises:
        SceneError: The projection is incomplete, such as a transform without CRS.
    """
    try:
        return parse_item(item)
    except (ValueError, TypeError, KeyError, AttributeError, CRSError) as error:
        raise SceneError(
            f"The scene {item.id} does not say where its pixels lie, since its fields of the projection extension "
            "(proj:code, proj:shape, proj:transform) are incomplete or broken: its catalog is at fault; name it in "
            "acquisition.exclude."
        ) from error


def _epsg(parsed: ParsedItem, properties: Mapping[str, Any]) -> int | None:
    """EPSG code of the pixels' grid, or of the item where it has no grid."""
    crs = parsed.crs()
    return stated_epsg(properties) if crs is None else crs.to_epsg()


def _commonest_crs(region: Region, codes: Sequence[int | None]) -> CRS:
    counts = Counter(code for code in codes if code is not None)
    if not counts:
        raise SceneError(
            f"No scene of the region {region.name} says which coordinate system it is in (proj:code): give the regions "
            "in a vector file with a column epsg (acquisition.regions=FILE)."
        )
    # Of zones with equally many scenes, take the lowest: a rerun must choose the same.
    return CRS.from_epsg(min(counts, key=lambda code: (-counts[code], code)))


def _extent(item: ParsedItem, crs: CRS) -> Bounds:
    boxes = [box for box in item.geoboxes() if box.crs == crs]
    if boxes:
        left, bottom, right, top = boxes[0].boundingbox.bbox
        return left, bottom, right, top
    if item.geometry is None:
        raise SceneError(
            f"The scene {item.id} does not say where it lies: its catalog is at fault; name it in acquisition.exclude."
        )
    left, bottom, right, top = transform_bounds(wgs84(), crs, *item.geometry.boundingbox.bbox)
    return left, bottom, right, top


def _joined(extents: Sequence[Bounds]) -> Bounds:
    lefts, bottoms, rights, tops = zip(*extents, strict=True)
    return min(lefts), min(bottoms), max(rights), max(tops)


def _anchor(parsed: Sequence[ParsedItem], crs: CRS) -> tuple[float, float]:
    """Origin of the scenes' grid, so that their finest bands are copied pixel for pixel and not resampled."""
    for item in parsed:
        for box in item.geoboxes():
            if box.crs == crs:
                return float(box.boundingbox.left), float(box.boundingbox.top)
    return 0.0, 0.0


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
