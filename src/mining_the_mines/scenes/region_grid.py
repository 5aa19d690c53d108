"""The grid that a region's composite lies on."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Final

import pystac
from odc.geo.geobox import GeoBox
from odc.stac import ParsedItem, parse_item
from rasterio.crs import CRS
from rasterio.transform import Affine
from rasterio.warp import transform as transform_points
from rasterio.warp import transform_bounds

from mining_the_mines.scenes.errors import SceneError
from mining_the_mines.scenes.native_grid import PIXEL
from mining_the_mines.scenes.regions import Bounds, Region

WGS84: Final = CRS.from_epsg(4326)
#: Corners lie on multiples of the coarsest bands' pixel, as those of Sentinel-2's own tiles do: then 10, 20 and 60 m
#: pixels nest.
COARSEST_PIXEL: Final = 60


def region_grid(region: Region, items: Sequence[pystac.Item]) -> GeoBox:
    """Lay a grid of 10 m over a region, as far as there are scenes of it.

    Args:
        region: Where.
        items: Its scenes. Where the region names no coordinate reference system, the UTM zone of most of them is used;
            the others are warped to it.

    Returns:
        The grid, north up. Its corners lie on multiples of 60 m where the scenes' do, else on the scenes' own grid.

    Raises:
        SceneError: If no scene says which zone it lies in, or none meets the region.
    """
    parsed = [parse_item(item) for item in items]
    crs = CRS.from_epsg(region.epsg) if region.epsg is not None else _commonest_crs(region, parsed)
    wanted = transform_bounds(WGS84, crs, *region.bounds, densify_pts=21)
    covered = _joined([_extent(item, crs) for item in parsed])
    anchor_x, anchor_y = _anchor(parsed, crs)
    left, right = _snapped(wanted[::2], covered[::2], anchor_x)
    bottom, top = _snapped(wanted[1::2], covered[1::2], anchor_y)
    if right <= left or top <= bottom:
        raise SceneError(f"No scene chosen for the region {region.name} meets it: check its bounds and its EPSG code.")
    shape = (round((top - bottom) / PIXEL), round((right - left) / PIXEL))
    return GeoBox(shape, Affine(PIXEL, 0, left, 0, -PIXEL, top), crs.to_wkt())


def _commonest_crs(region: Region, parsed: Sequence[ParsedItem]) -> CRS:
    codes = Counter(crs.to_epsg() for item in parsed if (crs := item.crs()) is not None and crs.to_epsg() is not None)
    if not codes:
        raise SceneError(
            f"No scene of the region {region.name} says which coordinate system it is in (proj:code): give the region "
            f"an epsg."
        )
    # Of zones with equally many scenes, the lowest: a rerun must choose the same.
    return CRS.from_epsg(min(codes, key=lambda code: (-codes[code], code)))


def _extent(item: ParsedItem, crs: CRS) -> Bounds:
    boxes = [box for box in item.geoboxes() if box.crs == crs]
    if boxes:
        left, bottom, right, top = boxes[0].boundingbox.bbox
        return left, bottom, right, top
    if item.geometry is None:
        raise SceneError(f"The scene {item.id} does not say where it lies: its catalog is at fault; leave it out.")
    left, bottom, right, top = transform_bounds(WGS84, crs, *item.geometry.boundingbox.bbox)
    return left, bottom, right, top


def _joined(extents: Sequence[Bounds]) -> Bounds:
    lefts, bottoms, rights, tops = zip(*extents, strict=True)
    return min(lefts), min(bottoms), max(rights), max(tops)


def _anchor(parsed: Sequence[ParsedItem], crs: CRS) -> tuple[float, float]:
    """Where the scenes' grid starts, so that their finest bands are copied pixel for pixel and not resampled."""
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
    """Widen an interval to multiples of a step; a millimetre beyond one is no reason to."""
    low, high = ((value - anchor) / step for value in interval)
    return anchor + math.floor(low + 1e-4) * step, anchor + math.ceil(high - 1e-4) * step


def middle_longitude(grid: GeoBox) -> float:
    """The longitude of a grid's middle in degrees."""
    x, y = grid.transform @ (grid.shape[1] / 2, grid.shape[0] / 2)
    (longitude,), _ = transform_points(CRS.from_user_input(grid.crs), WGS84, [x], [y])
    return float(longitude)
