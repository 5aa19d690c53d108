"""Mine polygons from a map of probability, by GDAL's polygonizer, and the mask that they cover.

Pixels are thresholded with hysteresis (J. Canny, 1986, doi 10.1109/TPAMI.1986.4767851): a patch holds pixels from the
lower threshold on and must reach the higher one somewhere. Thresholded pixels lie in a scratch raster on disk, which
GDAL reads row by row, so that memory follows the number of patches and not the size of the scene.
"""

import errno
import math
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import rasterio
import shapely
from affine import Affine
from rasterio.features import rasterize, shapes, sieve
from rasterio.io import DatasetReader, DatasetWriter
from rasterio.windows import Window
from scipy import ndimage
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from mining_the_mines.chips.masks import BACKGROUND, MINE, UNKNOWN, Mask
from mining_the_mines.geo.equal_area import EqualAreaGrid
from mining_the_mines.geo.grid import HECTARE, ChipGrid
from mining_the_mines.geo.mine_polygons import place_pixels
from mining_the_mines.geo.vector_files import Geometries
from mining_the_mines.mapping.settings import Thresholds, VectorSettings

Probability = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

#: Values of the scratch raster's first band.
_NODATA, _GROUND, _LIKELY = 0, 1, 2
#: Bands of the scratch raster: the class of each pixel, and whether its patch is worth drawing.
_CLASS, _KEPT = 1, 2
#: Rows of the scratch raster that are changed at a time.
_ROWS: Final = 512
#: Probabilities are summed in these steps, so that sums are exact and do not depend on the order of blocks. Half
#: precision in 0–1 is a multiple of one; single precision is rounded by 3e-8 at most.
_STEPS: Final = 2**24


@dataclass(frozen=True, eq=False)
class ProbabilityRows:
    """Adjacent rows of a map.

    Attributes:
        first_row: Row of the raster that they begin at, from 0.
        probability: float32 (rows, width) in 0–1; NaN without data.
        clear_dates: uint16 (rows, width), number of clear dates of each pixel; ``None`` if unknown.
    """

    first_row: int
    probability: Probability
    clear_dates: npt.NDArray[np.uint16] | None = None


def polygonize(
    blocks: Iterable[ProbabilityRows],
    grid: ChipGrid,
    thresholds: Thresholds,
    settings: VectorSettings,
    scratch: Path | None = None,
) -> gpd.GeoDataFrame:
    """Draw a polygon around each patch of likely pixels.

    Polygons follow the edges of the pixels and are valid; patches that hang together by corners only are multipolygons.
    The result does not depend on the heights of the blocks. Holes are filled first, then patches are joined, then
    seeds are looked for. A patch takes in all that lies in a hole that is filled.

    Args:
        blocks: The map from top to bottom, without gaps; iterated over twice.
        grid: Grid of the map.
        thresholds: Lower and higher probability.
        settings: Patches to keep.
        scratch: Folder for a temporary raster of two bytes a pixel; the system's by default.

    Returns:
        Polygons in the grid's CRS, the largest first, then by first pixel row by row. Columns: ``id`` (from 1),
        ``area_ha`` (hectares on the WGS 84 ellipsoid, before simplification), ``mean_probability`` and
        ``max_probability`` (of the pixels, those of filled holes included), ``clear_dates`` (median of the pixels; NaN
        if unknown) and ``touches_edge`` (the patch touches nodata or the end of the raster).

    Raises:
        BadInputError: The CRS can't be placed on the Earth.
        ValueError: The blocks don't fit the grid, or only some of them have clear dates.
        OSError: The disk is full.
    """
    equal_area = EqualAreaGrid(grid)
    smallest_pixel, largest_pixel = equal_area.pixel_range
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        raster = Path(folder) / "classes.tif"
        _write_classes(raster, blocks, grid, thresholds.grow)
        with rasterio.open(raster, "r+") as classes:
            if settings.fill_holes_hectares >= smallest_pixel:
                _fill_holes(classes, equal_area, settings.fill_holes_hectares, settings.connectivity)
            _drop_small_patches(classes, math.floor(settings.minimum_hectares / largest_pixel), settings.connectivity)
            patches = _trace(classes, settings.connectivity)
            found = _zonal_statistics(blocks, classes, patches)
    hectares = equal_area.measure(patches)
    kept = np.flatnonzero((found["max_probability"] >= thresholds.seed) & (hectares >= settings.minimum_hectares))
    order = kept[np.lexsort((found["first_pixel"].to_numpy()[kept], -hectares[kept]))]
    drawn = shapely.orient_polygons(patches[order])  # shells counter-clockwise
    if settings.simplify_metres:
        drawn = _simplify(drawn, settings.simplify_metres, equal_area)
    columns = ["mean_probability", "max_probability", "clear_dates", "touches_edge"]
    table = found.iloc[order][columns].reset_index(drop=True)
    table.insert(0, "id", np.arange(1, len(order) + 1, dtype=np.int64))
    table.insert(1, "area_ha", hectares[order])
    return gpd.GeoDataFrame(table, geometry=drawn, crs=grid.crs.to_wkt())


