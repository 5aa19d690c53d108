"""Masks: polygons of mines burnt onto the pixels of each chip."""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field
from rasterio.features import rasterize

from mining_the_mines.chips.corrected_ground import CorrectedGround
from mining_the_mines.chips.folder import ChipFolder
from mining_the_mines.chips.packing import PackedChips
from mining_the_mines.chips.planes import NO_VALUE, PackedPlanes, PlaneLayout, write_planes
from mining_the_mines.chips.quality import ACCEPTED, REJECTED
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.prefetching import map_ahead
from mining_the_mines.core.progress import Progress, silent
from mining_the_mines.geo.grid import ChipGrid, pixel_hectares, read_grid
from mining_the_mines.geo.mine_polygons import MinePolygons
from mining_the_mines.geo.polygon_index import PolygonIndex, check_coverage
from mining_the_mines.geo.vector_files import Geometries

logger = logging.getLogger(__name__)

Mask = npt.NDArray[np.uint8]

BACKGROUND: Final = 0
MINE: Final = 1
#: Pixels without data, which losses and scores leave out.
UNKNOWN: Final = NO_VALUE
#: Columns of the table of masks and their types.
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
_NONE_LEFT_OUT: Final[Mapping[str, str]] = MappingProxyType({})


class MaskSettings(BaseModel):
    """How polygons become pixels."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    all_touched: bool = Field(
        False,
        description=(
            "Whether every pixel that a polygon touches is mine; by default those whose centre lies in it, which keeps "
            "the area right."
        ),
    )


@dataclass(frozen=True)
class PlacedChips:
    """Chips that polygons can be laid over, and the others.

    Attributes:
        grids: Name → grid, in the requested order.
        left_out: Name → reason why it can't be placed.
    """

    grids: dict[str, ChipGrid]
    left_out: dict[str, str]


def place_chips(
    folder: ChipFolder, filenames: Iterable[str], workers: int = 2, corrected: CorrectedGround | None = None
) -> PlacedChips:
    """Read the grids of chips from their headers.

    Args:
        folder: The chips.
        filenames: Names of those to place.
        workers: Threads that read.
        corrected: Places that reviewers have corrected.

    Returns:
        Their grids; chips without coordinates, or with coordinates unrelated to the Earth, and those with a mine that
        has no outline, are left out.
    """
    names = tuple(filenames)

    def look(filename: str) -> ChipGrid | str:
        try:
            grid = read_grid(folder.path(filename))
            _ = grid.wgs84_bounds, pixel_hectares(grid)
        except BadInputError as error:
            return f"no place: {error}"
        if corrected is not None and corrected.lacks_outline(grid):
            return "no outline: a reviewer saw a mine and drew none"
        return grid

    found = dict(zip(names, map_ahead(look, names, workers), strict=True))
    return PlacedChips(
        {name: grid for name, grid in found.items() if isinstance(grid, ChipGrid)},
        {name: fault for name, fault in found.items() if isinstance(fault, str)},
    )


def draw_masks(
    packed: PackedChips,
    chips: ChipFolder,
    polygons: MinePolygons,
    settings: MaskSettings,
    folder: Path,
    progress: Progress = silent,
    corrected: CorrectedGround | None = None,
) -> PackedPlanes:
    """Burn polygons onto the grid of every packed chip and write the masks, with a GeoTIFF each.

    Chips that no polygon touches have an empty mask. A pixel is unknown where any band of its chip has no data. Chips
    without coordinates, and those with a mine that has no outline, are left out, with a warning.

    Args:
        packed: The chips.
        chips: Their files, whose headers hold the grids.
        polygons: The polygons.
        settings: How they become pixels.
        folder: Folder for the masks; it appears whole or not at all.
        progress: Shows the progress.
        corrected: Places that reviewers have corrected.

    Returns:
        The masks, uint8 (height, width): :data:`BACKGROUND`, :data:`MINE` or :data:`UNKNOWN`.

    Raises:
        BadInputError: No chip has coordinates, no polygon meets any chip, a chip has changed its size since it was
            packed, the folder can't be written, or the disk is full.
    """
    placed = place_chips(chips, packed.filenames, corrected=corrected)
    reasons = Counter(reason.split(":")[0] for reason in placed.left_out.values())
    if reasons["no place"]:
        logger.warning("%d of %d chips have no place, and no mask.", reasons["no place"], len(packed))
    if reasons["no outline"]:
        logger.warning(
            "%d of %d chips have no mask: reviewers saw a mine on them that has no outline. Draw it in kedro review.",
            reasons["no outline"], len(packed),
        )  # fmt: skip
    if not placed.grids:
        raise BadInputError(
            f"None of the {len(packed)} chips in {chips.images} has coordinates, so that no polygon can be laid over "
            "them: use chips with a CRS and a geotransform, or train classification only."
        )
    height, width = (int(edge) for edge in packed.array.shape[2:])
    for name, grid in placed.grids.items():
        if (grid.height, grid.width) != (height, width):
            raise BadInputError(
                f"{chips.path(name)} is {grid.width} × {grid.height} pixels, but was packed with {width} × {height}: "
                "run preprocessing again."
            )
    index = PolygonIndex(polygons)
    check_coverage(index, placed.grids.values())
    names = tuple(placed.grids)
    layout = PlaneLayout(names, tuple(placed.grids.values()), (height, width), "uint8", "mine (1), unknown (255)")
    grids = progress(tuple(placed.grids.items()), "Drawing masks")
    masks = write_planes(folder, layout, burn_masks(packed, grids, index, settings), rasters=True)
    _doubt_full_masks(masks, polygons)
    return masks


def _doubt_full_masks(masks: PackedPlanes, polygons: MinePolygons) -> None:
    """Warn if each chip that has mine is mine all over."""
    counts = [count_pixels(mask) for mask in masks.array]
    covered = [mines == known for mines, known in counts if mines]
    if len(covered) > 1 and all(covered):
        logger.warning(
            "All %d chips that %s touches are mine all over, and no mine ends within a chip: are its polygons study "
            "areas or districts? Name the layer of mines as FILE|layername=NAME.", len(covered), polygons.source,
        )  # fmt: skip


def burn_masks(
    packed: PackedChips, grids: Iterable[tuple[str, ChipGrid]], index: PolygonIndex, settings: MaskSettings
) -> Iterator[Mask]:
    """Burn polygons onto the grids of chips, one at a time.

    Args:
        packed: The chips.
        grids: Name and grid of each.
        index: The polygons.
        settings: How they become pixels.

    Yields:
        Masks, uint8 (height, width).
    """
    for filename, grid in grids:
        mask = _burn(index.on(grid)[1], grid, settings) if index.touching(grid).size else _blank(grid)
        chip = packed.array[packed.rows([filename])[0]]
        mask[(chip == 0).any(axis=0)] = UNKNOWN
        yield mask


def describe_masks(
    masks: PackedPlanes,
    polygons: MinePolygons,
    settings: MaskSettings,
    left_out: Mapping[str, str] = _NONE_LEFT_OUT,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Describe each mask.

    Args:
        masks: Masks that :func:`draw_masks` drew.
        polygons: The polygons they were drawn from.
        settings: The settings they were drawn with.
        left_out: Name → reason, of the chips that have no mask.
        progress: Shows the progress.

    Returns:
        The columns :data:`COLUMNS`, a row a chip, by file name: polygons that touch it, slivers among them (they hit no
        pixel), pixels that are mine and that are known, the share of the first in the second, and hectares of mine.
    """
    index = PolygonIndex(polygons)
    rows: list[dict[str, object]] = [
        {"filename": name, "verdict": REJECTED, "reason": reason} for name, reason in left_out.items()
    ]
    for row, filename in enumerate(progress(masks.filenames, "Describing masks")):
        grid = masks.grids[row]
        shapes = index.on(grid)[1]
        mines, known = count_pixels(masks.array[row])
        rows.append(
            {
                "filename": filename,
                "verdict": ACCEPTED,
                "polygons": len(shapes),
                "slivers": _count_slivers(shapes, grid, settings),
                "mine_pixels": mines,
                "known_pixels": known,
                "mine_share": mines / known if known else float("nan"),
                "mine_hectares": mines * pixel_hectares(grid),
            }
        )
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)
    return table.sort_values("filename", ignore_index=True)


def check_masks(masks: PackedPlanes, packed: PackedChips) -> None:
    """Check that masks belong to packed chips.

    Args:
        masks: The masks.
        packed: The chips.

    Raises:
        BadInputError: The masks have another type or size, or belong to chips that are not packed.
    """
    size = tuple(int(edge) for edge in packed.array.shape[2:])
    name = masks.folder or "These masks"
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
        Number of mine pixels, and of known pixels.
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
    # A polygon that isn't seen hits no pixel, or lies under another one: burn it alone to find out.
    return sum(not _burn(polygons[[row]], grid, settings).any() for row in np.flatnonzero(~seen))
