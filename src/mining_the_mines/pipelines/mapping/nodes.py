"""Nodes of mapping."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from mining_the_mines.assessment.verified_area import verified_sentences
from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.dask_client import DaskSettings
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.paths import find, tell
from mining_the_mines.core.progress_bars import counting_bar
from mining_the_mines.geo.grid import Box
from mining_the_mines.geo.mine_polygons import LON_LAT, MinePolygons
from mining_the_mines.geo.named_areas import NamedAreas
from mining_the_mines.geo.polygon_index import PolygonIndex, check_boxes
from mining_the_mines.mapping.band_files import join_bands
from mining_the_mines.mapping.permits import areas_by_unit
from mining_the_mines.mapping.pieces import join_pieces
from mining_the_mines.mapping.plan import PermitFile, PermitFiles, StoredModel
from mining_the_mines.mapping.scene_map import SceneMap, SceneMaps
from mining_the_mines.mapping.scene_maps import make_maps, plan_maps
from mining_the_mines.mapping.scene_preparation import PreparedScenes, StacReading
from mining_the_mines.mapping.scene_preparation import prepare_scenes as find_and_composite
from mining_the_mines.mapping.settings import MappingSettings
from mining_the_mines.models.complete import MineSegmenter
from mining_the_mines.models.novelty import UNLIKE_SHARE
from mining_the_mines.models.predictor import Predictor, load_pixel_predictor
from mining_the_mines.reporting.interactive_map import InteractiveMapSettings, SceneLayer
from mining_the_mines.reporting.interactive_map import draw_map as draw
from mining_the_mines.scenes.settings import AcquisitionSettings, CompositingSettings
from mining_the_mines.scoring.bootstrap import BootstrapSettings
from mining_the_mines.scoring.map_matching import (
    MapComparison,
    MapScoreSettings,
    compare_with_reference,
    lies_near,
)
from mining_the_mines.scoring.map_scores import MapScores, without_scores
from mining_the_mines.scoring.map_scores import score_maps as score_comparisons

logger = logging.getLogger(__name__)

#: Sub-folder of the composites of single items for virtual rasters of the bands and pieces of an export.
_MOSAICS = "mosaics"


class MapEvaluation(BaseModel):
    """Scores of maps against known mines."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    matching: MapScoreSettings = Field(MapScoreSettings(), description="When a mapped mine counts as a known one.")
    bootstrap: BootstrapSettings = Field(BootstrapSettings(), description="Intervals of the scores.")


class Permits(NamedTuple):
    """Layers that mines are compared with.

    Attributes:
        concessions: Areas where mining is allowed, if known.
        protected_areas: Areas where it is not, if known.
    """

    concessions: NamedAreas | None = None
    protected_areas: NamedAreas | None = None


def choose_scenes_to_map(scene: Any, test_regions: Sequence[Mapping[str, Any]] | None) -> tuple[str, ...]:  # noqa: ANN401 - any value of the parameter
    """Choose the scenes to map: those that the parameter ``scene`` names, else the regions that no model has seen.

    Args:
        scene: A path or address, or a list of them; a folder stands for all scenes in it. Empty for the test regions.
        test_regions: Regions and the rasters of their composites, if there are any.

    Returns:
        Paths and addresses.

    Raises:
        BadInputError: Neither names a scene, or the parameter is no path.
    """
    names = [scene] if isinstance(scene, str) else scene
    if names is None and test_regions:
        if any(region["seen"] for region in test_regions):
            logger.warning(
                "Every region holds chips that a model was trained on, so their maps tell nothing of how it does "
                "elsewhere: keep a region for testing with folds.test_groups."
            )
        return tuple(find(region["path"], Path.cwd()) for region in test_regions)
    if not names or not isinstance(names, Sequence) or not all(isinstance(name, str) and name for name in names):
        raise BadInputError(
            f"The parameter scene is {scene!r} and names nothing to map: give --params=scene=PATH, a raster, a STAC "
            "item, a composite, or a folder of them."
        )
    return tuple(names)