def polygonize_chip(
    probability: Probability, grid: ChipGrid, threshold: float, settings: VectorSettings
) -> gpd.GeoDataFrame:
    """Draw a polygon around each patch of likely pixels of a chip in memory.

    Without ``settings.simplify_metres``, :func:`draw_mask` gives the same pixels back.

    Args:
        probability: float32 (height, width) in 0–1; NaN without data.
        grid: Grid of the chip.
        threshold: Probability from which the model calls a pixel mine.
        settings: Patches to keep.

    Returns:
        As :func:`polygonize` gives them, without ``clear_dates``.

    Raises:
        BadInputError: The CRS can't be placed on the Earth.
        ValueError: The chip does not fit the grid.
    """
    blocks = [ProbabilityRows(0, probability)]
    return polygonize(blocks, grid, settings.thresholds(threshold), settings).drop(columns="clear_dates")


def draw_mask(polygons: gpd.GeoDataFrame, probability: Probability, grid: ChipGrid) -> Mask:
    """Draw the mask that polygons cover.

    Args:
        polygons: Polygons in the grid's CRS.
        probability: (height, width), NaN without data.
        grid: Grid of the chip.

    Returns:
        uint8 (height, width): background, mine, or unknown where the map has no data.
    """
    mask: Mask = np.full(probability.shape, BACKGROUND, dtype=np.uint8)
    if len(polygons):
        rasterize(polygons.geometry, out=mask, transform=grid.transform, default_value=MINE)
    mask[np.isnan(probability)] = UNKNOWN
    return mask


