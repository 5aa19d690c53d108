"""Novelty of a scene: a coarse raster of how far each window of ground lies from what the model has learnt from.

Most windows are scored by the tasks that map a scene, which hold its pixels; the others once these are done.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.transform import Affine

from mining_the_mines.core.threads import one_thread
from mining_the_mines.mapping.plan import BandPart, ProbabilityPlan, RowBand, load_once
from mining_the_mines.models.predictor import Predictor
from mining_the_mines.rasters.scene import open_rows

NOVELTY: Final = "novelty.tif"


@dataclass(frozen=True)
class SceneNovelty:
    """Novelty of the windows of a scene.

    Attributes:
        percentiles: float32 (rows, columns) of windows, 0–100; NaN without data.
        transform: Of these cells, in the scene's CRS.
        unlike: Percentile from which ground is unlike anything that the model has learnt from.
    """

    percentiles: npt.NDArray[np.float32]
    transform: Affine
    unlike: float

    @property
    def unlike_share(self) -> float:
        """Share of the windows with data that are unlike anything that the model has learnt from, 0–1."""
        known = self.percentiles[~np.isnan(self.percentiles)]
        return float((known >= self.unlike).mean()) if known.size else math.nan

    def at(self, patches: gpd.GeoDataFrame) -> npt.NDArray[np.float64]:
        """Novelty of the window that each patch's representative point lies in, (N,)."""
        points = patches.geometry.representative_point()
        cell, x, y = ~self.transform, points.x.to_numpy(), points.y.to_numpy()
        columns, rows = cell.a * x + cell.b * y + cell.c, cell.d * x + cell.e * y + cell.f
        height, width = self.percentiles.shape
        inside = (np.floor(rows).clip(0, height - 1).astype(int), np.floor(columns).clip(0, width - 1).astype(int))
        found: npt.NDArray[np.float64] = self.percentiles[inside].astype(np.float64)
        return found


class NoveltyRows:
    """Rows of windows that lie in a band of rows, scored while its pixels pass by.

    Args:
        plan: Scene, model and grid.
        model: The model.
        band: The band.

    Attributes:
        found: Novelty of the windows of a row, (columns,), by its first pixel.
    """

    def __init__(self, plan: ProbabilityPlan, model: Predictor, band: RowBand) -> None:
        self.found: dict[int, npt.NDArray[np.float64]] = {}
        self._model, self._first = model, band.first_row
        self._pixels = np.empty((len(plan.chips.bands), model.window, plan.grid.width), dtype=np.float32)

    def add(self, first: int, pixels: npt.NDArray[np.float32]) -> None:
        """Take the next rows of the band, reflectance (bands, rows, width) from row ``first`` on."""
        edge, novelty = self._model.window, self._model.novelty
        if novelty is None or not pixels.shape[1]:
            return
        place = first % edge
        taken = pixels[:, : edge - place]
        end = place + taken.shape[1]
        self._pixels[:, place:end] = taken
        if end == edge and first - place >= self._first:
            self.found[first - place] = novelty.score(_cut(self._pixels, edge))
        self.add(first - place + end, pixels[:, edge - place :])

    def save(self, stream: BinaryIO) -> None:
        """Write what was found behind a part's sums."""
        np.save(stream, np.array(list(self.found), dtype=np.int64))
        np.save(stream, np.array(list(self.found.values())))


def measure_novelty(plan: ProbabilityPlan, parts: Iterable[BandPart]) -> SceneNovelty | None:
    """Measure the novelty of a scene, window by window, without overlap.

    Args:
        plan: Scene, model and grid; a window has the edge of the model's training chips.
        parts: Finished tasks, with the rows of windows that they hold.

    Returns:
        The novelty; ``None`` for a model of an earlier version, which has no description of its training chips.

    Raises:
        SceneError: The scene can't be read.
    """
    model, grid = load_once(plan.model, plan.tiling.views), plan.grid
    if model.novelty is None:
        return None
    edge = model.window
    known = dict(chain.from_iterable(part.read_novelty().items() for part in parts))
    with one_thread(), open_rows(plan.scene, plan.chips, grid) as scene:
        for first in _starts(grid.height, edge):
            if first not in known:  # it lies in two tasks
                pixels = scene.decode(scene.read(first, min(first + edge, grid.height)))
                known[first] = model.novelty.score(_cut(pixels, edge))
    percentiles = np.array([known[first] for first in _starts(grid.height, edge)], dtype=np.float32)
    return SceneNovelty(percentiles, grid.transform @ Affine.scale(edge), model.novelty.unlike)


def _cut(pixels: npt.NDArray[np.float32], edge: int) -> npt.NDArray[np.float32]:
    """Cut a row of windows (columns, bands, edge, edge) out of reflectance (bands, edge, width)."""
    return np.stack([pixels[:, :, left : left + edge] for left in _starts(pixels.shape[2], edge)])


def _starts(length: int, edge: int) -> list[int]:
    """First pixel of each window along an axis; the last window is moved back to end with the scene."""
    return [min(start, max(0, length - edge)) for start in range(0, length, edge)]


def write_novelty(path: Path, plan: ProbabilityPlan, novelty: SceneNovelty) -> None:
    """Write novelty as a GeoTIFF with one pixel per window, NaN without data."""
    height, width = novelty.percentiles.shape
    with rasterio.open(
        path, "w", driver="GTiff", height=height, width=width, count=1, dtype="float32", nodata=math.nan,
        crs=plan.grid.crs, transform=novelty.transform, compress="deflate",
    ) as file:  # fmt: skip
        file.write(novelty.percentiles, 1)
        file.set_band_description(1, "novelty: percentile among the training chips")
