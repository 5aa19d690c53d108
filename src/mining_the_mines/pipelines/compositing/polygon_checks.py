"""Checks of mine polygons against the regions, before hours are spent on composites that they don't fit."""

from pathlib import Path

import numpy as np

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.datasets.scenes import SIMULATION
from mining_the_mines.geo.mine_polygons import MinePolygons
from mining_the_mines.geo.polygon_index import PolygonIndex, check_boxes
from mining_the_mines.scenes.scene_list import SceneSelection


def check_ground(polygons: MinePolygons, scenes: SceneSelection) -> None:
    """Make sure that polygons belong to the ground that scenes show.

    Args:
        polygons: Of mines.
        scenes: Of each region.

    Raises:
        BadInputError: The polygons are simulated and the scenes are others than those simulated with them, or no
            polygon meets any region.
    """
    simulated = _simulated_with(Path(polygons.source))
    used = {item["id"] for items in scenes.items.values() for item in items}
    if simulated is not None and not used <= simulated:
        raise BadInputError(
            f"The mines in {polygons.source} are simulated, and the scenes from {scenes.source} are others than those "
            "simulated with them: take --env=archive, or name the polygons of your regions with --params=polygons=FILE."
        )
    boxes = np.array([region.bounds for region in scenes.regions], dtype=np.float64)
    check_boxes(PolygonIndex(polygons), boxes, "region")


def _simulated_with(path: Path) -> set[str] | None:
    """Names of the scenes that were simulated with a file of mines; ``None`` for mines that were not simulated."""
    if not (path.parent / SIMULATION).is_file():
        return None
    return {scene.name for scene in path.parent.glob("*/*/") if scene.is_dir()}
