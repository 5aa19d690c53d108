"""Masks: outlines of mines drawn onto the pixels of each chip."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field
from rasterio.features import rasterize

from mining_the_mines.chips.folder import ChipFolder
from mining_the_mines.chips.packing import PackedChips
from mining_the_mines.chips.planes import NO_VALUE, PackedPlanes, PlaneStream
from mining_the_mines.chips.quality import ACCEPTED, REJECTED
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.prefetching import map_ahead
from mining_the_mines.core.progress import Progress, silent
from mining_the_mines.geo.grid import ChipGrid, pixel_hectares, read_grid
from mining_the_mines.geo.mine_polygons import Geometries, MinePolygons
from mining_the_mines.geo.polygon_index import PolygonIndex, check_coverage

logger = logging.getLogger(__name__)

Mask = npt.NDArray[np.uint8]

BACKGROUND: Final = 0
MINE: Final = 1
#: Pixels without data, which losses and scores leave out.
UNKNOWN: Final = NO_VALUE
#: Columns of a description of masks and their types.
COLUMNS: Final = {
    "filename": "str",
    "verdict": "str",
    "reason": "str",
    "polygons": "Int64",
    "slivers": "Int64",
    "mine_pixels": "Int64",
    "known_pixels": "Int64",
    "mine_share": "float64",
    "mine_hectares": "float64",
}
_NOBODY: Final[Mapping[str, str]] = MappingProxyType({})


class MaskSettings(BaseModel):
    """How outlines become pixels."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    all_touched: bool = Field(
        False,
        description=(
            "Whether every pixel that an outline touches is mine; by default it is those whose centre lies in it, "
            "which keeps the area right."
        ),
    )


@dataclass(frozen=True)
class PlacedChips:
    """Which chips an outline can be laid over.

    Attributes:
        grids: Name → where it lies, in the order they were asked for.
        left_out: Name → why it can't be placed.
    """

    grids: dict[str, ChipGrid]
    left_out: dict[str, str]


@dataclass(frozen=True)
class _Drawing:
    """The masks of chips, drawn when gone through."""

    packed: PackedChips
    grids: Mapping[str, ChipGrid]
    index: PolygonIndex
    settings: MaskSettings
    progress: Progress = field(repr=False)

    def __iter__(self) -> Iterator[Mask]:
        for filename in self.progress(tuple(self.grids), "Drawing masks"):
            grid = self.grids[filename]
            mask = (
                _burn(self.index.on(grid)[1], grid, self.settings) if self.index.touching(grid).size else _blank(grid)
            )
            chip = self.packed.array[self.packed.rows([filename])[0]]
            mask[(chip == 0).any(axis=0)] = UNKNOWN
            yield mask


def place_chips(folder: ChipFolder, filenames: Iterable[str], workers: int = 2) -> PlacedChips:
    """Read from the chips' headers where they lie.

    Args:
        folder: The chips.
        filenames: Which of them.
        workers: Threads that read.

    Returns:
        Their grids; chips without coordinates, with some that have no relation to the Earth, or across the antimeridian
        are listed apart.
    """
    names = tuple(filenames)

    def look(filename: str) -> ChipGrid | str:
        try:
            grid = read_grid(folder.path(filename))
            west, _, east, _ = grid.wgs84_bounds
            pixel_hectares(grid)
        except BadInputError as error:
            return f"no place: {error}"
        return grid if west <= east else "antimeridian: outlines end there, so that they can't be laid across it"

    found = dict(zip(names, map_ahead(look, names, workers), strict=True))
    return PlacedChips(
        {name: grid for name, grid in found.items() if isinstance(grid, ChipGrid)},
        {name: fault for name, fault in found.items() if isinstance(fault, str)},
    )


def draw_masks(
    packed: PackedChips,
    folder: ChipFolder,
    outlines: MinePolygons,
    settings: MaskSettings,
    progress: Progress = silent,
) -> PlaneStream:
    """Draw the outlines onto the grid of every packed chip, one chip at a time while the masks are written.

    Chips that no outline touches have an empty mask. Where a band of a chip has no data, its mask is unknown. Chips
    without coordinates are left out, with a warning.

    Args:
        packed: The chips.
        folder: Their files, which know where they lie.
        outlines: The polygons.
        settings: How they become pixels.
        progress: Shows how far it has come.

    Returns:
        The masks, uint8 (height, width): :data:`BACKGROUND`, :data:`MINE` or :data:`UNKNOWN`.

    Raises:
        BadInputError: If no chip has coordinates, no outline meets any chip, or a chip is of another size than when
            it was packed.
    """
    placed = place_chips(folder, packed.filenames)
    if placed.left_out:
        logger.warning("%d of %d chips have no place, and no mask.", len(placed.left_out), len(packed))
    if not placed.grids:
        raise BadInputError(
            f"None of the {len(packed)} chips in {folder.images} has coordinates, so that no outline can be laid over "
            "them: use chips with a CRS and a geotransform, or train classification only."
        )
    height, width = (int(edge) for edge in packed.array.shape[2:])
    for name, grid in placed.grids.items():
        if (grid.height, grid.width) != (height, width):
            raise BadInputError(
                f"{folder.path(name)} is {grid.width} × {grid.height} pixels, but was packed with {width} × {height}: "
                "run preprocessing again."
            )
    index = PolygonIndex(outlines)
    check_coverage(index, placed.grids.values())
    drawing = _Drawing(packed, placed.grids, index, settings, progress)
    grids = tuple(placed.grids.values())
    return PlaneStream(tuple(placed.grids), grids, (height, width), "uint8", drawing, "mine (1), unknown (255)")