def choose_map_model(
    segmenter: MineSegmenter,
    student: MineSegmenter | None,
    decision: dict[str, Any] | None,
    mapping: MappingSettings,
) -> MineSegmenter:
    """Choose between the segmenter and its student, which maps at a fraction of the cost.

    Args:
        segmenter: The segmenter; one that is a student itself, as of a registry, is taken as it is.
        student: The last student, if one was taught.
        decision: Whether it makes maps.
        mapping: Which of both is asked for.

    Returns:
        The model.

    Raises:
        BadInputError: The student is asked for, and there is none of this segmenter.
    """
    if mapping.model == "ensemble" or segmenter.teacher is not None:
        return segmenter
    taught = student is not None and segmenter.source is not None and student.teacher == segmenter.source.version
    if student is not None and taught and (mapping.model == "student" or (decision or {}).get("makes_maps")):
        return student
    if mapping.model == "student":
        raise BadInputError(
            "The segmenter has no student: teach one with kedro run --pipelines=student, or set mapping.model to "
            "ensemble."
        )
    return segmenter


def prepare_scenes(
    scenes_to_map: Sequence[str],
    model: Predictor,
    compositing: CompositingSettings,
    acquisition: AcquisitionSettings,
    dask: DaskSettings,
    composite_folder: Path,
) -> PreparedScenes:
    """Find the rasters to map; composite STAC items, and join the bands and the pieces of exports.

    Args:
        scenes_to_map: Paths and addresses.
        model: The model; its bands are composited.
        compositing: Cloud mask and method of composites.
        acquisition: Time limits and retries of archives.
        dask: Workers.
        composite_folder: Folder for composites of single items and for mosaics, kept from run to run.

    Returns:
        The scenes, and the items that could not be read.
    """
    reading = StacReading(compositing, acquisition, dask, composite_folder)
    found = find_and_composite(scenes_to_map, model.chips.bands, reading, counting_bar)
    mosaics = composite_folder / _MOSAICS
    return replace(found, scenes=join_pieces(join_bands(found.scenes, mosaics), mosaics))


def choose_permits(
    scene: Any,  # noqa: ANN401 - any value of the parameter
    concessions: NamedAreas | None,
    protected_areas: NamedAreas | None,
) -> Permits:
    """Choose the layers that judge the mines: those that a person names.

    Layers beside the raw data judge the regions of the raw data, but not scenes that a person names: the simulated
    concessions of one country would judge the mines of another.

    Args:
        scene: The scenes that a person has named, if any.
        concessions: Areas where mining is allowed, if known.
        protected_areas: Areas where it is not, if known.

    Returns:
        The layers.
    """
    given = (concessions, protected_areas)
    return Permits(*(None if scene and areas is not None and not areas.named else areas for areas in given))


def map_scenes(
    prepared_scenes: PreparedScenes,
    model: Predictor,
    mapping: MappingSettings,
    imagery: ChipSettings,
    permits: Permits,
    dask: DaskSettings,
    map_folder: Path,
) -> SceneMaps:
    """Map scenes band by band: with a segmenter, or coarsely with a classifier.

    Args:
        prepared_scenes: The scenes.
        model: The model, read from disk.
        mapping: Settings of mapping.
        imagery: How to read the scenes; what it does not state is as in training.
        permits: Concessions and protected areas, if known.
        dask: Workers.
        map_folder: Folder of the maps. A map of the same scene, model and settings is kept; an interrupted one goes on
            where it stopped.

    Returns:
        The maps in the folder, and the scenes that could not be mapped.
    """
    files = PermitFiles(*map(PermitFile.of, permits))
    plans, unmapped = plan_maps(prepared_scenes, stored_model(model), mapping, files, imagery)
    return make_maps(plans, unmapped, map_folder, dask, counting_bar)


