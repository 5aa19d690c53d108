"""The last task of a scene: its map of probability becomes whole, and polygons, pictures and files come of it."""

import hashlib
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import rasterio
import shapely
from rasterio._err import CPLE_BaseError  # GDAL's own errors have no public name in rasterio 1.4
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.atomic import whole_folder
from mining_the_mines.core.errors import SceneError
from mining_the_mines.core.paths import link
from mining_the_mines.core.redaction import redact
from mining_the_mines.geo.grid import HECTARE, ChipGrid, pixel_metres
from mining_the_mines.geo.named_areas import NamedAreas, read_named_areas
from mining_the_mines.mapping.attributes import describe_mines
from mining_the_mines.mapping.map_facts import MapFacts
from mining_the_mines.mapping.map_files import MINES, write_mines
from mining_the_mines.mapping.permits import compare_with_permits
from mining_the_mines.mapping.plan import ProbabilityPlan
from mining_the_mines.mapping.polygonize import ProbabilityRows, polygonize
from mining_the_mines.mapping.probability_raster import copy_probability, read_probability, write_probability
from mining_the_mines.mapping.row_bands import BandPart, is_whole, part_of
from mining_the_mines.mapping.scene_map import ITEM, PROBABILITY, QUICKLOOK, MapRecord, SceneMap, read_map, write_record
from mining_the_mines.mapping.settings import MappingSettings
from mining_the_mines.mapping.stac_item import describe_map, write_item
from mining_the_mines.rasters.scene import gdal_memory
from mining_the_mines.rasters.scene_rgb import read_visible
from mining_the_mines.reporting.map_pictures import draw_quicklook

#: Goes up when the same probabilities and settings begin to give other polygons or files.
VERSION: Final = 2
#: How an origin begins: the dataset that maps are.
_DATASET: Final = "scene_maps"
#: Digits of a map's content hash that its origin has.
_DIGITS: Final = 12
#: Folder of parts of maps that are not whole yet.
PARTS: Final = ".parts"
#: Pixels that polygons are found in at a time.
_BLOCK_PIXELS: Final = 2**22
_QUICKLOOK_SIDE: Final = 1200
#: Tag of a map of probability.
_HASH: Final = "CONTENT_HASH"


@dataclass(frozen=True)
class PermitFile:
    """Where a layer of permits lies, so that workers read it themselves.

    Attributes:
        path: The file.
        content_hash: SHA-256 of names and outlines, whichever of its files hold them.
        name_column: Column of the areas' names; ``None`` for the first that looks like it.
    """

    path: Path
    content_hash: str
    name_column: str | None = None

    @classmethod
    def of(cls, areas: NamedAreas | None) -> "PermitFile | None":
        """Where areas that were read come from; ``None`` for none."""
        if areas is None:
            return None
        content = hashlib.sha256(json.dumps(areas.names).encode())
        for outline in shapely.to_wkb(areas.geometry):
            content.update(outline)
        return cls(Path(areas.source).absolute(), content.hexdigest(), areas.name_column)


@lru_cache(maxsize=2)  # a worker finishes many scenes, and outlines of a whole country take long to read and repair
def _read_once(file: PermitFile) -> NamedAreas:
    return read_named_areas(file.path, file.name_column)


@dataclass(frozen=True)
class PermitFiles:
    """Layers that maps are compared with.

    Attributes:
        concessions: Where mining is allowed; ``None`` if nobody knows.
        protected_areas: Where it is not; ``None`` if nobody knows.
    """

    concessions: PermitFile | None = None
    protected_areas: PermitFile | None = None

    def read(self) -> tuple[NamedAreas | None, NamedAreas | None]:
        """Read both layers, the first time that this process is asked for them."""
        concessions, protected = (
            _read_once(file) if file else None for file in (self.concessions, self.protected_areas)
        )
        return concessions, protected

    def fingerprint(self) -> list[Any]:
        """What tells the layers from other ones."""
        return [file.content_hash if file else None for file in (self.concessions, self.protected_areas)]