def _write_classes(path: Path, blocks: Iterable[ProbabilityRows], grid: ChipGrid, grow: float) -> None:
    profile = {
        "driver": "GTiff", "dtype": "uint8", "count": 2, "height": grid.height, "width": grid.width,
        "interleave": "band", "bigtiff": "if_safer", "transform": grid.transform,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as classes:
        for block in _checked(blocks, grid):
            values = np.where(block.probability >= grow, _LIKELY, _GROUND).astype(np.uint8)
            values[np.isnan(block.probability)] = _NODATA
            classes.write(values, _CLASS, window=_rows(block.first_row, len(values), grid.width))
    # GDAL says nothing of what it can't write when it closes a file on a full disk.
    if path.stat().st_size < 2 * grid.height * grid.width:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _checked(blocks: Iterable[ProbabilityRows], grid: ChipGrid) -> Iterator[ProbabilityRows]:
    row, counted = 0, set[bool]()
    for block in blocks:
        rows = len(block.probability)
        if block.first_row != row or block.probability.shape != (rows, grid.width) or row + rows > grid.height:
            raise ValueError(
                f"A map of {block.probability.shape} from row {block.first_row} does not fit a raster of "
                f"{grid.height} × {grid.width} pixels whose next row is {row}."
            )
        row += rows
        counted.add(block.clear_dates is not None)
        if rows:
            yield block
    if row != grid.height:
        raise ValueError(f"A map of {row} rows does not fit a raster of {grid.height} × {grid.width} pixels.")
    if len(counted) > 1:
        raise ValueError("Clear dates are counted in some blocks of the map and not in others.")


def _fill_holes(classes: DatasetWriter, equal_area: EqualAreaGrid, largest: float, connectivity: int) -> None:
    """Turn holes up to a number of hectares into likely pixels, unless nodata or the end of the raster is in them."""
    # Where patches hang together at corners, what is between them does not, and the other way round.
    across = 12 - connectivity
    _mark_small_gaps(classes, math.floor(largest / equal_area.pixel_range[0]), across)
    gaps = _trace(classes, across)
    holes = gaps[equal_area.measure(gaps) <= largest]
    open_holes = np.zeros(len(holes), dtype=np.bool_)
    tree = shapely.STRtree(holes)
    for rows in _windows(classes):
        numbers = _rasterize(holes, tree, classes.transform, rows)
        no_hole = (classes.read(_CLASS, window=rows) == _NODATA) | _beside_nodata(classes, rows)
        open_holes[numbers[(numbers >= 0) & no_hole]] = True
    holes = holes[~open_holes]
    tree = shapely.STRtree(holes)
    for rows in _windows(classes):
        values = classes.read(_CLASS, window=rows)
        values[_rasterize(holes, tree, classes.transform, rows) >= 0] = _LIKELY
        classes.write(values, _CLASS, window=rows)


def _mark_small_gaps(classes: DatasetWriter, most_pixels: int, connectivity: int) -> None:
    """Write to the second band the gaps between likely pixels that have at most so many pixels.

    The ground around the patches of a noisy map is one gap with a million holes, whose polygon would fill the memory.
    """
    touching = ndimage.generate_binary_structure(2, 2 if connectivity == 8 else 1)
    for rows in _windows(classes):
        first = max(0, rows.row_off - most_pixels)  # a gap that reaches from here into these rows is too large
        end = min(classes.height, rows.row_off + rows.height + most_pixels)
        gaps, count = ndimage.label(
            classes.read(_CLASS, window=_rows(first, end - first, classes.width)) != _LIKELY, touching
        )
        small = np.bincount(gaps.ravel(), minlength=count + 1) <= most_pixels
        small[0] = False
        inside = small[gaps[rows.row_off - first :][: rows.height]]
        classes.write(inside.astype(np.uint8), _KEPT, window=rows)


def _drop_small_patches(classes: DatasetWriter, fewest_pixels: int, connectivity: int) -> None:
    """Write likely pixels to the second band, without patches of fewer pixels: most of a noisy map is such specks."""
    margin = min(
        fewest_pixels, _ROWS
    )  # a patch that begins in these rows and reaches beyond the margin is large enough
    for rows in _windows(classes):
        first = max(0, rows.row_off - margin)
        end = min(classes.height, rows.row_off + rows.height + margin)
        values = classes.read(_CLASS, window=_rows(first, end - first, classes.width))
        kept = values == _LIKELY
        if 1 < margin < values.size:
            kept &= sieve(values, margin, connectivity=connectivity) == _LIKELY  # it fills small holes, too
        inside = kept[rows.row_off - first :][: rows.height]
        classes.write(inside.astype(np.uint8), _KEPT, window=rows)


def _trace(classes: DatasetReader, connectivity: int) -> Geometries:
    """Polygons of the second band's patches, in map coordinates."""
    band = rasterio.band(classes, _KEPT)
    # Traced across corners, rings would touch themselves. Parts of a multipolygon may touch at points.
    polygons = [shapely.geometry.shape(polygon) for polygon, _ in shapes(band, mask=band, connectivity=4)]
    pieces: Geometries = np.array(polygons, dtype=np.object_)
    if connectivity == 4 or len(pieces) < 2:
        return pieces
    first, second = shapely.STRtree(pieces).query(pieces, predicate="intersects")
    pairs = csr_array((np.ones(len(first), dtype=np.int8), (first, second)), shape=(len(pieces), len(pieces)))
    count, patch = connected_components(pairs, directed=False)
    order = np.argsort(patch, kind="stable")
    patches: Geometries = np.asarray(shapely.multipolygons(pieces[order], indices=patch[order]), dtype=np.object_)
    single = np.bincount(patch, minlength=count) == 1
    patches[single] = shapely.get_geometry(patches[single], 0)
    return patches


def _zonal_statistics(blocks: Iterable[ProbabilityRows], classes: DatasetReader, patches: Geometries) -> pd.DataFrame:
    """A row a patch: its first pixel, probabilities, clear dates, and whether it touches an edge."""
    count, tree = len(patches), shapely.STRtree(patches)
    pixels, total = np.zeros(count), np.zeros(count)
    first_pixel = np.full(count, np.iinfo(np.int64).max)
    highest, at_edge = np.zeros(count, dtype=np.float32), np.zeros(count, dtype=np.bool_)
    dates: list[pd.DataFrame] = []
    for block in blocks:
        rows = _rows(block.first_row, len(block.probability), classes.width)
        numbers = _rasterize(patches, tree, classes.transform, rows).ravel()
        inside = np.flatnonzero(numbers >= 0)
        patch, probability = numbers[inside], block.probability.ravel()[inside]
        pixels += np.bincount(patch, minlength=count)
        total += np.bincount(patch, np.rint(probability.astype(np.float64) * _STEPS), minlength=count)
        np.maximum.at(highest, patch, probability)
        np.minimum.at(first_pixel, patch, inside + block.first_row * classes.width)
        at_edge[patch[_beside_nodata(classes, rows).ravel()[inside]]] = True
        if block.clear_dates is not None:
            counted = pd.DataFrame({"patch": patch, "dates": block.clear_dates.ravel()[inside]})
            dates.append(counted.value_counts().rename("pixels").reset_index())
    return pd.DataFrame(
        {
            "first_pixel": first_pixel,
            "mean_probability": total / _STEPS / pixels,
            "max_probability": highest.astype(np.float64),
            "clear_dates": _medians(pd.concat(dates), count) if dates else np.full(count, np.nan),
            "touches_edge": at_edge,
        }
    )


def _medians(counted: pd.DataFrame, count: int) -> npt.NDArray[np.float64]:
    """Median number of clear dates of each patch; of two middle pixels, the mean."""
    counted = counted.groupby(["patch", "dates"]).sum().reset_index()
    seen = counted.groupby("patch")["pixels"].cumsum()
    total = counted.groupby("patch")["pixels"].transform("sum")
    middle = [
        counted[seen > place].groupby("patch")["dates"].first().reindex(range(count)).to_numpy(dtype=np.float64)
        for place in ((total - 1) // 2, total // 2)
    ]
    medians: npt.NDArray[np.float64] = (middle[0] + middle[1]) / 2
    return medians


def _beside_nodata(classes: DatasetReader, rows: Window) -> npt.NDArray[np.bool_]:
    """Whether a side of each pixel touches nodata; beyond the raster there is no data."""
    first, end = rows.row_off, rows.row_off + rows.height
    above, below = min(1, first), min(1, classes.height - end)
    read = classes.read(_CLASS, window=_rows(first - above, above + rows.height + below, classes.width))
    empty = np.pad(read, ((1 - above, 1 - below), (1, 1)), constant_values=_NODATA) == _NODATA
    beside: npt.NDArray[np.bool_] = empty[:-2, 1:-1] | empty[2:, 1:-1] | empty[1:-1, :-2] | empty[1:-1, 2:]
    return beside


def _rasterize(geometry: Geometries, tree: shapely.STRtree, transform: Affine, rows: Window) -> npt.NDArray[np.int32]:
    """Number of the geometry that covers each pixel of some rows; -1 where there is none."""
    numbers = np.full((rows.height, rows.width), -1, dtype=np.int32)
    of_rows = transform @ Affine.translation(0, rows.row_off)
    near = tree.query(shapely.transform(shapely.box(0, 0, rows.width, rows.height), partial(place_pixels, of_rows)))
    if len(near):
        rasterize(zip(geometry[near], near.tolist(), strict=True), out=numbers, transform=of_rows)
    return numbers


def _windows(classes: DatasetReader) -> Iterator[Window]:
    for first in range(0, classes.height, _ROWS):
        yield _rows(first, min(_ROWS, classes.height - first), classes.width)


def _rows(first: int, count: int, width: int) -> Window:
    return Window(0, first, width, count)


def _simplify(geometry: Geometries, metres: float, equal_area: EqualAreaGrid) -> Geometries:
    """Simplify polygons together (M. Visvalingam and J. D. Whyatt, 1993, doi 10.1179/000870493786962263)."""
    smallest, largest = equal_area.pixel_range
    pixel_metres = math.sqrt(math.sqrt(smallest * largest) * HECTARE)
    pixel_units = math.sqrt(abs(equal_area.grid.transform.determinant))
    simplified: Geometries = shapely.coverage_simplify(geometry, metres * pixel_units / pixel_metres)
    return simplified
