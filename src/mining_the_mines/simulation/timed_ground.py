"""Ground that changes: what a feature paints, and on which days each cell of it shows."""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import shapes
from rasterio.transform import Affine
from scipy.ndimage import distance_transform_edt
from shapely import MultiPolygon

from mining_the_mines.simulation.canvas import CELL, Canvas, Field, Patch
from mining_the_mines.simulation.mines import as_multipolygon
from mining_the_mines.simulation.spectra import Material

#: Days as proleptic Gregorian ordinals, as ``date.toordinal`` counts them.
Days = NDArray[np.int32]
#: A day that never comes.
NEVER: Final = np.iinfo(np.int32).max
#: Metres over which the ground rises or falls behind a face that is being worked.
_FACE: Final = 40.0
#: Arrays of a canvas.
_LAYERS: Final = ("first", "second", "share", "texture", "cover", "elevation")

Painted = TypeVar("Painted")


@dataclass(frozen=True)
class Layers:
    """What a feature paints: arrays of the shape of a window of the canvas.

    Attributes:
        patch: Cells that differ from the ground before.
        first: :class:`~mining_the_mines.simulation.spectra.Material` of each cell.
        second: The other material.
        share: Share of the second material.
        texture: Factor on reflectance.
        cover: :class:`~mining_the_mines.simulation.canvas.Cover` of each cell.
        lift: Metres that the ground is raised by.
    """

    patch: Patch
    first: NDArray[np.uint8]
    second: NDArray[np.uint8]
    share: Field
    texture: Field
    cover: NDArray[np.uint8]
    lift: Field


def record_painting(canvas: Canvas, paint: Callable[[Canvas], Painted]) -> tuple[Painted, Layers]:
    """Paint a feature on a copy of the ground, and keep the cells that differ.

    Args:
        canvas: The ground before, which stays as it is.
        paint: Paints the feature.

    Returns:
        The result of ``paint``, and the layers.
    """
    painted = copy_canvas(canvas)
    result = paint(painted)
    window = _extent(painted.painted)
    rows, columns = window
    changed = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.bool_)
    for name in _LAYERS:
        changed |= getattr(painted, name)[window] != getattr(canvas, name)[window]
    first, second, share, texture, cover, elevation = (getattr(painted, name)[window].copy() for name in _LAYERS)
    return result, Layers(
        patch=Patch(rows, columns, changed),
        first=first,
        second=second,
        share=share,
        texture=texture,
        cover=cover,
        lift=elevation - canvas.elevation[window],
    )


def copy_canvas(canvas: Canvas) -> Canvas:
    """Copy a canvas with everything on it."""
    duplicate = copy(canvas)
    duplicate.painted = []
    for name in _LAYERS:
        setattr(duplicate, name, getattr(canvas, name).copy())
    return duplicate


def _extent(windows: list[tuple[slice, slice]]) -> tuple[slice, slice]:
    """Smallest window that holds all windows with any cell."""
    filled = [window for window in windows if all(part.stop > part.start for part in window)]
    if not filled:
        return slice(0, 0), slice(0, 0)
    rows, columns = (
        slice(min(part.start for part in parts), max(part.stop for part in parts))
        for parts in zip(*filled, strict=True)
    )
    return rows, columns


@dataclass(frozen=True)
class TimedPatch:
    """A feature that appears cell by cell, and may disappear so.

    Attributes:
        layers: The painted feature.
        opens: Day on which each cell appears, shape of the window.
        closes: Day from which each cell fades, shape of the window; :data:`NEVER` for cells that stay.
        recovery: Days that it takes to fade.
        regrowth: Plants that take its place; ``None`` for the ground that was there before.
    """

    layers: Layers
    opens: Days
    closes: Days
    recovery: int = 1
    regrowth: Material | None = None

    def lay(self, canvas: Canvas, day: int) -> None:
        """Paint the feature as it is on a day.

        Args:
            canvas: The ground of that day so far, which is painted on.
            day: Ordinal of the day.
        """
        window, layers = self.layers.patch.window, self.layers
        open_now = layers.patch.mask & (self.opens <= day)
        if not open_now.any():
            return
        canvas.elevation[window] += np.where(open_now, layers.lift * self._behind_face(open_now), 0)
        faded = self.faded(day)
        visible = open_now if self.regrowth is not None else open_now & (faded < 1)
        fading = visible & (faded > 0)
        before, texture_before = canvas.first[window][fading], canvas.texture[window][fading]
        for name in ("first", "second", "share", "texture"):
            getattr(canvas, name)[window][visible] = getattr(layers, name)[visible]
        standing = open_now & (faded < 0.5)
        canvas.cover[window][standing] = layers.cover[standing]
        canvas.second[window][fading] = before if self.regrowth is None else self.regrowth
        canvas.share[window][fading] = faded[fading]
        canvas.texture[window][fading] += faded[fading] * (texture_before - canvas.texture[window][fading])

    def faded(self, day: int) -> Field:
        """How far each cell has faded on a day, 0 to 1, shape of the window."""
        return np.clip((day - self.closes) / np.float32(self.recovery), 0, 1).astype(np.float32)

    def standing(self, day: int) -> NDArray[np.bool_]:
        """Cells that show the feature on a day, less than half faded, shape of the window."""
        return self.layers.patch.mask & (self.opens <= day) & (self.faded(day) < 0.5)

    def outline(self, cells: NDArray[np.bool_]) -> MultiPolygon:
        """Draw the outline of cells of the window in metres, without specks and without the steps of the grid."""
        rows, columns = self.layers.patch.window
        grid = Affine(CELL, 0, columns.start * CELL, 0, CELL, rows.start * CELL)
        parts = [shapely.geometry.shape(part) for part, _ in shapes(cells.astype(np.uint8), cells, transform=grid)]
        joined = shapely.union_all(parts).buffer(8).buffer(-16).buffer(8).simplify(2)
        return as_multipolygon(shapely.make_valid(joined))

    def _behind_face(self, open_now: NDArray[np.bool_]) -> Field | np.float32:
        """Share of the lift that is reached while neighbouring cells are still to be opened."""
        if np.array_equal(open_now, self.layers.patch.mask):
            return np.float32(1)
        inside = distance_transform_edt(np.pad(open_now, 1))[1:-1, 1:-1] * CELL
        return np.asarray(np.minimum(inside / _FACE, 1), np.float32)


def appear(layers: Layers, day: int, until: int = NEVER, recovery: int = 1) -> TimedPatch:
    """Let a feature appear at once, and the ground before return after its last day.

    Args:
        layers: The painted feature.
        day: Ordinal of its first day.
        until: Ordinal of the day from which it fades.
        recovery: Days that it takes to fade.

    Returns:
        The patch.
    """
    shape = layers.patch.mask.shape
    return TimedPatch(layers, np.full(shape, day, np.int32), np.full(shape, until, np.int32), recovery)
