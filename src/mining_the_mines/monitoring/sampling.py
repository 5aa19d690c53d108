"""Means of rasters in outlines."""

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import rasterio
import shapely
from rasterio.features import rasterize

from mining_the_mines.geo.equal_area import EqualAreaGrid
from mining_the_mines.geo.mine_polygons import transformation
from mining_the_mines.geo.vector_files import Geometries
from mining_the_mines.mapping.probability_raster import read_probability

#: Rows that are read at a time.
_ROWS: Final = 1024


def sample(path: Path | None, outlines: Geometries, plane: EqualAreaGrid) -> npt.NDArray[np.float64]:
    """Average a raster over outlines, and find its highest value there.

    Args:
        path: Raster on the plane's grid, NaN without data; ``None`` if there is none.
        outlines: In metres of the plane, (outlines,); they don't overlap.
        plane: The projection.

    Returns:
        Mean and highest value in each outline, float64 (outlines, 2); NaN where there are no data.
    """
    pixels, total = np.zeros(len(outlines)), np.zeros(len(outlines))
    highest = np.full(len(outlines), -np.inf)
    if path is not None and len(outlines):
        grid = plane.grid
        placed = shapely.transform(outlines, transformation(plane.crs, grid.crs.to_wkt()))
        tree = shapely.STRtree(placed)
        for first, values in read_probability(path, _ROWS):
            of_rows = grid.transform @ rasterio.Affine.translation(0, first)
            corners = [of_rows @ corner for corner in ((0, 0), (grid.width, 0), (grid.width, len(values)))]
            near = tree.query(shapely.Polygon([*corners, of_rows @ (0, len(values))]))
            if not len(near):
                continue
            numbers = rasterize(
                zip(placed[near], near.tolist(), strict=True), values.shape, fill=-1, transform=of_rows, dtype="int32"
            )
            inside = (numbers >= 0) & np.isfinite(values)
            number, value = numbers[inside], values[inside].astype(np.float64)
            pixels += np.bincount(number, minlength=len(outlines))
            total += np.bincount(number, value, minlength=len(outlines))
            np.maximum.at(highest, number, value)
    with np.errstate(invalid="ignore"):
        return np.column_stack((total / pixels, np.where(pixels > 0, highest, np.nan)))
