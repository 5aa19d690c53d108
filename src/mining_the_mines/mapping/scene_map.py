"""Maps on disk: the record of a map, its files, and the list of the maps of a run."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Final, NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from affine import Affine
from pydantic import TypeAdapter, ValidationError
from rasterio.features import shapes

from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.atomic import whole_file
from mining_the_mines.core.errors import SceneError
from mining_the_mines.core.paths import find, tell, tell_text
from mining_the_mines.geo.grid import Box, ChipGrid, read_grid
from mining_the_mines.geo.mine_polygons import place_pixels
from mining_the_mines.mapping.attributes import MapFacts
from mining_the_mines.mapping.map_files import MINES
from mining_the_mines.mapping.probability_raster import read_probability, read_small
from mining_the_mines.rasters.scene import Scene
from mining_the_mines.rasters.true_colour import read_overview

PROBABILITY: Final = "probability.tif"
QUICKLOOK: Final = "quicklook.jpg"
ITEM: Final = "item.json"
#: Record of a map; a folder without it is incomplete.
RECORD: Final = "map.json"
#: List of the maps of the last run, and of scenes that could not be mapped.
INDEX: Final = "maps.json"
#: Rows that are read at a time.
_ROWS: Final = 1024


class KnownRows(NamedTuple):
    """Some rows of a map.

    Attributes:
        first_row: Number of the first of them.
        known: Whether each pixel has data, boolean (rows, width).
    """

    first_row: int
    known: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class MapRecord:
    """Facts about a map beside its pixels and polygons: the content of :data:`RECORD`, a plain JSON object.

    ``kedro lineage`` reads the file. Paths inside the project are relative to the project's folder there.

    Attributes:
        scene: The scene: ``name``, ``image``, ``source``, ``clear_dates`` and ``dates``.
        facts: Provenance that each polygon carries: ``scene``, ``model``, ``model_version``, ``first_date``,
            ``last_date`` and ``lineage_id``.
        chips: Bands, and decoding of the scene's numbers.
        content_hash: SHA-256 of everything that the map depends on.
        probability_hash: SHA-256 of everything that its probabilities depend on.
        model_hash: SHA-256 of the model's files.
        seed: Probability that each polygon reaches somewhere.
        grow: Probability that all pixels of a polygon reach.
        coarse: True if the model judged whole windows.
        mines: Number of polygons.
        hectares: Area of the polygons.
        mapped_hectares: Area with data.
        mapped_share: Share of the scene's pixels with data, 0–1.
        reviews: Number of polygons marked for review; ``None`` without permits.
        unlike_share: Share of the windows with data that are unlike anything that the model has learnt from, 0–1;
            ``None`` if the model can't tell.
        files: SHA-256 of each file of the scene by path; empty in older maps.
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
    unlike_share: float | None = None
    files: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SceneMap:
    """The map of a scene.

    Attributes:
        record: Facts about it.
        folder: Folder of its files: :data:`PROBABILITY`, polygons, :data:`QUICKLOOK`, :data:`ITEM`, :data:`RECORD`.
    """

    record: MapRecord
    folder: Path

    @property
    def name(self) -> str:
        """Name of the scene."""
        return self.record.scene.name

    @property
    def probability(self) -> Path:
        """Path of the probability raster, a Cloud-Optimized GeoTIFF of one band, NaN or nodata without data."""
        return self.folder / PROBABILITY

    @cached_property
    def mines(self) -> gpd.GeoDataFrame:
        """The polygons, read once."""
        return gpd.read_parquet(self.folder / f"{MINES}.parquet")

    @cached_property
    def grid(self) -> ChipGrid:
        """Grid of the map."""
        return read_grid(self.probability)

    @cached_property
    def mapped_area(self) -> shapely.Geometry:
        """Polygon of the pixels with data, in the map's CRS."""
        rows = read_probability(self.probability, _ROWS)
        return polygonize_known((KnownRows(first, ~np.isnan(part)) for first, part in rows), self.grid.transform)

    def small_probability(self, longest_side: int) -> npt.NDArray[np.float32]:
        """Probabilities averaged to at most so many pixels a side, NaN without data."""
        return read_small(self.probability, longest_side)

    def picture(self, longest_side: int, bounds: Box | None = None) -> tuple[npt.NDArray[np.float32], Affine]:
        """The scene in true colour; see :func:`mining_the_mines.rasters.true_colour.read_overview`."""
        return read_overview(self.record.scene.image, self.record.chips, longest_side, bounds)