def describe_masks(
    masks: PackedPlanes,
    outlines: MinePolygons,
    settings: MaskSettings,
    left_out: Mapping[str, str] = _NOBODY,
    progress: Progress = silent,
) -> pd.DataFrame:
    """List what is on each mask.

    Args:
        masks: As :func:`draw_masks` made them.
        outlines: The polygons they were made from.
        settings: The settings they were made with.
        left_out: Name → reason, of the chips that have no mask.
        progress: Shows how far it has come.

    Returns:
        The columns :data:`COLUMNS`, a row a chip, by file name: polygons that touch it, slivers among them (they hit no
        pixel), pixels that are mine and that are known, the share of the first in the second, and hectares of mine.
    """
    index = PolygonIndex(outlines)
    rows: list[dict[str, object]] = [
        {"filename": name, "verdict": REJECTED, "reason": reason} for name, reason in left_out.items()
    ]
    for row, filename in enumerate(progress(masks.filenames, "Describing masks")):
        grid = masks.grids[row]
        polygons = index.on(grid)[1]
        mines, known = count_pixels(masks.array[row])
        rows.append(
            {
                "filename": filename,
                "verdict": ACCEPTED,
                "polygons": len(polygons),
                "slivers": _count_slivers(polygons, grid, settings),
                "mine_pixels": mines,
                "known_pixels": known,
                "mine_share": mines / known if known else float("nan"),
                "mine_hectares": mines * pixel_hectares(grid),
            }
        )
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)
    return table.sort_values("filename", ignore_index=True)


def check_masks(masks: PackedPlanes, packed: PackedChips) -> None:
    """Make sure that masks belong to packed chips.

    Args:
        masks: The masks.
        packed: The chips.

    Raises:
        BadInputError: If the masks are of another type or size, or of chips that are not packed.
    """
    size = tuple(int(edge) for edge in packed.array.shape[2:])
    name = masks.path or "These masks"
    if masks.array.dtype != np.uint8:
        raise BadInputError(f"{name} holds {masks.array.dtype} values, which are no masks: run preprocessing again.")
    if masks.size != size:
        raise BadInputError(
            f"{name} holds masks of {masks.size[1]} × {masks.size[0]} pixels for chips of {size[1]} × {size[0]}: "
            "run preprocessing again."
        )
    known = set(packed.filenames)
    strange = [filename for filename in masks.filenames if filename not in known]
    if strange:
        raise BadInputError(
            f"{name} holds masks of {len(strange)} chips that are not packed, such as {strange[0]}: "
            "run preprocessing again."
        )


def count_pixels(mask: Mask) -> tuple[int, int]:
    """Count the pixels of a mask that are mine, and those that are known.

    Args:
        mask: uint8, of any shape.

    Returns:
        Both numbers.
    """
    return int(np.count_nonzero(mask == MINE)), int(np.count_nonzero(mask != UNKNOWN))


def _blank(grid: ChipGrid) -> Mask:
    return np.full((grid.height, grid.width), BACKGROUND, dtype=np.uint8)


def _burn(polygons: Geometries, grid: ChipGrid, settings: MaskSettings) -> Mask:
    if len(polygons) == 0:
        return _blank(grid)
    mask: Mask = rasterize(
        polygons,
        out_shape=(grid.height, grid.width),
        transform=grid.transform,
        fill=BACKGROUND,
        default_value=MINE,
        all_touched=settings.all_touched,
        dtype=np.uint8,
    )
    return mask


def _count_slivers(polygons: Geometries, grid: ChipGrid, settings: MaskSettings) -> int:
    """Number of polygons that hit no pixel."""
    if len(polygons) == 0:
        return 0
    numbers = rasterize(
        zip(polygons, range(1, len(polygons) + 1), strict=True),
        out_shape=(grid.height, grid.width),
        transform=grid.transform,
        all_touched=settings.all_touched,
        dtype=np.int32,
    )
    seen = np.bincount(numbers.ravel(), minlength=len(polygons) + 1)[1:] > 0
    # What isn't seen hits no pixel, or lies under another polygon: drawn alone, it tells.
    return sum(not _burn(polygons[[row]], grid, settings).any() for row in np.flatnonzero(~seen))
