"""Strata of maps, block by block."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely
from rasterio.features import rasterize

from mining_the_mines.assessment.sample_table import MINE, NO_MINE
from mining_the_mines.assessment.settings import GROUND, StrataSettings
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.equal_area import EqualAreaGrid
from mining_the_mines.geo.grid import ChipGrid, pixel_metres
from mining_the_mines.geo.mine_polygons import LON_LAT, place_pixels, transformation
from mining_the_mines.geo.named_areas import NamedAreas
from mining_the_mines.geo.vector_files import Geometries
from mining_the_mines.mapping.attributes import HIGH, LOW, MEDIUM
from mining_the_mines.mapping.probability_raster import read_probability
from mining_the_mines.mapping.scene_map import SceneMap

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

#: Confidence of mapped mines; the first stands for ground without a mine, and for mines without one.
_CONFIDENCES: Final = ("", HIGH, MEDIUM, LOW)
#: Rows that are read at a time.
_ROWS: Final = 256
#: Pixels of a row whose areas differ by more than this share are refused.
_TOLERANCE: Final = 0.01
_NODES: Final = 9


@dataclass(frozen=True)
class MapToSample:
    """A map, and the period that it stands for.

    Attributes:
        scene_map: The map.
        period: Name of the period; empty if the map stands for none.
    """

    scene_map: SceneMap
    period: str = ""

    @property
    def name(self) -> str:
        """Region and period, for messages and seeds."""
        return f"{self.scene_map.name}/{self.period}" if self.period else self.scene_map.name


@dataclass(frozen=True)
class Cell:
    """Pixels of a map that no stratum divides.

    Attributes:
        ground: One of :data:`GROUND`.
        confidence: Confidence of the mapped mine; empty elsewhere.
        unit: Named area; empty outside.
    """

    ground: str
    confidence: str
    unit: str

    @property
    def map_class(self) -> str:
        """The map's answer."""
        return MINE if self.ground == "mine" else NO_MINE


@dataclass(frozen=True)
class Block:
    """Rows of a map.

    Attributes:
        first_row: Number of the first row.
        cells: Number of each pixel's cell in :attr:`MapStrata.cells`, −1 without data, int64 (rows, width).
        probability: Probability of mine, float32 (rows, width).
        hectares: Area of a pixel of each row, float64 (rows,).
        mines: Number of the mapped mine at each pixel from 1 in the order of the map, 0 outside, int64 (rows, width).
    """

    first_row: int
    cells: Numbers
    probability: npt.NDArray[np.float32]
    hectares: Floats
    mines: Numbers


