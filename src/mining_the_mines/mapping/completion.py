"""The last task of a scene: its tasks are joined to a probability raster, and polygons and pictures are made of it."""

import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import rasterio
from rasterio._err import CPLE_BaseError  # GDAL's own errors have no public name in rasterio 1.4
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from mining_the_mines.core.atomic import whole_folder
from mining_the_mines.core.errors import SceneError
from mining_the_mines.core.paths import link
from mining_the_mines.core.redaction import redact
from mining_the_mines.geo.grid import HECTARE, ChipGrid, pixel_metres
from mining_the_mines.mapping.attributes import describe_mines
from mining_the_mines.mapping.map_files import MINES, write_mines
from mining_the_mines.mapping.novelty_raster import NOVELTY, SceneNovelty, measure_novelty, write_novelty
from mining_the_mines.mapping.permits import compare_with_permits
from mining_the_mines.mapping.plan import BandPart, ScenePlan
from mining_the_mines.mapping.polygonize import ProbabilityRows, polygonize
from mining_the_mines.mapping.probability_raster import copy_probability, read_probability, write_probability
from mining_the_mines.mapping.scene_map import ITEM, PROBABILITY, QUICKLOOK, MapRecord, SceneMap, read_map, write_record
from mining_the_mines.mapping.stac_item import describe_map, write_item
from mining_the_mines.rasters.scene import gdal_memory
from mining_the_mines.rasters.true_colour import read_overview
from mining_the_mines.reporting.map_quicklooks import draw_quicklook

#: Pixels that are read at a time.
_BLOCK_PIXELS: Final = 2**22
#: Longest side of the picture in pixels.
_QUICKLOOK_SIDE: Final = 1200
#: Tag of a probability raster.
_HASH: Final = "CONTENT_HASH"


def waiting_parts(plan: ScenePlan, folder: Path) -> list[BandPart]:
    """List the tasks of a scene that are not done yet; none if its probability raster is complete."""
    if _has_probability(plan, folder):
        return []
    return [part for part in plan.parts(folder) if not part.is_complete(plan.probability)]


def finish_scene(plan: ScenePlan, folder: Path) -> None:
    """Complete the map of a scene, once all of its tasks are done.

    Args:
        plan: Plan of the scene.
        folder: Folder of maps; the scene's sub-folder appears in it whole or not at all.

    Raises:
        BadInputError: The scene, its clear dates or a layer of permits can't be read, or the disk is full.
    """
    parts = plan.parts_folder(folder)
    with gdal_memory(), whole_folder(folder / plan.name, parts) as draft:
        finished = [] if _has_probability(plan, folder) else plan.parts(folder)
        if not finished:
            copy_probability(folder / plan.name / PROBABILITY, draft / PROBABILITY, plan.probability, _tags(plan))
        else:
            write_probability(draft / PROBABILITY, plan.probability, finished, _tags(plan))
        novelty = measure_novelty(plan.probability, finished)
        if novelty is not None:
            write_novelty(draft / NOVELTY, plan.probability, novelty)
        found, known = _find_mines(plan, draft, novelty)
        mines = compare_with_permits(found, *plan.permits.read(), plan.settings.permits)
        write_mines(mines, draft, plan.settings.formats)
        scene, grid = plan.probability.scene, plan.probability.grid
        visible, transform = read_overview(scene.image, plan.probability.chips, _QUICKLOOK_SIDE)
        (draft / QUICKLOOK).write_bytes(draw_quicklook(visible, transform, grid.crs, mines))
        thresholds, source = plan.settings.thresholds(plan.threshold), link(scene.source, folder / plan.name)
        write_item(describe_map(draft, mines, plan.final_facts, thresholds, source, scene.image), draft / ITEM)
        write_record(_describe(plan, mines, known, novelty), draft)
    for part in plan.parts(folder):
        part.path.unlink(missing_ok=True)
    with suppress(OSError):  # another run may have its draft there
        parts.rmdir()


def finished_map(plan: ScenePlan, folder: Path) -> SceneMap | None:
    """Return the map of a scene if all of it is there and made from the same scene, model and settings."""
    found = read_map(folder, plan.name)
    if found is None or found.record.content_hash != plan.content_hash:
        return None
    files = (PROBABILITY, QUICKLOOK, ITEM, *(f"{MINES}.{name}" for name in plan.settings.formats))
    return found if all((found.folder / name).is_file() for name in files) else None