@dataclass(frozen=True)
class ScenePlan:
    """All that the map of a scene depends on.

    Attributes:
        probability: Of its map of probability.
        facts: What every polygon says of where it comes from, but for the map's own origin.
        chips: Which bands the model takes.
        threshold: Probability from which a pixel counts as mine for the model.
        settings: How scenes are mapped.
        permits: Layers to compare with.
        files: SHA-256 of each file of the scene, by path, for whoever asks later what was mapped.
    """

    probability: ProbabilityPlan
    facts: MapFacts
    chips: ChipSettings
    threshold: float
    settings: MappingSettings
    permits: PermitFiles
    files: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Of the scene."""
        return self.probability.scene.name

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of all that the map depends on."""
        content = {
            "version": VERSION,
            "probability": self.probability.content_hash,
            "facts": [str(fact) for fact in vars(self.facts).values()],
            "threshold": self.threshold,
            "settings": self.settings.model_dump(mode="json", exclude={"tiling"}),
            "permits": self.permits.fingerprint(),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @cached_property
    def told_facts(self) -> MapFacts:
        """The facts with the map's origin, which depends on all the others."""
        return replace(self.facts, origin=f"{_DATASET}:{self.content_hash[:_DIGITS]}")

    def parts(self, folder: Path) -> list[BandPart]:
        """Where its bands of rows lie until the map is whole."""
        place = folder / PARTS / f"{self.name}-{self.probability.content_hash[:16]}"
        return [part_of(band, place) for band in self.probability.bands]


def waiting_parts(plan: ScenePlan, folder: Path) -> list[BandPart]:
    """List the bands of rows that are still to be mapped; none where the map of probability is whole already."""
    if _has_probability(plan, folder):
        return []
    return [part for part in plan.parts(folder) if not is_whole(part, plan.probability.grid.width)]


def finish_scene(plan: ScenePlan, folder: Path) -> None:
    """Make a scene's map whole, once all of its bands of rows are mapped.

    Args:
        plan: Of the scene.
        folder: Where maps lie; the scene's folder appears in it, whole or not at all.

    Raises:
        SceneError: If the scene or its clear dates can't be read.
        ChipError: If a layer of permits can't be read.
        BadInputError: If the disk is full.
    """
    parts = plan.parts(folder)[0].path.parent
    with gdal_memory(), whole_folder(folder / plan.name, parts) as draft:
        if _has_probability(plan, folder):
            copy_probability(folder / plan.name / PROBABILITY, draft / PROBABILITY, plan.probability, _tags(plan))
        else:
            write_probability(draft / PROBABILITY, plan.probability, plan.parts(folder), _tags(plan))
        found, known = _find_mines(plan, draft)
        mines = compare_with_permits(found, *plan.permits.read(), plan.settings.permits)
        write_mines(mines, draft, plan.settings.formats)
        visible, transform = read_visible(plan.probability.scene, plan.chips, _QUICKLOOK_SIDE)
        (draft / QUICKLOOK).write_bytes(draw_quicklook(visible, transform, plan.probability.grid.crs, mines))
        scene, thresholds = plan.probability.scene, plan.settings.thresholds(plan.threshold)
        source = link(scene.source, folder / plan.name)
        item = describe_map(draft, mines, plan.told_facts, thresholds, source, scene.image)
        write_item(item, draft / ITEM)
        write_record(_describe(plan, mines, known), draft)
    for part in plan.parts(folder):
        part.path.unlink(missing_ok=True)
    with suppress(OSError):  # another run may have its draft there
        parts.rmdir()


def finished_map(plan: ScenePlan, folder: Path) -> SceneMap | None:
    """Find the map of a scene, if all of it is there and made from the same scene, model and settings."""
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
    """A scene's rows of probabilities and clear dates, block by block; ``known`` counts pixels with data."""

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


def _find_mines(plan: ScenePlan, draft: Path) -> tuple[gpd.GeoDataFrame, int]:
    """Mines with their attributes, and the number of pixels with data."""
    grid, thresholds = plan.probability.grid, plan.settings.thresholds(plan.threshold)
    with _clear_dates(plan, grid) as clear_dates:
        rows = _MapRows(draft / PROBABILITY, max(1, _BLOCK_PIXELS // grid.width), clear_dates)
        patches = polygonize(rows, grid, thresholds, plan.settings.vectors, draft)
    return describe_mines(patches, plan.told_facts, thresholds, plan.settings.confidence), rows.known


@contextmanager
def _clear_dates(plan: ScenePlan, grid: ChipGrid) -> Iterator[DatasetReader | None]:
    """The scene's numbers of clear dates on the grid of the map, if it has some."""
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
        with WarpedVRT(
            source, crs=grid.crs, transform=grid.transform, width=grid.width, height=grid.height
        ) as resampled:
            yield resampled


@contextmanager
def _blaming(name: str) -> Iterator[None]:
    """Errors of GDAL are errors of the file that is read, and not of the one that is written."""
    try:
        yield
    except (RasterioError, CPLE_BaseError) as error:
        raise SceneError(
            f"{name} can't be read ({redact(str(error.__cause__ or error))}): it is cut off or damaged; make the "
            "composite again."
        ) from error


def _describe(plan: ScenePlan, mines: gpd.GeoDataFrame, known: int) -> MapRecord:
    grid, thresholds = plan.probability.grid, plan.settings.thresholds(plan.threshold)
    return MapRecord(
        scene=plan.probability.scene,
        facts=plan.told_facts,
        chips=plan.chips,
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
        files=plan.files,
    )