@dataclass(frozen=True)
class UnmappedScene:
    """A scene that could not be mapped.

    Attributes:
        scene: Name of the scene.
        source: Path or address of the scene.
        reason: The fault, and the way out.
    """

    scene: str
    source: str
    reason: str


@dataclass(frozen=True)
class SceneMaps:
    """The maps of a run.

    Attributes:
        maps: One a scene, in the order in which the scenes were named.
        unmapped: Scenes that could not be mapped.
    """

    maps: tuple[SceneMap, ...]
    unmapped: tuple[UnmappedScene, ...]


_RECORD: Final = TypeAdapter(MapRecord)
_UNMAPPED: Final = TypeAdapter(tuple[UnmappedScene, ...])


def write_record(record: MapRecord, folder: Path) -> None:
    """Write the record of a map into its folder; paths inside its project are relative to the project's folder."""
    told = _change_paths(record, partial(tell, beside=folder))
    (folder / RECORD).write_bytes(_RECORD.dump_json(told, indent=1) + b"\n")


def read_map(folder: Path, scene: str) -> SceneMap | None:
    """Find the map of a scene in a folder of maps.

    Returns:
        The map; ``None`` if it is missing or incomplete.
    """
    place = folder / scene
    try:
        record = _RECORD.validate_json((place / RECORD).read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValidationError):
        return None
    complete = all((place / name).is_file() for name in (PROBABILITY, f"{MINES}.parquet"))
    return SceneMap(_change_paths(record, partial(find, beside=place)), place) if complete else None


def write_index(folder: Path, scene_maps: SceneMaps) -> None:
    """Write the list of the maps of a run into a folder of maps."""
    told = tuple(
        UnmappedScene(scene.scene, tell(scene.source, folder), tell_text(scene.reason, folder))
        for scene in scene_maps.unmapped
    )
    listed = {
        "scenes": [found.name for found in scene_maps.maps],
        "unmapped": _UNMAPPED.dump_python(told, mode="json"),
    }
    with whole_file(folder / INDEX) as draft:
        draft.write_text(json.dumps(listed, indent=1) + "\n", encoding="utf-8")


def open_maps(folder: Path) -> SceneMaps:
    """Open the maps that a folder lists.

    Raises:
        SceneError: The folder lists no maps, or one of them is incomplete.
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


def _change_paths(record: MapRecord, change: Callable[[str], str]) -> MapRecord:
    scene = record.scene
    clear_dates = None if scene.clear_dates is None else Path(change(str(scene.clear_dates)))
    moved = replace(scene, image=Path(change(str(scene.image))), source=change(scene.source), clear_dates=clear_dates)
    return replace(record, scene=moved, files={change(path): held for path, held in record.files.items()})


def polygonize_known(blocks: Iterable[KnownRows], transform: Affine) -> shapely.Geometry:
    """Polygonize the pixels with data, a block of rows at a time.

    Args:
        blocks: Rows of the map, in any order and of any heights.
        transform: From pixel (column, row) to map coordinates.

    Returns:
        A valid polygon or multipolygon in map coordinates, along the edges of the pixels; empty if none has data.
    """
    place = partial(place_pixels, transform)
    return shapely.union_all([shapely.transform(polygon, place) for block in blocks for polygon in _polygons(block)])


def _polygons(block: KnownRows) -> Iterable[shapely.Polygon]:
    down = Affine.translation(0, block.first_row)
    for polygon, _ in shapes(block.known.astype(np.uint8), mask=block.known, connectivity=4, transform=down):
        shell, *holes = polygon["coordinates"]
        yield shapely.Polygon(shell, holes)
