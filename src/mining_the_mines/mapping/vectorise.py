"""Polygons of mines from a map of probabilities, and the mask that the same polygons cover."""

from functools import partial
from typing import Final, Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from affine import Affine
from pydantic import BaseModel, ConfigDict, Field
from pyproj.exceptions import CRSError, ProjError
from rasterio.features import rasterize, shapes
from scipy import ndimage

from mining_the_mines.chips.grid import HECTARE, ChipGrid
from mining_the_mines.chips.masks import BACKGROUND, MINE, UNKNOWN, Mask
from mining_the_mines.chips.outlines import LON_LAT, Coordinates, Geometries, transformation
from mining_the_mines.chips.reading import ChipError

Probability = npt.NDArray[np.float32]
Labels = npt.NDArray[np.integer]
_Flags = npt.NDArray[np.bool_]

#: Which of a pixel's neighbours belong to the same patch: those beside it, or those at its corners too.
_NEIGHBOURS: Final = {4: ndimage.generate_binary_structure(2, 1), 8: ndimage.generate_binary_structure(2, 2)}


class VectorSettings(BaseModel):
    """Which patches of likely pixels become polygons."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    minimum_hectares: float = Field(
        0.1, ge=0, description="Smaller patches are dropped: at 10 m, fewer than ten pixels are more often noise."
    )
    fill_holes_hectares: float = Field(
        0.0,
        ge=0,
        description="Holes up to this size are filled, unless they hold nodata; raise it where ponds count as mine.",
    )
    connectivity: Literal[4, 8] = Field(
        8,
        description="Whether pixels that touch at a corner only are one patch (8), as pits along a river, or two (4).",
    )


def outline_polygons(
    probability: Probability, grid: ChipGrid, threshold: float, settings: VectorSettings
) -> gpd.GeoDataFrame:
    """Draw a polygon around each patch of pixels that reach the threshold.

    Outlines follow the edges of the pixels, so that drawing them again gives the same pixels. All of them are valid;
    patches that hang together by a corner only are multipolygons.

    Args:
        probability: float32 (height, width) in 0–1; NaN without data.
        grid: Where the chip lies.
        threshold: Probability from which a pixel counts as mine.
        settings: Which patches are kept.

    Returns:
        In the chip's CRS, the largest first: ``id`` (from 1), ``area_ha`` (hectares on the WGS 84 ellipsoid, whatever
        the CRS), ``mean_probability`` and ``max_probability`` (of its pixels, filled holes included), ``touches_edge``
        (it may go on where the chip ends or has no data).

    Raises:
        ChipError: If the chip's CRS can't be placed on the Earth.
        ValueError: If the map is not of the grid's size.
    """
    if probability.shape != (grid.height, grid.width):
        raise ValueError(f"A map of {probability.shape} does not fit a chip of {(grid.height, grid.width)} pixels.")
    known = ~np.isnan(probability)
    mine = probability >= threshold
    if settings.fill_holes_hectares > 0:
        mine |= _small_holes(mine, known, grid, settings)
    labels, count = ndimage.label(mine, _NEIGHBOURS[settings.connectivity])
    geometry = _trace(labels, count, grid)
    hectares = _measure(geometry, grid)
    numbers = np.arange(1, count + 1)
    inside = ndimage.binary_erosion(known)
    patches = gpd.GeoDataFrame(
        {
            "area_ha": hectares,
            "mean_probability": np.asarray(ndimage.mean(probability, labels, numbers), dtype=np.float64),
            "max_probability": np.asarray(ndimage.maximum(probability, labels, numbers), dtype=np.float64),
            "touches_edge": np.asarray(ndimage.maximum(~inside, labels, numbers), dtype=np.bool_),
        },
        geometry=geometry,
        crs=grid.crs.to_wkt(),
    )
    kept = patches[hectares >= settings.minimum_hectares]
    kept = kept.sort_values("area_ha", ascending=False, kind="stable", ignore_index=True)
    kept.insert(0, "id", np.arange(1, len(kept) + 1))
    return kept


def draw_outlines(outlines: gpd.GeoDataFrame, probability: Probability, grid: ChipGrid) -> Mask:
    """Draw the mask that polygons cover, so that mask and polygons show the same mines.

    Args:
        outlines: As :func:`outline_polygons` made them.
        probability: From this map.
        grid: Where the chip lies.

    Returns:
        uint8 (height, width): background, mine, or unknown where the map has no data.
    """
    mask: Mask = np.full(probability.shape, BACKGROUND, dtype=np.uint8)
    if len(outlines):
        rasterize(outlines.geometry, out=mask, transform=grid.transform, default_value=MINE)
    mask[np.isnan(probability)] = UNKNOWN
    return mask


def _small_holes(mine: _Flags, known: _Flags, grid: ChipGrid, settings: VectorSettings) -> _Flags:
    # Where mines hang together at corners, what is between them does not, and the other way round.
    labels, count = ndimage.label(~mine, _NEIGHBOURS[12 - settings.connectivity])
    fill = _measure(_trace(labels, count, grid), grid) <= settings.fill_holes_hectares
    rims = (labels[0], labels[-1], labels[:, 0], labels[:, -1], labels[~known])
    open_ones = np.unique(np.concatenate(rims))
    fill = np.concatenate([[False], fill])
    fill[open_ones] = False
    filled: _Flags = fill[labels]
    return filled


def _trace(labels: Labels, count: int, grid: ChipGrid) -> Geometries:
    """Outlines of the patches 1 to ``count``, in the grid's CRS."""
    # Traced across corners, rings would touch themselves, which no valid polygon may. So pieces are traced that hang
    # together by their sides, and those of a patch joined: a multipolygon's parts may touch at points.
    pieces: list[list[shapely.Polygon]] = [[] for _ in range(count)]
    for outline, label in shapes(labels.astype(np.int32), mask=labels > 0, connectivity=4):
        shell, *holes = outline["coordinates"]
        pieces[int(label) - 1].append(shapely.Polygon(shell, holes))
    patches = np.empty(count, dtype=np.object_)
    patches[:] = [parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts) for parts in pieces]
    traced: Geometries = shapely.transform(patches, partial(_place, grid.transform))
    return traced


def _place(transform: Affine, pixels: Coordinates) -> Coordinates:
    columns, rows = pixels[:, 0], pixels[:, 1]
    east = transform.a * columns + transform.b * rows + transform.c
    north = transform.d * columns + transform.e * rows + transform.f
    return np.column_stack((east, north))


def _measure(geometry: Geometries, grid: ChipGrid) -> npt.NDArray[np.float64]:
    """Hectares on the ellipsoid, in Lambert's azimuthal equal-area projection about the middle of the chip.

    Right in every CRS, Web Mercator included, and across the antimeridian, where degrees jump.
    """
    crs = grid.crs.to_wkt()
    try:
        middle = np.array([grid.transform @ (grid.width / 2, grid.height / 2)])
        ((longitude, latitude),) = transformation(crs, LON_LAT)(middle)
        if not np.isfinite((longitude, latitude)).all():
            raise ProjError("its middle is nowhere on the Earth")
        equal_area = f"+proj=laea +lon_0={longitude} +lat_0={latitude} +datum=WGS84 +units=m"
        flat = shapely.transform(geometry, transformation(crs, equal_area))
    except (CRSError, ProjError) as error:
        raise ChipError(
            f"The coordinate reference system {grid.crs.to_string()[:60]} can't be placed on the Earth: "
            "warp the chips to one that can, such as UTM."
        ) from error
    hectares: npt.NDArray[np.float64] = shapely.area(flat) / HECTARE
    return hectares
