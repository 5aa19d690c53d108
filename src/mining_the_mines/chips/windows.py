"""Windows: squares of chips that training images are cut to."""

import math
from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pydantic import BaseModel, ConfigDict, Field, field_validator

from mining_the_mines.chips.masks import UNKNOWN, count_pixels
from mining_the_mines.chips.planes import PackedPlanes
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.grid import ChipGrid, pixel_hectares
from mining_the_mines.geo.mine_polygons import MinePolygons
from mining_the_mines.geo.polygon_index import PolygonIndex

#: Name of a chip, first row and column, which may lie outside of it, and edge.
Window = tuple[str, int, int, int]

#: Networks halve an image five times, so an edge must be a multiple of this.
STRIDE: Final = 32
#: Columns of a table of windows and their types; rows and columns count from the chip's first pixel.
COLUMNS: Final = {
    "filename": "str",
    "row": "int64",
    "column": "int64",
    "size": "int64",
    "kind": "str",
    "hectares": "float64",
}
WITH_MINE: Final = "mine"
WITHOUT_MINE: Final = "other"


class WindowSettings(BaseModel):
    """Cutting of training images."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cut: Literal["chip", "polygon"] = Field(
        "chip", description="The whole chip, or a window centred on each polygon and windows without a mine."
    )
    area_percentiles: tuple[float, float] | None = Field(
        None,
        description=(
            "Windows are centred on polygons whose area lies within these percentiles, such as (10, 98.5): the "
            "smallest are often errors, the largest whole districts; null for all. Masks keep all polygons."
        ),
    )
    context: float = Field(
        0.5, ge=0, description="Margin around a polygon on each side, as a share of its box's longer edge."
    )
    crop: int | None = Field(
        None, ge=STRIDE, multiple_of=STRIDE, description="Edge of random crops at training time; null for none."
    )
    negative_share: float | None = Field(
        None, ge=0, lt=1, description="Share of windows without mine in training; null for as many as there are."
    )

    @field_validator("area_percentiles")
    @classmethod
    def _ascending(cls, percentiles: tuple[float, float] | None) -> tuple[float, float] | None:
        if percentiles is not None and not 0 <= percentiles[0] < percentiles[1] <= 100:
            raise ValueError(f"{percentiles[0]:g} to {percentiles[1]:g} are no percentiles: two of 0 to 100 ascend.")
        return percentiles


def cut_windows(
    masks: PackedPlanes, filenames: Iterable[str], polygons: MinePolygons, settings: WindowSettings
) -> pd.DataFrame:
    """List the windows that training images can be cut to.

    With ``cut: chip`` a window is a chip. With ``cut: polygon`` it is a square around what a chip shows of a polygon,
    with context, its edge a multiple of 32 and no longer than the chip's, rounded up; it may reach over the chip's
    rim. Polygons that hit no pixel are passed over. Windows without mine have the median edge of the others and lie
    side by side on the chips. All candidates are listed, whatever share of them training takes.

    Args:
        masks: Masks of the chips.
        filenames: The chips to cut from.
        polygons: The polygons that the masks were drawn from.
        settings: How to cut.

    Returns:
        The columns :data:`COLUMNS`, by chip, with kind ``mine`` or ``other`` and the hectares that are mine in it. The
        same chips always give the same table.

    Raises:
        BadInputError: A chip has no mask, the chips are no squares (with ``cut: chip``), or no polygon lies on them
            (with ``cut: polygon``).
    """
    names = list(filenames)
    masks.rows(names)
    if settings.cut == "chip":
        windows = _describe([(name, 0, 0, _edge_of(masks)) for name in names], masks)
        return windows[list(COLUMNS)]
    around = _describe(_around_polygons(masks, names, polygons, settings), masks)
    if around.empty:
        raise BadInputError(
            f"No polygon lies on the {len(names)} chips to cut windows from: set windows.cut to chip, or add chips "
            "with mines."
        )
    edge = int(np.percentile(around["size"], 50, method="lower"))
    tiles = _describe([(name, *corner, edge) for name in names for corner in _tiles(masks.size, edge)], masks)
    beside = tiles[(tiles["kind"] == WITHOUT_MINE) & tiles["known"]]
    order = {name: number for number, name in enumerate(names)}
    windows = pd.concat([around, beside]).drop_duplicates(ignore_index=True)
    windows = windows.sort_values("filename", key=lambda column: column.map(order), kind="stable", ignore_index=True)
    return windows[list(COLUMNS)]


def take_window(pixels: npt.NDArray[Any], row: int, column: int, size: int, fill: float) -> npt.NDArray[Any]:
    """Cut a window out of an image.

    Args:
        pixels: (…, height, width).
        row: First row of the window; may be negative.
        column: First column of the window; may be negative.
        size: Its edge; it may reach over the rim.
        fill: Value where it does, such as 0 for digital numbers and 255 for masks.

    Returns:
        (…, size, size) of the same type, a copy.
    """
    height, width = pixels.shape[-2:]
    window = np.full((*pixels.shape[:-2], size, size), fill, dtype=pixels.dtype)
    top, bottom = max(row, 0), min(row + size, height)
    left, right = max(column, 0), min(column + size, width)
    if top < bottom and left < right:
        window[..., top - row : bottom - row, left - column : right - column] = pixels[..., top:bottom, left:right]
    return window


def _describe(windows: Iterable[Window], masks: PackedPlanes) -> pd.DataFrame:
    """A table of windows with the columns :data:`COLUMNS`, and whether anything is known in them."""
    rows = []
    for filename, row, column, size in windows:
        chip = masks.rows([filename])[0]
        mines, known = count_pixels(take_window(masks.array[chip], row, column, size, UNKNOWN))
        kind = WITH_MINE if mines else WITHOUT_MINE
        rows.append((filename, row, column, size, kind, mines * pixel_hectares(masks.grids[chip]), known > 0))
    return pd.DataFrame(rows, columns=[*COLUMNS, "known"]).astype(COLUMNS | {"known": "bool"})


def _edge_of(masks: PackedPlanes) -> int:
    height, width = masks.size
    if height != width:
        raise BadInputError(
            f"The chips are {width} × {height} pixels, and no squares: set windows.cut to polygon, or cut square chips."
        )
    return height


def _around_polygons(
    masks: PackedPlanes, names: list[str], polygons: MinePolygons, settings: WindowSettings
) -> Iterator[Window]:
    """A square around each polygon's part on each chip."""
    index = PolygonIndex(polygons)
    rows = masks.rows(names)
    wanted = _of_wanted_area(index, [masks.grids[row] for row in rows], settings.area_percentiles)
    longest = math.ceil(max(masks.size) / STRIDE) * STRIDE
    for name, row in zip(names, rows, strict=True):
        for left, top, right, bottom in _boxes_on(masks.grids[row], index, wanted):
            seen = masks.array[row][math.floor(top) : math.ceil(bottom), math.floor(left) : math.ceil(right)]
            if count_pixels(seen)[0] == 0:
                continue  # a sliver, or a polygon where the chip has no data
            edge = max(right - left, bottom - top) * (1 + 2 * settings.context)
            size = min(max(math.ceil(edge / STRIDE), 1) * STRIDE, longest)
            yield name, math.floor((top + bottom - size) / 2), math.floor((left + right - size) / 2), size


