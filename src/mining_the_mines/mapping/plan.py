"""Plans of maps: windows, tasks, and a hash of everything that a map depends on."""

import json
import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely

from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.code_hash import code_hash
from mining_the_mines.core.errors import SceneError
from mining_the_mines.core.hashing import hash_bytes, hash_values
from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.geo.named_areas import NamedAreas, read_named_areas
from mining_the_mines.mapping.attributes import MapFacts
from mining_the_mines.mapping.settings import MappingSettings, Precision, TilingSettings
from mining_the_mines.mapping.windows import AxisWindows, cut_axis
from mining_the_mines.models.predictor import EnsemblePredictor, Predictor, TestTimeAugmentation, look_from
from mining_the_mines.rasters.judge import gather_doubts
from mining_the_mines.rasters.scene import Scene, judge_scene, lay_grid

logger = logging.getLogger(__name__)

#: Sub-folder of maps for tasks of scenes that are not complete yet.
PARTS: Final = ".parts"
#: Small scenes are divided, too, since most machines have two cores at least.
_LEAST_BANDS: Final = 2
#: Digits of the content hash in a lineage id.
_DIGITS: Final = 12
#: Modules that make probabilities, and all the rest of a map.
_PROBABILITY_CODE: Final = "mining_the_mines.mapping.row_bands"
_MAP_CODE: Final = "mining_the_mines.mapping.completion"
#: Packages whose code does not count: models and composites are hashed by their files, reporting draws the quicklook.
_NO_EFFECT: Final = tuple(
    f"mining_the_mines.{name}" for name in ("core", "models", "scenes", "chips", "scoring", "reporting")
)


@dataclass(frozen=True)
class StoredModel:
    """A model on disk, which every worker loads for itself.

    Attributes:
        folder: Folder of the model; workers on other machines see the same folder.
        load: Reads the model; a function of a module, so that workers can import it.
        name: Name of the model, for people.
        version: Version of the model, for people.
        content_hash: SHA-256 of its files.
    """

    folder: Path
    load: Callable[[Path], Predictor]
    name: str
    version: str
    content_hash: str


@lru_cache(maxsize=2)  # loading a model takes longer than mapping a small band, and a worker gets many of them
def load_once(stored: StoredModel, views: TestTimeAugmentation | None = None) -> Predictor:
    """Load a model; a process loads it once.

    Args:
        stored: The model.
        views: Symmetries to average over; ``None`` for its own.
    """
    return look_from(stored.load(stored.folder), views)


@dataclass(frozen=True)
class PermitFile:
    """A vector file of named areas, which every worker reads for itself.

    Attributes:
        path: Path of the file.
        content_hash: SHA-256 of names and polygons.
        name_column: Column of the names; ``None`` for the first that looks like it.
    """

    path: Path
    content_hash: str
    name_column: str | None = None

    @classmethod
    def of(cls, areas: NamedAreas | None) -> "PermitFile | None":
        """Return the file of areas that were read from one."""
        if areas is None:
            return None
        content = json.dumps(areas.names).encode() + b"".join(shapely.to_wkb(areas.geometry))
        return cls(Path(areas.source).absolute(), hash_bytes(content), areas.name_column)


@lru_cache(maxsize=2)  # a worker finishes many scenes, and polygons of a whole country take long to read and repair
def _read_once(file: PermitFile) -> NamedAreas:
    return read_named_areas(file.path, file.name_column)


@dataclass(frozen=True)
class PermitFiles:
    """Layers that mines are compared with.

    Attributes:
        concessions: Areas where mining is allowed; ``None`` if unknown.
        protected_areas: Areas where it is not; ``None`` if unknown.
    """

    concessions: PermitFile | None = None
    protected_areas: PermitFile | None = None

    def read(self) -> tuple[NamedAreas | None, NamedAreas | None]:
        """Read both layers; a process reads them once."""
        concessions, protected = (
            _read_once(file) if file else None for file in (self.concessions, self.protected_areas)
        )
        return concessions, protected


@dataclass(frozen=True)
class RowBand:
    """Adjacent rows of windows, which are one task.

    Attributes:
        first_window: Number of the first row of windows.
        end_window: Number of the row of windows behind the last.
        first_row: First row of the scene beneath the windows.
        end_row: Row of the scene behind the last beneath them.
    """

    first_window: int
    end_window: int
    first_row: int
    end_row: int


