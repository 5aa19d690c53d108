"""Coordinates of a web map: polygons in degrees, pictures in the projection of the map.

Web maps use Web Mercator (EPSG:3857), a Mercator projection of degrees on a sphere. Longitudes of a scene stay near
that of its middle, beyond 180 degrees if need be, so that a scene across the antimeridian stays in one piece.
"""

import math
from dataclasses import dataclass
from typing import Any, Final

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from PIL import Image
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.warp import calculate_default_transform, reproject

from mining_the_mines.geo.grid import Box, ChipGrid
from mining_the_mines.geo.mine_polygons import LON_LAT, Coordinates, transformation
from mining_the_mines.geo.vector_files import Geometries
from mining_the_mines.reporting.pictures import ATTENTION_COLOURS, Stretch, encode_picture, true_colour

#: Coordinates are kept to a millionth of a degree, a tenth of a metre.
DIGITS: Final = 6
#: Radius of the sphere of Web Mercator, in metres.
_RADIUS: Final = 6_378_137.0
#: Longest edge that is reprojected as one, since an edge is straight only in its own coordinates.
_LONGEST_EDGE_DEGREES: Final = 0.02
_METRES_A_DEGREE: Final = 111_195.0
#: Tolerance of reference polygons and permits, about two metres; polygons of mines are not simplified.
_SIMPLIFIED_DEGREES: Final = 2e-5
#: Shades of a probability map; the first one is transparent.
_SHADES: Final = 64
_LEAST_OPACITY, _MOST_OPACITY = 0.25, 0.9


@dataclass(frozen=True)
class PlacedPicture:
    """A picture in the projection of a web map.

    Attributes:
        uri: The picture as a data URI.
        bounds: West, south, east and north in degrees of WGS 84; rows are even in Mercator's northing.
    """

    uri: str
    bounds: Box


def middle_longitude(grid: ChipGrid) -> float:
    """Find the longitude of the middle of a scene.

    Args:
        grid: Grid of the scene.

    Returns:
        Degrees east, also of a scene across the antimeridian.

    Raises:
        BadInputError: If its coordinate reference system can't be placed on the Earth.
    """
    west, _, east, _ = grid.wgs84_bounds
    return (west + (east + 360 if east < west else east)) / 2


def place_footprint(grid: ChipGrid) -> list[list[list[int]]]:
    """Outline the ground of a scene.

    Args:
        grid: Grid of the scene.

    Returns:
        Its outline, as :func:`encode_polygons` gives it.
    """
    box = shapely.box(*grid.bounds)
    sides = shapely.segmentize(box, max(grid.width * abs(grid.transform.a), grid.height * abs(grid.transform.e)) / 8)
    return encode_polygons(place_polygons(gpd.GeoDataFrame(geometry=[sides], crs=grid.crs), middle_longitude(grid)))[0]


def place_photograph(
    visible: NDArray[np.float32], grid: ChipGrid, stretch: Stretch, longest_side: int
) -> PlacedPicture:
    """Reproject a true-colour picture of a whole scene to a web map.

    Args:
        visible: Reflectance of red, green and blue, float32 (3, h, w), NaN where there are no data: the whole scene,
            read small.
        grid: Grid of the scene.
        stretch: Of its colours.
        longest_side: Of the picture in pixels; it is not enlarged.

    Returns:
        A WebP, transparent without data.
    """
    warped, bounds = _warp(visible, grid, longest_side)
    known = np.isfinite(warped).all(axis=0)
    colours = true_colour(np.where(known, warped, np.nan).astype(np.float32), stretch)
    image = Image.fromarray(np.dstack([colours, np.where(known, 255, 0).astype(np.uint8)]))
    return PlacedPicture(encode_picture(image, "WEBP", quality=82, method=2), bounds)


def place_probability(probability: NDArray[np.float32], grid: ChipGrid, longest_side: int) -> PlacedPicture:
    """Reproject a probability map to a web map: the higher, the brighter and the less transparent.

    Args:
        probability: float32 (h, w) in 0–1, NaN where there are no data: the whole scene, read small.
        grid: Grid of the scene.
        longest_side: Of the picture in pixels; it is not enlarged.

    Returns:
        A PNG of 64 shades, transparent where there are no data.
    """
    warped, bounds = _warp(probability[np.newaxis], grid, longest_side)
    shades = np.clip(np.nan_to_num(warped[0]) * _SHADES, 0, _SHADES - 1).astype(np.uint8)
    image = Image.fromarray(shades)
    palette = mpl.colormaps[ATTENTION_COLOURS](np.linspace(0, 1, _SHADES))[:, :3] * 255
    image.putpalette(palette.round().astype(np.uint8).tobytes())
    opacity = np.linspace(_LEAST_OPACITY, _MOST_OPACITY, _SHADES) * 255
    opacity[0] = 0
    transparency = opacity.round().astype(np.uint8).tobytes()
    return PlacedPicture(encode_picture(image, "PNG", optimize=True, transparency=transparency), bounds)


def place_polygons(polygons: gpd.GeoDataFrame, meridian: float) -> Geometries:
    """Reproject polygons to degrees.

    Args:
        polygons: In any coordinate reference system.
        meridian: Longitude to stay near to.

    Returns:
        The polygons in degrees of WGS 84, longitude first, (polygons,); longitudes within 180 degrees of the meridian.
    """
    to_degrees = transformation(polygons.crs.to_wkt(), LON_LAT)

    def near(points: Coordinates) -> Coordinates:
        degrees = to_degrees(points)
        degrees[:, 0] = meridian + (degrees[:, 0] - meridian + 180) % 360 - 180
        return degrees

    placed: Geometries = shapely.transform(polygons.geometry.to_numpy(), near)
    return placed


