"""Nodes of compositing."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np

from mining_the_mines.chips.corrected_ground import apply_corrections
from mining_the_mines.chips.cutting import CutChips, CuttingSettings
from mining_the_mines.chips.cutting import cut_chips as cut
from mining_the_mines.chips.cutting_places import ChipPlaces
from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.dask_client import DaskSettings
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.progress_bars import counting_bar, progress_bar
from mining_the_mines.geo.mine_polygons import MinePolygons
from mining_the_mines.geo.polygon_index import PolygonIndex, check_boxes
from mining_the_mines.scenes import composites
from mining_the_mines.scenes.cloud_masks import mask_clouds
from mining_the_mines.scenes.composite_files import Composite
from mining_the_mines.scenes.composites import plan_composites
from mining_the_mines.scenes.scene_list import SceneSelection
from mining_the_mines.scenes.settings import AcquisitionSettings, CompositingSettings
from mining_the_mines.simulation.series import RECORD

logger = logging.getLogger(__name__)


def check_polygons(mine_polygons: MinePolygons | None, _simulated_series: dict[str, Any]) -> None:
    """Read the polygons before scenes are asked for, so that a fault in them does not show hours later.

    Args:
        mine_polygons: As they were read, if any were named.
        _simulated_series: Simulated polygons exist only after this.
    """
    if mine_polygons is None:
        logger.info("No polygons of mines are named: chips get no label, and lie in the folder unlabelled.")


def make_composites(
    scenes: SceneSelection,
    imagery: ChipSettings,
    compositing: CompositingSettings,
    acquisition: AcquisitionSettings,
    dask: DaskSettings,
    composites_folder: Path,
    mine_polygons: MinePolygons | None,
) -> tuple[Composite, ...]:
    """Make a composite of each region: harmonised, clouds masked, one value a pixel from all clear dates.

    Args:
        scenes: Scenes of each region.
        imagery: Bands.
        compositing: Cloud mask and method.
        acquisition: Time limits, retries, and minimum number of days.
        dask: Where blocks are worked on.
        composites_folder: Work folder. Composites of the same scenes and settings are kept; an interrupted one goes on.
        mine_polygons: Checked against scenes and regions, hours before chips are cut; they do not change a composite.

    Returns:
        The composites, one a region.

    Raises:
        BadInputError: No polygon meets any region, the polygons are simulated and the scenes are not, or no composite
            can be made.
    """
    if mine_polygons is not None:
        check_polygons_fit(mine_polygons, scenes)
    masked = mask_clouds(scenes, compositing, acquisition, composites_folder, dask, counting_bar)
    plans = plan_composites(masked, imagery.bands, compositing, acquisition, acquisition.minimum_dates)
    return composites.make_composites(plans, composites_folder, dask, counting_bar)


def cut_chips(
    composites: Sequence[Composite],
    mine_polygons: MinePolygons | None,
    chip_places: ChipPlaces | None,
    corrections: gpd.GeoDataFrame | None,
    cutting: CuttingSettings,
    drafts: Path,
) -> CutChips:
    """Cut chips out of the composites, on a grid or at given places, and label those that the polygons decide on.

    Args:
        composites: One a region.
        mine_polygons: Polygons of mines; without them no chip has a label.
        chip_places: Places to centre chips on; without them chips are cut on a grid.
        corrections: Labels of reviewers, if any run made them of answers.
        cutting: Size and distance of the chips, and what makes a mine.
        drafts: Folder to write the chips in.

    Returns:
        The folder of the chips.

    Raises:
        BadInputError: No chip can be cut, or none can be labelled.
    """
    corrected = None if corrections is None else apply_corrections(mine_polygons, corrections)
    return cut(composites, mine_polygons, cutting, drafts / "chips", chip_places, progress_bar, corrected)


def check_polygons_fit(mine_polygons: MinePolygons, scenes: SceneSelection) -> None:
    """Check that polygons belong to the ground that scenes show.

    Raises:
        BadInputError: The polygons are simulated and the scenes are others than those simulated with them, or no
            polygon meets any region.
    """
    simulated = _simulated_with(Path(mine_polygons.source))
    used = {item["id"] for items in scenes.items.values() for item in items}
    if simulated is not None and not used <= simulated:
        raise BadInputError(
            f"The mines in {mine_polygons.source} are simulated, and the scenes from {scenes.source} are others than "
            "those simulated with them: take --env=archive, or name the polygons of your regions with "
            "--params=polygons=FILE."
        )
    boxes = np.array([region.bounds for region in scenes.regions], dtype=np.float64)
    check_boxes(PolygonIndex(mine_polygons), boxes, "region")


def _simulated_with(path: Path) -> set[str] | None:
    """Ids of the scenes that were simulated with a file of mines; ``None`` for mines that were not simulated."""
    if not (path.parent / RECORD).is_file():
        return None
    return {scene.name for scene in path.parent.glob("*/*/") if scene.is_dir()}