@dataclass(frozen=True, eq=False)
class MapStrata:
    """Strata of a map.

    Attributes:
        source: The map.
        settings: Their definition.
        units: Named areas that strata or estimates are divided by; the later one counts where two overlap.
    """

    source: MapToSample
    settings: StrataSettings
    units: NamedAreas | None = None

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """All cells that the map may have, by number."""
        units = ("", *self._unit_names)
        return tuple(Cell(ground, sure, unit) for ground in GROUND for sure in _CONFIDENCES for unit in units)

    def stratum(self, cell: Cell) -> str:
        """Name of the stratum of a cell."""
        divided = {"region": self.source.scene_map.name, "confidence": cell.confidence, "unit": cell.unit}
        further = [divided[by] for by in ("region", "confidence", "unit") if by in self.settings.by and divided[by]]
        return " / ".join([cell.ground, *([self.source.period] if self.source.period else []), *further])

    def blocks(self) -> Iterator[Block]:
        """Divide the map, a block of rows at a time.

        Raises:
            BadInputError: The pixels of a row differ in area, or the map can't be placed on the Earth.
        """
        found = self.source.scene_map
        mines = found.mines.geometry.to_numpy()
        confidence = np.array([0, *map(_CONFIDENCES.index, found.mines["confidence"])], dtype=np.int64)
        hectares = self._row_hectares
        for first, probability in read_probability(found.probability, _ROWS):
            painted = partial(paint, grid=found.grid, first_row=first, rows=len(probability))
            mine = painted(mines)
            ground = np.select(
                [mine > 0, painted(self._near) > 0, probability >= self.settings.low_probability],
                [GROUND.index("mine"), GROUND.index("near_mine"), GROUND.index("rest")],
                GROUND.index("low_probability"),
            )
            unit = painted(self._unit_shapes)
            unit = np.where(unit > 0, self._unit_numbers[unit - 1], 0) if len(self._unit_numbers) else unit
            cells = (ground * len(_CONFIDENCES) + confidence[mine]) * (len(self._unit_names) + 1) + unit
            cells[np.isnan(probability)] = -1
            yield Block(first, cells, probability, hectares[first : first + len(probability)], mine)

    @cached_property
    def _near(self) -> Geometries:
        """Ground near mapped mines, buffered where a unit of the map is as long as a metre."""
        grid = self.source.scene_map.grid
        across, down = pixel_metres(grid)
        scale = np.array([across / np.hypot(grid.transform.a, grid.transform.d),
                          down / np.hypot(grid.transform.b, grid.transform.e)])  # fmt: skip
        metres = shapely.transform(self.source.scene_map.mines.geometry.to_numpy(), lambda points: points * scale)
        wide: Geometries = shapely.transform(
            shapely.buffer(metres, self.settings.near_metres), lambda points: points / scale
        )
        return wide

    @cached_property
    def _unit_names(self) -> tuple[str, ...]:
        return () if self.units is None else tuple(dict.fromkeys(self.units.names))

    @cached_property
    def _unit_numbers(self) -> Numbers:
        """Number of the unit of each area, from 1."""
        names = () if self.units is None else self.units.names
        return np.array([self._unit_names.index(name) + 1 for name in names], dtype=np.int64)

    @cached_property
    def _unit_shapes(self) -> Geometries:
        if self.units is None:
            return np.array([], dtype=object)
        here = transformation(LON_LAT, self.source.scene_map.grid.crs.to_wkt())
        placed: Geometries = shapely.transform(self.units.geometry, here)
        return placed

    @cached_property
    def _row_hectares(self) -> Floats:
        """Area of a pixel of each row on the ellipsoid, measured on a grid of nodes."""
        grid = self.source.scene_map.grid
        columns, rows = (np.linspace(0, size - 1, _NODES) for size in (grid.width, grid.height))
        left, top = (corner.ravel() for corner in np.meshgrid(columns, rows))
        boxes = shapely.transform(shapely.box(left, top, left + 1, top + 1), partial(place_pixels, grid.transform))
        areas = EqualAreaGrid(grid).measure(boxes).reshape(_NODES, _NODES)
        if not np.isfinite(areas).all() or (np.ptp(areas, axis=1) > _TOLERANCE * areas.min(axis=1)).any():
            raise BadInputError(
                f"{self.source.scene_map.probability}: pixels of a row differ in area by more than "
                f"{_TOLERANCE:.0%}, so that a random pixel is no random place: warp the scene to UTM and map it again."
            )
        return np.asarray(np.interp(np.arange(grid.height), rows, areas.mean(axis=1)))


def paint(shapes: Geometries, grid: ChipGrid, first_row: int, rows: int) -> Numbers:
    """Number of the last shape, from 1, that covers the middle of each pixel."""
    corners = np.array([[0, first_row], [grid.width, first_row], [grid.width, first_row + rows], [0, first_row + rows]])
    box = shapely.Polygon(place_pixels(grid.transform, corners.astype(float)))
    here = np.flatnonzero(shapely.intersects(shapes, box)) if len(shapes) else np.array([], dtype=np.intp)
    if not len(here):
        return np.zeros((rows, grid.width), dtype=np.int64)
    burnt: Numbers = rasterize(
        [(shapes[number], number + 1) for number in here],
        out_shape=(rows, grid.width),
        transform=grid.transform @ type(grid.transform).translation(0, first_row),
        dtype="int32",
    ).astype(np.int64)
    return burnt


def check_grids(maps: Sequence[MapToSample]) -> None:
    """Refuse a list without maps, or with two maps of one region and period."""
    if not maps:
        raise BadInputError("There is no map to draw a sample from: run mapping first.")
    names = [source.name for source in maps]
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled is not None:
        raise BadInputError(f"Two maps are called {doubled}, so that their places can't be told apart: rename a scene.")