def place_surroundings(polygons: gpd.GeoDataFrame, grid: ChipGrid) -> tuple[NDArray[np.int64], Geometries]:
    """Reproject polygons in and around a scene to degrees, and leave out the rest.

    Args:
        polygons: Of any extent, in any coordinate reference system.
        grid: Grid of the scene.

    Returns:
        Rows of the polygons that lie there, int64 (n,), and their geometry as :func:`place_polygons` gives it, clipped
        well outside the scene, so that the cut is not taken for a border.
    """
    metres = 1.0 if polygons.crs.is_geographic else polygons.crs.axis_info[0].unit_conversion_factor
    longest = _LONGEST_EDGE_DEGREES if polygons.crs.is_geographic else _LONGEST_EDGE_DEGREES * _METRES_A_DEGREE / metres
    dense = polygons.set_geometry(shapely.segmentize(polygons.geometry.to_numpy(), longest), crs=polygons.crs)
    meridian = middle_longitude(grid)
    west, south, east, north = grid.wgs84_bounds
    half = ((east - west) % 360) / 2
    margin = max(half, north - south)
    around = (meridian - half - margin, south - margin, meridian + half + margin, north + margin)
    cut = shapely.clip_by_rect(place_polygons(dense, meridian), *around)
    drawn = shapely.simplify(cut, _SIMPLIFIED_DEGREES)
    rows = np.flatnonzero(~shapely.is_empty(drawn))
    return rows, drawn[rows]


def encode_surroundings(polygons: gpd.GeoDataFrame | None, grid: ChipGrid) -> list[dict[str, Any]] | None:
    """Encode polygons in and around a scene with their names.

    Args:
        polygons: Of any extent, in any coordinate reference system, with or without the column ``name``.
        grid: Grid of the scene.

    Returns:
        ``name``, which may be ``None``, and ``polygon`` of each; ``None`` if no polygons were given.
    """
    if polygons is None:
        return None
    rows, geometry = place_surroundings(polygons, grid)
    names = polygons["name"].tolist() if "name" in polygons.columns else [None] * len(polygons)
    return [
        {"name": names[row] if isinstance(names[row], str) else None, "polygon": polygon}
        for row, polygon in zip(rows, encode_polygons(geometry), strict=True)
    ]


def encode_polygons(polygons: Geometries, digits: int = DIGITS) -> list[list[list[list[int]]]]:
    """Encode polygons compactly.

    Args:
        polygons: Polygons and multipolygons in degrees, (polygons,).
        digits: Decimals of a degree that are kept.

    Returns:
        For each its parts, for each part its rings, the shell first, for each ring whole numbers: longitude and
        latitude of its first point in units of the last decimal, then each further point's distance from the one
        before. The last point, which is the first again, is left out.
    """
    return [
        [[_encode_ring(ring, digits) for ring in shapely.get_rings(part)] for part in shapely.get_parts(polygon)]
        for polygon in polygons
    ]


def encode_extents(polygons: Geometries, digits: int = DIGITS) -> dict[str, list[int]]:
    """Encode where polygons lie, so that a page can leave out those that are not in view without reading them.

    Args:
        polygons: Polygons in degrees, (polygons,).
        digits: Decimals of a degree that are kept.

    Returns:
        ``longitude`` and ``latitude`` of the middle and ``reach``, the farthest distance from it to the east or north,
        in units of the last decimal.
    """
    west, south, east, north = shapely.bounds(polygons).reshape(-1, 4).T * 10**digits
    reach = np.ceil(np.maximum(east - west, north - south) / 2)
    columns = {"longitude": (west + east) / 2, "latitude": (south + north) / 2, "reach": reach}
    return {name: np.rint(column).astype(np.int64).tolist() for name, column in columns.items()}


def _encode_ring(ring: shapely.Geometry, digits: int) -> list[int]:
    points = np.rint(shapely.get_coordinates(ring)[:-1] * 10**digits).astype(np.int64)
    points[1:] -= points[:-1].copy()
    steps: list[int] = points.ravel().tolist()
    return steps


def _warp(bands: NDArray[np.float32], grid: ChipGrid, longest_side: int) -> tuple[NDArray[np.float32], Box]:
    """Warp pictures of a whole scene, (bands, h, w), to Mercator; their bounds in degrees."""
    height, width = bands.shape[1:]
    placed = grid.transform @ Affine.scale(grid.width / width, grid.height / height)
    meridian = middle_longitude(grid)
    mercator = CRS.from_proj4(
        f"+proj=merc +a={_RADIUS} +b={_RADIUS} +lat_ts=0 +lon_0={meridian!r} +units=m +nadgrids=@null +wktext +no_defs"
    )
    transform, columns, rows = calculate_default_transform(grid.crs, mercator, width, height, *grid.bounds)
    times = max(columns, rows) / longest_side
    if times > 1:
        columns, rows = max(1, round(columns / times)), max(1, round(rows / times))
        transform, columns, rows = calculate_default_transform(
            grid.crs, mercator, width, height, *grid.bounds, dst_width=columns, dst_height=rows
        )
    warped = np.full((len(bands), rows, columns), np.nan, dtype=np.float32)
    reproject(
        bands, warped, src_transform=placed, src_crs=grid.crs, src_nodata=np.nan, dst_transform=transform,
        dst_crs=mercator, dst_nodata=np.nan, resampling=Resampling.bilinear,
    )  # fmt: skip
    (left, top), (right, bottom) = transform @ (0, 0), transform @ (columns, rows)
    east_of = [meridian + math.degrees(x / _RADIUS) for x in (left, right)]
    north_of = [math.degrees(math.atan(math.sinh(y / _RADIUS))) for y in (bottom, top)]
    return warped, (east_of[0], north_of[0], east_of[1], north_of[1])