def list_maps(scene_maps: SceneMaps) -> pd.DataFrame:
    """List the maps and the scenes that could not be mapped, a row a scene."""
    rows = [_row(found) for found in scene_maps.maps]
    rows += [{"scene": scene.scene, "source": scene.source, "error": scene.reason} for scene in scene_maps.unmapped]
    for found in scene_maps.maps:
        record = found.record
        logger.info(
            "%s: %d mines of %.1f hectares on %.0f mapped hectares; %s",
            found.name, record.mines, record.hectares, record.mapped_hectares, found.folder,
        )  # fmt: skip
        if (record.unlike_share or 0) > UNLIKE_SHARE:
            logger.warning(
                "%.0f %% of %s is unlike anything that the model has learnt from (novelty.tif): check its mines.",
                100 * (record.unlike_share or 0), found.name,
            )  # fmt: skip
        if not record.mapped_share:
            logger.warning(
                "Nothing could be seen in %s: none of its pixels has data in all bands. Take another date, or a "
                "composite of several.",
                found.name,
            )
    return pd.DataFrame(rows, columns=list(MAP_COLUMNS)).astype(MAP_COLUMNS)


def sum_up_units(scene_maps: SceneMaps, permits: Permits) -> pd.DataFrame:
    """Sum up the mines in each concession and protected area; units to review come first."""
    return areas_by_unit([found.mines for found in scene_maps.maps], *permits)


def score_maps(
    scene_maps: SceneMaps,
    scene: Any,  # noqa: ANN401 - any value of the parameter
    mine_polygons: MinePolygons | None,
    reference: MinePolygons | None,
    test_regions: Sequence[Mapping[str, Any]] | None,
    map_evaluation: MapEvaluation,
) -> tuple[MapScores, pd.DataFrame]:
    """Compare maps with the mines that are known there.

    Maps of regions that models were trained on are not scored, since the figures would flatter. Maps of scenes that a
    person has named are scored where reference polygons are named, too, or are known to be complete without any.

    Args:
        scene_maps: The maps.
        scene: The scenes that a person has named, if any.
        mine_polygons: Known mines of the regions that chips were cut from.
        reference: Known mines of the named scenes.
        test_regions: Regions, and whether models have seen them.
        map_evaluation: How to score.

    Returns:
        Scores with every mine that was found, missed or false, and the table of scores.
    """
    known = _known_mines(scene, mine_polygons, reference)
    unseen = {region["region"] for region in test_regions or () if not region["seen"]}
    maps = [found for found in scene_maps.maps if scene or found.name in unseen]
    if not maps or (known is None and (not scene or map_evaluation.matching.without_reference == "leave_out")):
        scores = without_scores([found.name for found in scene_maps.maps], map_evaluation.matching)
    else:
        if known is not None:
            _doubt_polygons_elsewhere(known, maps)
        frame = _frame(known)
        comparisons = [_compare(found, frame, map_evaluation.matching) for found in maps]
        scores = score_comparisons(comparisons, map_evaluation.matching, map_evaluation.bootstrap)
    return scores, scores.table


def _doubt_polygons_elsewhere(known: MinePolygons, maps: Sequence[SceneMap]) -> None:
    """Warn if no known mine lies in any of the maps."""
    boxes = np.array([found.grid.wgs84_bounds for found in maps])
    try:
        check_boxes(PolygonIndex(known), boxes, "scene")
    except BadInputError as doubt:
        logger.warning("%s", doubt)


