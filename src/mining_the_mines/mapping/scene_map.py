"""A finished map: what is known of it, and where its files lie."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from affine import Affine
from pydantic import TypeAdapter, ValidationError

from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.atomic import whole_file
from mining_the_mines.core.errors import SceneError
from mining_the_mines.core.paths import find, tell, tell_text
from mining_the_mines.geo.grid import Box, ChipGrid, read_grid
from mining_the_mines.mapping.map_facts import MapFacts
from mining_the_mines.mapping.map_files import MINES
from mining_the_mines.mapping.probability_raster import read_probability, read_small
from mining_the_mines.rasters.scene import Scene
from mining_the_mines.rasters.scene_rgb import read_visible
from mining_the_mines.scoring.mapped_area import KnownRows, outline_known

PROBABILITY: Final = "probability.tif"
QUICKLOOK: Final = "quicklook.jpg"
ITEM: Final = "item.json"
#: What is known of a map; a folder without it is not whole.
RECORD: Final = "map.json"
#: Lists the maps of the last run, and what could not be mapped.
INDEX: Final = "maps.json"
#: Rows that are read at a time.
_ROWS: Final = 1024


@dataclass(frozen=True)
class MapRecord:
    """What is known of a map beside its pixels and polygons.

    Attributes:
        scene: What was mapped.
        facts: What every polygon says of its origin.
        chips: How the scene's numbers became reflectance, and of which bands.
        content_hash: SHA-256 of all that the map depends on.
        probability_hash: SHA-256 of what its probabilities depend on.
        model_hash: SHA-256 of the model's files.
        seed: Probability that a polygon reaches somewhere.
        grow: Probability from which a pixel belongs to a polygon.
        coarse: Whether the model judged whole windows.
        mines: Number of polygons.
        hectares: Their area.
        mapped_hectares: Ground that has data.
        mapped_share: Share of the scene's pixels that have data.
        reviews: Number of polygons that deserve a review; ``None`` where no permits were given.
        files: SHA-256 of each file of the scene as it was mapped, by path; older maps tell of none.
    """

    scene: Scene
    facts: MapFacts
    chips: ChipSettings
    content_hash: str
    probability_hash: str
    model_hash: str
    seed: float
    grow: float
    coarse: bool
    mines: int
    hectares: float
    mapped_hectares: float
    mapped_share: float
    reviews: int | None
    files: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SceneMap:
    """The map of a scene.

    Attributes:
        record: What is known of it.
        folder: Its files: :data:`PROBABILITY`, polygons, :data:`QUICKLOOK`, :data:`ITEM`, :data:`RECORD`.
    """

    record: MapRecord
    folder: Path

    @property
    def name(self) -> str:
        """Of the scene."""
        return self.record.scene.name

    @property
    def probability(self) -> Path:
        """A Cloud-Optimized GeoTIFF, one band, NaN or nodata where nothing is known."""
        return self.folder / PROBABILITY

    @cached_property
    def mines(self) -> gpd.GeoDataFrame:
        """The polygons, read when they are first asked for."""
        return gpd.read_parquet(self.folder / f"{MINES}.parquet")

    @cached_property
    def grid(self) -> ChipGrid:
        """On which the map lies."""
        return read_grid(self.probability)

    @cached_property
    def ground(self) -> shapely.Geometry:
        """Where the map says something, in its own coordinates."""
        rows = read_probability(self.probability, _ROWS)
        return outline_known((KnownRows(first, ~np.isnan(part)) for first, part in rows), self.grid.transform)

    def small_probability(self, longest_side: int) -> npt.NDArray[np.float32]:
        """The map of probability no larger than it will be shown, NaN without data."""
        return read_small(self.probability, longest_side)

    def picture(self, longest_side: int, bounds: Box | None = None) -> tuple[npt.NDArray[np.float32], Affine]:
        """What was mapped in true colour; see :func:`mining_the_mines.rasters.scene_rgb.read_visible`."""
        return read_visible(self.record.scene, self.record.chips, longest_side, bounds)


@dataclass(frozen=True)
class UnmappedScene:
    """A scene that could not be mapped.

    Attributes:
        scene: Its name.
        source: Where it comes from.
        reason: Why not, and the way out.
    """

    scene: str
    source: str
    reason: str


@dataclass(frozen=True)
class SceneMaps:
    """The maps of a run.

    Attributes:
        maps: One a scene, in the order in which the scenes were named.
        unmapped: What could not be mapped.
    """

    maps: tuple[SceneMap, ...]
    unmapped: tuple[UnmappedScene, ...]


_RECORD: Final = TypeAdapter(MapRecord)
_UNMAPPED: Final = TypeAdapter(tuple[UnmappedScene, ...])


def write_record(record: MapRecord, folder: Path) -> None:
    """Write what is known of a map into its folder; paths of its project are told from the project's folder."""
    told = _readdress(record, partial(tell, beside=folder))
    (folder / RECORD).write_bytes(_RECORD.dump_json(told, indent=1) + b"\n")


def read_map(folder: Path, scene: str) -> SceneMap | None:
    """Find the map of a scene.

    Args:
        folder: Where maps lie.
        scene: Its name.

    Returns:
        The map; ``None`` if there is none, or not all of it.
    """
    place = folder / scene
    try:
        record = _RECORD.validate_json((place / RECORD).read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValidationError):
        return None
    whole = all((place / name).is_file() for name in (PROBABILITY, f"{MINES}.parquet"))
    return SceneMap(_readdress(record, partial(find, beside=place)), place) if whole else None


def write_index(folder: Path, scenes: Sequence[str], unmapped: Sequence[UnmappedScene]) -> None:
    """List the maps of a run."""
    told = tuple(
        UnmappedScene(scene.scene, tell(scene.source, folder), tell_text(scene.reason, folder)) for scene in unmapped
    )
    listed = {"scenes": list(scenes), "unmapped": _UNMAPPED.dump_python(told, mode="json")}
    with whole_file(folder / INDEX) as draft:
        draft.write_text(json.dumps(listed, indent=1) + "\n", encoding="utf-8")


def open_maps(folder: Path) -> SceneMaps:
    """Open the maps of the last run.

    Args:
        folder: Where maps lie.

    Returns:
        The maps.

    Raises:
        SceneError: If there are none, or one of them is not whole.
    """
    try:
        listed = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SceneError(f"{folder} holds no maps: run mapping first.") from None
    maps = {scene: read_map(folder, scene) for scene in listed["scenes"]}
    missing = [scene for scene, found in maps.items() if found is None]
    if missing:
        raise SceneError(f"{folder} lacks the map of {', '.join(missing)}: run mapping again.")
    return SceneMaps(
        tuple(found for found in maps.values() if found is not None),
        _UNMAPPED.validate_python(tuple(listed["unmapped"])),
    )


def _readdress(record: MapRecord, change: Callable[[str], str]) -> MapRecord:
    """The same with other paths."""
    scene = record.scene
    clear_dates = None if scene.clear_dates is None else Path(change(str(scene.clear_dates)))
    moved = replace(scene, image=Path(change(str(scene.image))), source=change(scene.source), clear_dates=clear_dates)
    return replace(record, scene=moved, files={change(path): held for path, held in record.files.items()})
