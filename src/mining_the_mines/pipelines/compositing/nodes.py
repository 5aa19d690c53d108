"""Nodes of compositing."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mining_the_mines.chips.cutting import CutChips, CuttingSettings
from mining_the_mines.chips.cutting import cut_chips as cut
from mining_the_mines.chips.cutting_places import ChipPlaces
from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.dask_client import DaskSettings
from mining_the_mines.core.progress_bars import progress_bar
from mining_the_mines.datasets.scenes import CompositeRequest
from mining_the_mines.geo.mine_polygons import MinePolygons
from mining_the_mines.pipelines.compositing.polygon_checks import check_ground
from mining_the_mines.scenes.composite_files import Composite
from mining_the_mines.scenes.composites import plan_composites
from mining_the_mines.scenes.scene_list import SceneSelection
from mining_the_mines.scenes.settings import AcquisitionSettings, CompositingSettings

logger = logging.getLogger(__name__)


def check_polygons(mine_polygons: MinePolygons | None, _simulated_series: dict[str, Any]) -> None:
    """Read the polygons before scenes are asked for, so that a fault in them does not show hours later.

    Args:
        mine_polygons: As they were read, if any were named.
        _simulated_series: Simulated polygons exist only after this.
    """
    if mine_polygons is None:
        logger.info("No polygons of mines are named: chips get no label, and lie in the folder unlabelled.")


def composite_scenes(
    scenes: SceneSelection,
    imagery: ChipSettings,
    compositing: CompositingSettings,
    acquisition: AcquisitionSettings,
    dask: DaskSettings,
    mine_polygons: MinePolygons | None,
) -> CompositeRequest:
    """Plan a composite of each region: harmonised, clouds masked, one value a pixel from all clear dates.

    Args:
        scenes: Of each region.
        imagery: Says which bands.
        compositing: What is masked, and how dates become one.
        acquisition: Says how patiently files are read.
        dask: Where blocks are worked on.
        mine_polygons: Play no part in a composite; hours before chips are cut from it, they are seen not to fit.

    Returns:
        The plans; composites are made as they are saved, block by block.

    Raises:
        BadInputError: No outline meets any region, or the outlines are simulated and the scenes are not.
    """
    if mine_polygons is not None:
        check_ground(mine_polygons, scenes)
    return CompositeRequest(
        plan_composites(scenes, imagery.bands, compositing, acquisition, acquisition.minimum_dates), dask
    )


def cut_chips(
    composites: Sequence[Composite],
    mine_polygons: MinePolygons | None,
    chip_places: ChipPlaces | None,
    cutting: CuttingSettings,
    drafts: Path,
) -> CutChips:
    """Cut chips out of the composites, on a grid or at given places, and label those that the polygons decide on.

    Args:
        composites: One a region.
        mine_polygons: Polygons of mines; without them no chip has a label.
        chip_places: Places to centre chips on; without them chips are cut on a grid.
        cutting: Size and distance of the chips, and what makes a mine.
        drafts: Folder to write the chips in.

    Returns:
        The folder of the chips.

    Raises:
        BadInputError: No chip can be cut, or none can be labelled.
    """
    return cut(composites, mine_polygons, cutting, drafts / "chips", chip_places, progress_bar)