def draw_map(
    scene_maps: SceneMaps,
    scene: Any,  # noqa: ANN401 - any value of the parameter
    mine_polygons: MinePolygons | None,
    reference: MinePolygons | None,
    permits: Permits,
    area_estimates: pd.DataFrame | None,
    map_page: InteractiveMapSettings,
) -> str:
    """Draw all maps on one interactive page, which opens without a network.

    Args:
        scene_maps: The maps.
        scene: Scenes that a person has named.
        mine_polygons: Known mines of the regions.
        reference: Known mines of named scenes.
        permits: Concessions and protected areas.
        area_estimates: Estimated areas, of this run or of an earlier one; ``None`` if there are none yet.
        map_page: Contents of the page.

    Returns:
        The page.
    """
    side = map_page.picture_side(2 * len(scene_maps.maps))
    known = _known_mines(scene, mine_polygons, reference)
    shared = {
        "reference": None if known is None else _frame(known),
        "concessions": named_frame(permits.concessions),
        "protected": named_frame(permits.protected_areas),
    }
    layers = [
        SceneLayer(
            scene=found.record.facts.scene,
            model=found.record.facts.model,
            model_version=found.record.facts.model_version,
            first_date=found.record.facts.first_date,
            last_date=found.record.facts.last_date,
            lineage_id=found.record.facts.lineage_id,
            grid=found.grid,
            mines=found.mines,
            visible=found.picture(side)[0],
            mapped_share=found.record.mapped_share,
            probability=found.small_probability(side),
            thumbnail=partial(_around, found, map_page.thumbnail_pixels),
            **shared,
        )
        for found in scene_maps.maps
    ]
    hashes = {found.name: found.record.content_hash for found in scene_maps.maps}
    return draw(layers, map_page, "Map of mines", verified_sentences(area_estimates, hashes))


#: Columns of the list of maps and their types.
MAP_COLUMNS = {
    "scene": "str", "source": "str", "mines": "Int64", "hectares": "float64", "reviews": "Int64",
    "mapped_hectares": "float64", "mapped_share": "float64", "unlike_share": "float64", "first_date": "str",
    "last_date": "str", "model": "str",
    "model_version": "str", "seed": "float64", "grow": "float64", "coarse": "boolean", "folder": "str",
    "content_hash": "str", "error": "str",
}  # fmt: skip


def stored_model(model: Predictor) -> StoredModel:
    """Return where workers read a model from.

    Raises:
        BadInputError: It was never saved.
    """
    name, source = "mine-classifier" if model.coarse else "mine-segmenter", model.source
    if getattr(model, "teacher", None) is not None:
        name = "mine-segmenter-student"
    if source is None:
        raise BadInputError(f"The model {name} was never saved, so that a map could not tell what made it: save it.")
    return StoredModel(source.folder, load_pixel_predictor, name, source.version, source.content_hash())


def _row(found: SceneMap) -> dict[str, Any]:
    record, facts = found.record, found.record.facts
    return {
        **{name: value for name, value in vars(record).items() if name in MAP_COLUMNS},
        "scene": found.name,
        "source": tell(record.scene.source, found.folder),
        "first_date": facts.first_date.isoformat() if facts.first_date else "",
        "last_date": facts.last_date.isoformat() if facts.last_date else "",
        "model": facts.model,
        "model_version": facts.model_version,
        "folder": tell(found.folder, found.folder),
        "error": "",
    }


def _known_mines(
    scene: Any,  # noqa: ANN401 - any value of the parameter
    mine_polygons: MinePolygons | None,
    reference: MinePolygons | None,
) -> MinePolygons | None:
    """The polygons that belong to what was mapped."""
    return reference if scene else mine_polygons


def _compare(found: SceneMap, known: gpd.GeoDataFrame, settings: MapScoreSettings) -> MapComparison:
    # The mapped area takes reading the whole map, and is needed only if a known mine may lie outside it.
    box = shapely.box(*found.grid.bounds)
    area = found.mapped_area if lies_near(known, box, found.mines.crs).any() else box
    return compare_with_reference(found.name, found.mines, known, area, settings)


def _frame(polygons: MinePolygons | None) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(geometry=[] if polygons is None else polygons.geometry, crs=LON_LAT)


def named_frame(areas: NamedAreas | None) -> gpd.GeoDataFrame | None:
    """Areas with the column ``name`` as pages with a map take them; ``None`` without areas."""
    return None if areas is None else gpd.GeoDataFrame({"name": areas.names}, geometry=areas.geometry, crs=LON_LAT)


def _around(found: SceneMap, side: int, bounds: Box) -> NDArray[np.float32]:
    return found.picture(side, bounds)[0]