def _has_probability(plan: ScenePlan, folder: Path) -> bool:
    found = read_map(folder, plan.name)
    return found is not None and found.record.probability_hash == plan.probability.content_hash


def _tags(plan: ScenePlan) -> dict[str, str]:
    facts = plan.facts
    return {
        "SCENE": facts.scene,
        "MODEL": facts.model,
        "MODEL_VERSION": facts.model_version,
        "MODEL_HASH": plan.probability.model.content_hash,
        "THRESHOLD": str(plan.threshold),
        "START": facts.first_date.isoformat() if facts.first_date else "",
        "END": facts.last_date.isoformat() if facts.last_date else "",
        _HASH: plan.probability.content_hash,
    }


@dataclass
class _MapRows:
    """A scene's probabilities and clear dates, block by block; ``known`` counts the pixels with data of a pass."""

    raster: Path
    rows: int
    clear_dates: DatasetReader | None
    known: int = 0

    def __iter__(self) -> Iterator[ProbabilityRows]:
        self.known = 0
        for first, probability in read_probability(self.raster, self.rows):
            self.known += int(np.count_nonzero(~np.isnan(probability)))
            counts: npt.NDArray[np.uint16] | None = None
            if self.clear_dates is not None:
                window = Window.from_slices((first, first + len(probability)), (0, probability.shape[1]))
                with _blaming(self.clear_dates.name):
                    counts = self.clear_dates.read(1, window=window).astype(np.uint16)
            yield ProbabilityRows(first, probability, counts)


def _find_mines(plan: ScenePlan, draft: Path, novelty: SceneNovelty | None) -> tuple[gpd.GeoDataFrame, int]:
    """Mines with their attributes, and the number of pixels with data."""
    grid, thresholds = plan.probability.grid, plan.settings.thresholds(plan.threshold)
    with _clear_dates(plan, grid) as clear_dates:
        rows = _MapRows(draft / PROBABILITY, max(1, _BLOCK_PIXELS // grid.width), clear_dates)
        patches = polygonize(rows, grid, thresholds, plan.settings.vectors, draft)
    patches["novelty"] = np.nan if novelty is None else novelty.at(patches)
    return describe_mines(patches, plan.final_facts, thresholds, plan.settings.confidence), rows.known


@contextmanager
def _clear_dates(plan: ScenePlan, grid: ChipGrid) -> Iterator[DatasetReader | None]:
    """The raster of clear dates on the grid of the map, if the scene has one."""
    path = plan.probability.scene.clear_dates
    if path is None:
        yield None
        return
    with _blaming(str(path)):
        source = rasterio.open(path)
    with source:
        if (source.height, source.width) == (grid.height, grid.width):
            yield source
            return
        size = {"width": grid.width, "height": grid.height}
        with WarpedVRT(source, crs=grid.crs, transform=grid.transform, **size) as resampled:
            yield resampled


@contextmanager
def _blaming(name: str) -> Iterator[None]:
    """Turn errors of GDAL into errors of the file that is read, and not of the one that is written."""
    try:
        yield
    except (RasterioError, CPLE_BaseError) as error:
        raise SceneError(
            f"{name} can't be read ({redact(str(error.__cause__ or error))}): it is cut off or damaged; make the "
            "composite again."
        ) from error


def _describe(plan: ScenePlan, mines: gpd.GeoDataFrame, known: int, novelty: SceneNovelty | None) -> MapRecord:
    grid, thresholds = plan.probability.grid, plan.settings.thresholds(plan.threshold)
    return MapRecord(
        scene=plan.probability.scene,
        facts=plan.final_facts,
        chips=plan.probability.chips,
        content_hash=plan.content_hash,
        probability_hash=plan.probability.content_hash,
        model_hash=plan.probability.model.content_hash,
        seed=thresholds.seed,
        grow=thresholds.grow,
        coarse=plan.probability.coarse,
        mines=len(mines),
        hectares=float(mines["area_ha"].sum()),
        mapped_hectares=known * math.prod(pixel_metres(grid)) / HECTARE,
        mapped_share=known / (grid.width * grid.height),
        reviews=int(mines["review"].sum()) if "review" in mines else None,
        unlike_share=None if novelty is None or math.isnan(novelty.unlike_share) else novelty.unlike_share,
        files=plan.files,
    )