def _of_wanted_area(
    index: PolygonIndex, grids: Iterable[ChipGrid], percentiles: tuple[float, float] | None
) -> npt.NDArray[np.bool_]:
    """Polygons with an area within the percentiles of those that touch the chips, boolean (polygons,)."""
    hectares = index.polygons.hectares
    if percentiles is None:
        return np.ones(len(hectares), dtype=bool)
    touching = np.unique(np.concatenate([np.empty(0, dtype=np.intp), *(index.on(grid)[0] for grid in grids)]))
    if len(touching) == 0:
        return np.zeros(len(hectares), dtype=bool)
    lowest, highest = np.percentile(hectares[touching], percentiles)
    return np.asarray((hectares >= lowest) & (hectares <= highest))


def _boxes_on(grid: ChipGrid, index: PolygonIndex, wanted: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Left, top, right and bottom in pixels of each polygon's part on the chip, float64 (polygons, 4)."""
    positions, polygons = index.on(grid)
    to_pixels = ~grid.transform
    turn = np.array([[to_pixels.a, to_pixels.b], [to_pixels.d, to_pixels.e]])
    shift = np.array([to_pixels.c, to_pixels.f])
    in_pixels = shapely.transform(polygons[wanted[positions]], lambda points: points @ turn.T + shift)
    shown = shapely.clip_by_rect(in_pixels, 0, 0, grid.width, grid.height)
    # Rounding errors of projections must not move a box to the next pixel.
    boxes: npt.NDArray[np.float64] = shapely.bounds(shown[~shapely.is_empty(shown)]).round(6)
    return boxes


def _tiles(size: tuple[int, int], edge: int) -> Iterator[tuple[int, int]]:
    """Rows and columns of as many squares as fit side by side, centred; of one if none fits."""
    starts = []
    for length in size:
        count = max(1, length // edge)
        first = (length - count * edge) // 2
        starts.append([first + number * edge for number in range(count)])
    for row in starts[0]:
        for column in starts[1]:
            yield row, column
