"""What a map depends on, and the bands of rows that it is made in."""

import hashlib
import json
import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final

from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.mapping.model import MapModel, StoredModel
from mining_the_mines.mapping.settings import Precision, TilingSettings
from mining_the_mines.mapping.windows import AxisWindows, cut_axis
from mining_the_mines.rasters.scene import Scene

#: Goes up when the same scene, model and settings begin to give another map.
VERSION: Final = 1

#: Small scenes are divided too: most machines have two cores at least.
_LEAST_BANDS: Final = 2


@dataclass(frozen=True)
class RowBand:
    """Some rows of windows, which are one task.

    Attributes:
        number: From 0, top to bottom.
        first_window: Number of its first row of windows.
        end_window: Number of the row of windows behind its last.
        first_row: First row of the scene that its windows lie on.
        end_row: Row of the scene behind the last that they lie on.
    """

    number: int
    first_window: int
    end_window: int
    first_row: int
    end_row: int


@dataclass(frozen=True)
class ProbabilityPlan:
    """All that a scene's map of probability depends on.

    Attributes:
        scene: The scene.
        model: The model.
        grid: On which the map lies.
        rows: How the scene's rows are cut.
        columns: How its columns are cut.
        tiling: The settings behind that.
        precision: Type of the map's numbers.
        coarse: Whether the model judges windows as wholes.
    """

    scene: Scene
    model: StoredModel
    grid: ChipGrid
    rows: AxisWindows
    columns: AxisWindows
    tiling: TilingSettings
    precision: Precision
    coarse: bool = False

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of all that the numbers depend on, to the last bit: how sums are grouped counts too."""
        content = {
            "version": VERSION,
            "scene": self.scene.fingerprint(),
            "model": self.model.content_hash,
            "grid": [self.grid.crs.to_wkt(), *self.grid.transform[:6], self.grid.height, self.grid.width],
            "windows": [self.rows.window, self.columns.window],
            "tiling": self.tiling.model_dump(mode="json"),
            "precision": self.precision,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @cached_property
    def bands(self) -> tuple[RowBand, ...]:
        """The tasks, top to bottom; of about equal size."""
        starts, height = self.rows.starts, self.rows.length
        count = min(len(starts), max(_LEAST_BANDS, math.ceil(height / self.tiling.band_rows)))
        edges = [round(number * len(starts) / count) for number in range(count + 1)]
        return tuple(
            RowBand(
                number,
                first,
                end,
                self.rows.inside(first)[0],
                self.rows.inside(end - 1)[1],
            )
            for number, (first, end) in enumerate(pairwise(edges))
        )


def plan_probability(
    scene: Scene, stored: StoredModel, model: MapModel, tiling: TilingSettings, precision: Precision, grid: ChipGrid
) -> ProbabilityPlan:
    """Lay out the windows of a scene.

    Args:
        scene: The scene.
        stored: Where the model lies.
        model: The same, loaded.
        tiling: How the scene is cut.
        precision: Type of the map's numbers.
        grid: As :func:`mining_the_mines.rasters.scene.lay_grid` gave it.

    Returns:
        The plan.
    """
    window = model.window if model.coarse or tiling.window is None else tiling.window
    rows, columns = (
        cut_axis(length, window, tiling.overlap, tiling.blend, whole=model.coarse)
        for length in (grid.height, grid.width)
    )
    return ProbabilityPlan(scene, stored, grid, rows, columns, tiling, precision, model.coarse)