@dataclass(frozen=True)
class BandPart:
    """The share of a band of rows in a map, on disk until the map is complete.

    Attributes:
        path: Array float32 (rows, width): weighted sums of probabilities, NaN without data; (2, rows, width) with the
            disagreement. Rows beneath windows of this band alone are final. Behind it lies the novelty of windows of
            the training chips' size: the first pixel of each row of them, then percentiles (rows, columns).
        band: The band.
    """

    path: Path
    band: RowBand

    def is_complete(self, plan: "ProbabilityPlan") -> bool:
        """Whether the file is there as it was written, not damaged by a power cut."""
        try:
            sums = np.load(self.path, mmap_mode="r")
            self.read_novelty()
        except (OSError, EOFError, ValueError):
            return False
        shape = (*plan.planes, self.band.end_row - self.band.first_row, plan.grid.width)
        return bool(sums.dtype == np.float32 and sums.shape == shape)

    def read_novelty(self) -> dict[int, npt.NDArray[np.float64]]:
        """Read the novelty that lies behind the sums: a row of windows, (columns,), by its first pixel."""
        sums = np.load(self.path, mmap_mode="r")
        with self.path.open("rb") as stream:
            stream.seek(sums.offset + sums.nbytes)
            return dict(zip(np.load(stream).tolist(), np.load(stream), strict=True))


@dataclass(frozen=True)
class ProbabilityPlan:
    """Everything that the probability raster of a scene depends on.

    Attributes:
        scene: The scene.
        model: The model.
        chips: Bands of the model, and how the scene's numbers are read.
        grid: Grid of the map.
        rows: Windows along the scene's rows.
        columns: Windows along its columns.
        tiling: Settings of the windows.
        precision: Type of the raster's numbers.
        coarse: True if the model judges windows as a whole.
        disagreement: True for the standard deviation between networks beside their mean.
    """

    scene: Scene
    model: StoredModel
    chips: ChipSettings
    grid: ChipGrid
    rows: AxisWindows
    columns: AxisWindows
    tiling: TilingSettings
    precision: Precision
    coarse: bool = False
    disagreement: bool = False

    @property
    def planes(self) -> tuple[int, ...]:
        """Shape of what a pixel holds: a number, or two of them."""
        return (2,) if self.disagreement else ()

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of everything that the numbers depend on, to the last bit: the order of sums counts, too."""
        return hash_values(
            {
                "code": code_hash(_PROBABILITY_CODE, _NO_EFFECT),
                "scene": self.scene.fingerprint(),
                "model": self.model.content_hash,
                "numbers": self.chips.model_dump(mode="json", include={"order", "nodata", "scale", "offset"}),
                "grid": [self.grid.crs.to_wkt(), *self.grid.transform[:6], self.grid.height, self.grid.width],
                "windows": [self.rows.window, self.columns.window],
                "tiling": self.tiling.model_dump(mode="json"),
                "precision": self.precision,
                "disagreement": self.disagreement,
            }
        )

    @cached_property
    def bands(self) -> tuple[RowBand, ...]:
        """The tasks from top to bottom, of about equal size."""
        starts, height = self.rows.starts, self.rows.length
        count = min(len(starts), max(_LEAST_BANDS, math.ceil(height / self.tiling.band_rows)))
        edges = [round(number * len(starts) / count) for number in range(count + 1)]
        return tuple(
            RowBand(first, end, self.rows.inside(first)[0], self.rows.inside(end - 1)[1])
            for first, end in pairwise(edges)
        )

    def parts(self, folder: Path) -> list[BandPart]:
        """Files of the bands in a folder.

        A file is named by its windows: where windows overlap by more than half, several bands begin at the same row.
        """
        return [
            BandPart(folder / f"windows_{band.first_window:05d}_{band.end_window:05d}.npy", band) for band in self.bands
        ]


@dataclass(frozen=True)
class ScenePlan:
    """Everything that the map of a scene depends on.

    Attributes:
        probability: Plan of the probability raster.
        facts: Provenance that each polygon carries, without the lineage id.
        threshold: Probability from which the model calls a pixel mine.
        settings: Settings of mapping.
        permits: Layers to compare with.
        files: SHA-256 of each file of the scene by path, for its record.
        dataset: Dataset of the map, with which its lineage id begins.
    """

    probability: ProbabilityPlan
    facts: MapFacts
    threshold: float
    settings: MappingSettings
    permits: PermitFiles
    files: dict[str, str] = field(default_factory=dict)
    dataset: str = "scene_maps"

    @property
    def name(self) -> str:
        """Name of the scene."""
        return self.probability.scene.name

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of everything that the map depends on."""
        layers = (self.permits.concessions, self.permits.protected_areas)
        return hash_values(
            {
                "code": code_hash(_MAP_CODE, _NO_EFFECT),
                "probability": self.probability.content_hash,
                "facts": [str(fact) for fact in vars(self.facts).values()],
                "threshold": self.threshold,
                "settings": self.settings.model_dump(mode="json", exclude={"tiling", "model", "disagreement"}),
                "permits": [layer.content_hash if layer else None for layer in layers],
            }
        )

    @cached_property
    def final_facts(self) -> MapFacts:
        """The facts with the lineage id, which depends on all others."""
        return replace(self.facts, lineage_id=f"{self.dataset}:{self.content_hash[:_DIGITS]}")

    def parts_folder(self, folder: Path) -> Path:
        """Sub-folder of a folder of maps for the tasks of this plan."""
        return folder / PARTS / f"{self.name}-{self.probability.content_hash[:16]}"

    def parts(self, folder: Path) -> list[BandPart]:
        """Files of the tasks in a folder of maps until the map is complete."""
        return self.probability.parts(self.parts_folder(folder))


