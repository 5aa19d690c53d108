"""Novelty of a scene: a coarse raster of how far each window of ground lies from what the model has learnt from."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.transform import Affine

from mining_the_mines.core.threads import one_thread
from mining_the_mines.mapping.plan import ProbabilityPlan, load_once
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


def measure_novelty(plan: ProbabilityPlan) -> SceneNovelty | None:
    """Measure the novelty of a scene, window by window, without overlap.

    Args:
        plan: Scene, model and grid; a window has the edge of the model's training chips.

    Returns:
        The novelty; ``None`` for a model of an earlier version, which has no description of its training chips.

    Raises:
        SceneError: The scene can't be read.
    """
    model, grid = load_once(plan.model, plan.tiling.views), plan.grid
    if model.novelty is None:
        return None
    edge = model.window
    rows, columns = (_starts(length, edge) for length in (grid.height, grid.width))
    found = np.full((len(rows), len(columns)), np.nan, dtype=np.float32)
    with one_thread(), open_rows(plan.scene, plan.chips, grid) as scene:
        for number, first in enumerate(rows):
            pixels = scene.decode(scene.read(first, min(first + edge, grid.height)))
            windows = np.stack([pixels[:, :, left : left + edge] for left in columns])
            found[number] = model.novelty.score(windows)
    return SceneNovelty(found, grid.transform @ Affine.scale(edge), model.novelty.unlike)


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
