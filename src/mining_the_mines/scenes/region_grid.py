"""The grid that a region's composite lies on."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Final

import pystac
from odc.geo.geobox import GeoBox
from odc.geo.geom import BoundingBox
from odc.stac import ParsedItem, parse_item
from rasterio.crs import CRS
from rasterio.transform import Affine
from rasterio.warp import transform as transform_points
from rasterio.warp import transform_bounds

from mining_the_mines.scenes.errors import SceneError
from mining_the_mines.scenes.regions import Region

Interval = tuple[float, float]

WGS84: Final = CRS.from_epsg(4326)
#: Side of a composite's pixel in metres: that of Sentinel-2's finest bands.
PIXEL: Final = 10
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
    wanted = BoundingBox(*transform_bounds(WGS84, crs, *region.bounds, densify_pts=21), crs=crs)
    covered = _joined([_extent(item, crs) for item in parsed], crs)
    anchor_x, anchor_y = _anchor(parsed, crs)
    left, right = _snapped((wanted.left, wanted.right), (covered.left, covered.right), anchor_x)
    bottom, top = _snapped((wanted.bottom, wanted.top), (covered.bottom, covered.top), anchor_y)
    if right <= left or top <= bottom:
        raise SceneError(f"No scene chosen for the region {region.name} meets it: check its bounds and its EPSG code.")
    shape = (round((top - bottom) / PIXEL), round((right - left) / PIXEL))
    return GeoBox(shape, Affine(PIXEL, 0, left, 0, -PIXEL, top), crs)


def _commonest_crs(region: Region, parsed: Sequence[ParsedItem]) -> CRS:
    codes = Counter(crs.to_epsg() for item in parsed if (crs := item.crs()) is not None and crs.to_epsg() is not None)
    if not codes:
        raise SceneError(
            f"No scene of the region {region.name} says which coordinate system it is in (proj:code): give the region "
            f"an epsg."
        )
    # Of zones with equally many scenes, the lowest: a rerun must choose the same.
    return CRS.from_epsg(min(codes, key=lambda code: (-codes[code], code)))


def _extent(item: ParsedItem, crs: CRS) -> BoundingBox:
    boxes = [box for box in item.geoboxes() if box.crs == crs]
    if boxes:
        return boxes[0].boundingbox
    if item.geometry is None:
        raise SceneError(f"The scene {item.id} does not say where it lies: its catalog is at fault; leave it out.")
    return BoundingBox(*transform_bounds(WGS84, crs, *item.geometry.boundingbox), crs=crs)


def _joined(extents: Sequence[BoundingBox], crs: CRS) -> BoundingBox:
    return BoundingBox(
        min(extent.left for extent in extents),
        min(extent.bottom for extent in extents),
        max(extent.right for extent in extents),
        max(extent.top for extent in extents),
        crs=crs,
    )


def _anchor(parsed: Sequence[ParsedItem], crs: CRS) -> tuple[float, float]:
    """Where the scenes' grid starts, so that their finest bands are copied pixel for pixel and not resampled."""
    for item in parsed:
        for box in item.geoboxes():
            if box.crs == crs:
                return float(box.boundingbox.left), float(box.boundingbox.top)
    return 0.0, 0.0


def _snapped(wanted: Interval, covered: Interval, anchor: float) -> Interval:
    """Widen an interval to multiples of 60 m from the anchor, and cut it to the pixels that scenes cover."""
    low, high = _outwards(wanted, anchor, COARSEST_PIXEL)
    least, most = _outwards(covered, anchor, PIXEL)
    return max(low, least), min(high, most)


def _outwards(interval: Interval, anchor: float, step: int) -> Interval:
    """Widen an interval to multiples of a step; a millimetre beyond one is no reason to."""
    low, high = ((value - anchor) / step for value in interval)
    return anchor + math.floor(low + 1e-4) * step, anchor + math.ceil(high - 1e-4) * step


def middle_longitude(grid: GeoBox) -> float:
    """The longitude of a grid's middle in degrees."""
    column, row = grid.shape[1] / 2, grid.shape[0] / 2
    (longitude,), _ = transform_points(
        CRS.from_wkt(grid.crs.to_wkt()), WGS84, *([value] for value in grid.transform @ (column, row))
    )
    return float(longitude)
