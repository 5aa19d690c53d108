"""The ground of a region while it is being laid out, in cells of 5 m."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from rasterio.features import rasterize
from rasterio.transform import Affine
from scipy.ndimage import distance_transform_edt, gaussian_filter
from shapely import GeometryCollection
from shapely.geometry.base import BaseGeometry

from mining_the_mines.simulation.spectra import Material

#: Width of a cell in metres: half a pixel, so that pixels on edges come out mixed.
CELL = 5.0

Field = NDArray[np.float32]

#: rasterio's ``rasterize`` uses ``warnings.catch_warnings``, which is not safe for threads.
_ONE_AT_A_TIME = Lock()


class Cover(IntEnum):
    """Land cover of a cell of the ground; the names become the categories of chips."""

    FOREST = 0
    SAVANNA = 1
    FARMLAND = 2
    RIVERBANK = 3
    TOWN = 4
    CONSTRUCTION = 5
    BARE_SOIL = 6
    AQUACULTURE = 7
    RESERVOIR = 8
    OPEN_WATER = 9
    ROAD = 10
    MINE = 11


@dataclass(frozen=True)
class Paint:
    """Cover of a patch: a mixture of two materials.

    Attributes:
        first: Material.
        second: Material mixed in.
        share: Share of the second, 0 to 1; one number or a field of the patch's shape.
        texture: Factor on reflectance; one number or a field of the patch's shape.
    """

    first: Material
    second: Material
    share: float | Field = 0.0
    texture: float | Field = 1.0


@dataclass(frozen=True)
class Patch:
    """A part of the canvas: a window, and a mask of the cells in it.

    Attributes:
        rows: Rows of the window.
        columns: Columns of the window.
        mask: Cells that belong, shape of the window.
    """

    rows: slice
    columns: slice
    mask: NDArray[np.bool_]

    @property
    def window(self) -> tuple[slice, slice]:
        """The window as an index into the canvas' arrays."""
        return (self.rows, self.columns)

    def where(self, condition: NDArray[np.bool_]) -> "Patch":
        """Narrow the patch to cells that also meet a condition of the window's shape."""
        return Patch(self.rows, self.columns, self.mask & condition)

    def depth(self) -> Field:
        """Compute each cell's distance to the patch's edge in metres, 0 outside."""
        if self.mask.size == 0:
            return np.zeros(self.mask.shape, np.float32)
        padded = np.pad(self.mask, 1)
        return (distance_transform_edt(padded)[1:-1, 1:-1] * CELL).astype(np.float32)

    def noise(self, scale: float, rng: np.random.Generator) -> Field:
        """Draw smooth noise over the window, standard normal, with patches about ``scale`` metres wide."""
        white = rng.standard_normal(self.mask.shape, dtype=np.float32)
        if white.size == 0:
            return white
        sigma = scale / CELL / 2
        smooth = gaussian_filter(white, sigma, mode="wrap", truncate=2.5)
        # White noise under a Gaussian kernel keeps a standard deviation of 1 / (2 √π σ).
        return np.asarray(smooth * np.float32(2 * np.sqrt(np.pi) * sigma), dtype=np.float32)


@dataclass
class Canvas:
    """The ground while features are painted on it, later ones over earlier ones.

    Attributes:
        side: Cells along an edge.
        elevation: Metres.
        first: :class:`Material` of each cell.
        second: The other material of each cell.
        share: Share of the second material.
        texture: Factor on reflectance.
        cover: :class:`Cover` of each cell.
        painted: Windows that were painted or raised, in order.
    """

    side: int
    elevation: Field
    first: NDArray[np.uint8] = field(init=False)
    second: NDArray[np.uint8] = field(init=False)
    share: Field = field(init=False)
    texture: Field = field(init=False)
    cover: NDArray[np.uint8] = field(init=False)
    painted: list[tuple[slice, slice]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        shape = (self.side, self.side)
        self.first = np.zeros(shape, np.uint8)
        self.second = np.zeros(shape, np.uint8)
        self.share = np.zeros(shape, np.float32)
        self.texture = np.ones(shape, np.float32)
        self.cover = np.zeros(shape, np.uint8)

    @property
    def metres(self) -> float:
        """Edge of the region in metres."""
        return self.side * CELL

    def everywhere(self) -> Patch:
        """The whole canvas as a patch."""
        whole = slice(0, self.side)
        return Patch(whole, whole, np.ones((self.side, self.side), np.bool_))

    def patch(self, outline: BaseGeometry) -> Patch:
        """Find the cells whose centres lie within an outline.

        Args:
            outline: In metres; may reach beyond the canvas, or lie outside.

        Returns:
            The cells, in the smallest window that holds them.
        """
        rows, columns, numbers = self.numbered([outline])
        return Patch(rows, columns, numbers > 0)

    def numbered(self, outlines: Sequence[BaseGeometry]) -> tuple[slice, slice, NDArray[np.int32]]:
        """Find which of several outlines the centre of each cell lies in.

        Args:
            outlines: In metres; they may reach beyond the canvas, or lie outside.

        Returns:
            Rows and columns of the smallest window that holds them, and for each of its cells the number of the
            outline, from 1, or 0.
        """
        outline = GeometryCollection(list(outlines))
        left, top, right, bottom = outline.bounds if not outline.is_empty else (0, 0, 0, 0)
        rows = slice(*np.clip([int(top // CELL), int(bottom // CELL) + 1], 0, self.side).tolist())
        columns = slice(*np.clip([int(left // CELL), int(right // CELL) + 1], 0, self.side).tolist())
        shape = (rows.stop - rows.start, columns.stop - columns.start)
        if outline.is_empty or 0 in shape:
            return slice(0, 0), slice(0, 0), np.zeros((0, 0), np.int32)
        transform = Affine(CELL, 0, columns.start * CELL, 0, CELL, rows.start * CELL)
        shapes = [(single, number) for number, single in enumerate(outlines, start=1) if not single.is_empty]
        with _ONE_AT_A_TIME:
            return rows, columns, rasterize(shapes, out_shape=shape, transform=transform, dtype="int32")

    def paint(self, patch: Patch, paint: Paint, cover: Cover | None = None) -> None:
        """Cover a patch.

        Args:
            patch: Cells to cover.
            paint: Materials.
            cover: Land cover; ``None`` leaves it as it was.
        """
        window, mask = patch.window, patch.mask
        self.painted.append(window)
        self.first[window][mask] = paint.first
        self.second[window][mask] = paint.second
        self.share[window][mask] = np.clip(np.broadcast_to(paint.share, mask.shape)[mask], 0, 1)
        self.texture[window][mask] = np.broadcast_to(paint.texture, mask.shape)[mask]
        if cover is not None:
            self.cover[window][mask] = cover

    def raise_ground(self, patch: Patch, height: Field) -> None:
        """Heap up (or, with negative heights, dig out) a patch.

        Args:
            patch: Cells to raise.
            height: Metres, shape of the patch's window.
        """
        self.painted.append(patch.window)
        self.elevation[patch.window] += np.where(patch.mask, height, 0)