def plan_scene(
    scene: Scene,
    stored: StoredModel,
    settings: MappingSettings,
    permits: PermitFiles,
    imagery: ChipSettings | None = None,
) -> ScenePlan:
    """Plan the map of a scene.

    Args:
        scene: The scene.
        stored: The model; it is loaded once.
        settings: Settings of mapping.
        permits: Layers to compare with.
        imagery: How to read the scene; what it does not state, and all by default, is as in training.

    Returns:
        The plan. Doubts about the scene are logged.

    Raises:
        BadInputError: The scene can't be read, lacks a band or coordinates, has other pixels than the model, or holds
            numbers that can't be trusted.
    """
    model = load_once(stored, settings.tiling.views)
    chips = model.chips if imagery is None else imagery.for_model(model.chips)
    grid = lay_grid(scene, chips, chips.pixel, resample=settings.resample)
    verdict = judge_scene(scene, chips, chips.limits)
    if verdict.fault is not None:
        raise SceneError(f"{scene.image} can't be trusted ({verdict.fault}): correct it, or give another scene.")
    for doubt in gather_doubts({scene.name: verdict.doubts}, "scenes"):
        logger.warning("%s", doubt)
    tiling: dict[str, Any] = {"overlap": settings.tiling.overlap, "blend": settings.tiling.blend}
    window = settings.tiling.window or model.window
    if model.coarse and window != model.window:
        raise SceneError(
            f"mapping.tiling.window is {window}, and a classifier takes windows of {model.window} pixels only: leave "
            "it out."
        )
    if settings.disagreement and not (isinstance(model, EnsemblePredictor) and model.networks > 1):
        raise SceneError(
            f"mapping.disagreement is true, and {stored.name} {stored.version} has one network, which agrees with "
            "itself: map with a segmenter of several (mapping.model=ensemble), or leave it out."
        )
    rows, columns = (cut_axis(length, window, **tiling, whole=model.coarse) for length in (grid.height, grid.width))
    probability = ProbabilityPlan(
        scene, stored, chips, grid, rows, columns, settings.tiling, settings.precision, model.coarse,
        settings.disagreement,
    )  # fmt: skip
    days = sorted(scene.dates)
    if days and scene.clear_dates is None:
        logger.info("%s: images of %s, as its tags or its name tell.", scene.name, " to ".join(map(str, days)))
    facts = MapFacts(scene.name, stored.name, stored.version, days[0] if days else None, days[-1] if days else None)
    return ScenePlan(probability, facts, model.threshold, settings, permits, scene.file_hashes())
