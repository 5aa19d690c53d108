"""Positions of chips on composites: on a grid, or around given places."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import rasterio
import shapely
from affine import Affine
from rasterio.errors import RasterioIOError
from rasterio.warp import transform as transform_points
from rasterio.windows import Window
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from mining_the_mines.chips.cutting_places import ChipPlaces
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.grid import ChipGrid, read_grid, wgs84
from mining_the_mines.scenes.composite_files import Composite

#: Shares of a chip's ground below this are rounding: neighbours on a grid touch, but don't overlap.
_TOUCHING: Final = 1e-6


@dataclass(frozen=True)
class Cutout:
    """A chip that can be cut.

    Attributes:
        name: Name of its file, without suffix.
        composite: Composite that it is cut from.
        grid: Where it lies.
        row: Row of its upper left pixel in the composite.
        column: Column of its upper left pixel in the composite.
        group: Chips of one group are never split up between training and testing.
        place: Name of the requested place, if there is one.
        longitude: Degrees east of its centre.
        latitude: Degrees north of its centre.
    """

    name: str
    composite: Composite
    grid: ChipGrid
    row: int
    column: int
    group: str
    place: str
    longitude: float
    latitude: float

    @property
    def window(self) -> Window:
        """Its pixels in the composite."""
        return Window(self.column, self.row, self.grid.width, self.grid.height)


@dataclass(frozen=True)
class LeftOut:
    """A chip or place that did not become a labelled chip.

    Attributes:
        reason: A word, a colon and the details.
        filename: The chip's file among those without label; empty if none was written.
        place: Name of the requested place, if there is one.
        region: The composite, if there is one.
        mine_share: Share of the chip that is mine, NaN where it isn't known.
        longitude: Degrees east, NaN where they aren't known.
        latitude: Degrees north, NaN where they aren't known.
    """

    reason: str
    filename: str = ""
    place: str = ""
    region: str = ""
    mine_share: float = float("nan")
    longitude: float = float("nan")
    latitude: float = float("nan")


@dataclass(frozen=True)
class Plan:
    """Chips to cut.

    Attributes:
        cutouts: The chips, those of one composite together.
        left_out: Places and regions that can't be cut.
    """

    cutouts: tuple[Cutout, ...]
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True)
class Layout:
    """Size of chips and their distance on the grid.

    Attributes:
        size: Edge of a chip in pixels.
        step: Pixels from one chip on the grid to the next within a block.
        block: Chips along the edge of a block; ``None`` makes a region one block.
    """

    size: int
    step: int
    block: int | None

    def starts(self, pixels: int) -> list[int]:
        """Where chips begin along an edge.

        Blocks never overlap, also where the chips of a block do.

        Args:
            pixels: Length of the edge.

        Returns:
            Offsets of all chips that fit, ascending.
        """
        block = pixels if self.block is None else self.block  # more than fit into any region
        rows = range(pixels // min(self.step, self.size) + 1)
        offsets = [row // block * self._block_edge(block) + row % block * self.step for row in rows]
        return [offset for offset in offsets if offset + self.size <= pixels]

    def group(self, region: str, row: int, column: int) -> str:
        """Name the block that a chip lies in, such as ``north/r0c1``.

        Args:
            region: Name of the composite.
            row: Row of the chip's upper left pixel.
            column: Column of the chip's upper left pixel.

        Returns:
            The block of the chip's middle.
        """
        if self.block is None:
            return region
        edge = self._block_edge(self.block)
        middle = self.size // 2
        return f"{region}/r{(row + middle) // edge}c{(column + middle) // edge}"

    def _block_edge(self, block: int) -> int:
        return (block - 1) * self.step + max(self.step, self.size)


def plan_grid(composites: Sequence[Composite], layout: Layout) -> Plan:
    """Lay chips side by side over each composite, from its upper left corner.

    The rest at the right and the lower edge, which is smaller than a chip, stays uncut.

    Args:
        composites: The regions.
        layout: Size and distance of the chips.

    Returns:
        Chips ``<region>_r012_c034``; a region smaller than a chip is left out.
    """
    cutouts: list[Cutout] = []
    left_out: list[LeftOut] = []
    for composite in composites:
        grid = read_grid(composite.image)
        rows, columns = layout.starts(grid.height), layout.starts(grid.width)
        if not rows or not columns:
            reason = f"too small: the region has {grid.width} × {grid.height} pixels, a chip {layout.size}"
            left_out.append(LeftOut(reason, region=composite.region))
        cutouts += [
            _cutout(f"r{down:03d}_c{across:03d}", composite, grid, (column, row), layout)
            for down, row in enumerate(rows)
            for across, column in enumerate(columns)
        ]
    return Plan(_join_groups(_name(cutouts)), tuple(left_out))


def plan_places(composites: Sequence[Composite], places: ChipPlaces, layout: Layout) -> Plan:
    """Centre a chip on each place, snapped to the composite's pixels.

    Where composites overlap, the one with more clear dates at the place is cut.

    Args:
        composites: The regions.
        places: Places to centre chips on.
        layout: Size of the chips.

    Returns:
        Chips ``<region>_<place>``; places outside all composites, and those so near to an edge that the chip would lie
        beyond it, are left out.

    Raises:
        BadInputError: No place lies in any composite.
    """
    cutouts, left_out = _centre(composites, places, layout)
    if not cutouts and not any(found.reason.startswith("edge") for found in left_out):
        raise BadInputError(_nowhere(places, [read_grid(composite.image) for composite in composites]))
    return Plan(_join_groups(_name(_in_order(cutouts, composites))), tuple(left_out))


def add_places(plan: Plan, composites: Sequence[Composite], places: ChipPlaces, layout: Layout) -> Plan:
    """Add chips that are centred on places; each joins the group of the chips that it overlaps.

    Args:
        plan: Chips that are cut anyway.
        composites: The regions.
        places: Further places; those outside all composites are left out.
        layout: Size of the chips.

    Returns:
        The plan with these chips.
    """
    cutouts, left_out = _centre(composites, places, layout)
    chips = _in_order([*plan.cutouts, *cutouts], composites)
    return Plan(_join_groups(_name(chips)), (*plan.left_out, *left_out))


def _in_order(cutouts: Iterable[Cutout], composites: Sequence[Composite]) -> list[Cutout]:
    order = {composite.region: number for number, composite in enumerate(composites)}
    return sorted(cutouts, key=lambda cutout: order[cutout.composite.region])


def _centre(composites: Sequence[Composite], places: ChipPlaces, layout: Layout) -> tuple[list[Cutout], list[LeftOut]]:
    """Centre a chip on each place, and list the places where there is none."""
    grids = [(composite, read_grid(composite.image)) for composite in composites]
    offsets = [_offsets(places, grid) for _, grid in grids]
    cutouts: list[Cutout] = []
    left_out: list[LeftOut] = [LeftOut(reason, place=name) for name, reason in places.faults]
    for number, name in enumerate(places.names):
        where = {"place": name, "longitude": places.longitude[number], "latitude": places.latitude[number]}
        around = [
            (composite, grid, np.floor(middle[number]), np.rint(middle[number] - layout.size / 2))
            for (composite, grid), middle in zip(grids, offsets, strict=True)
        ]
        inside = [(composite, grid, corner) for composite, grid, pixel, corner in around if _holds(grid, pixel, 1)]
        whole = [found for found in inside if _holds(found[1], found[2], layout.size)]
        if not inside:
            left_out.append(LeftOut("outside: it lies in none of the regions", **where))
        elif not whole:
            reason = f"edge: a chip of {layout.size} pixels around it would reach beyond the region"
            left_out.append(LeftOut(reason, region=inside[0][0].region, **where))
        else:
            candidates = [
                _cutout(name, composite, grid, (int(corner[0]), int(corner[1])), layout, name)
                for composite, grid, corner in whole
            ]
            cutouts.append(max(candidates, key=_clear_dates) if len(candidates) > 1 else candidates[0])
    return cutouts, left_out


def _cutout(
    name: str, composite: Composite, grid: ChipGrid, corner: tuple[int, int], layout: Layout, place: str = ""
) -> Cutout:
    """Describe the chip whose upper left pixel is at a column and row of a composite's grid."""
    column, row = corner
    chip = ChipGrid(grid.crs, grid.transform @ Affine.translation(column, row), layout.size, layout.size)
    x, y = chip.transform @ (layout.size / 2, layout.size / 2)
    (longitude,), (latitude,) = transform_points(chip.crs, wgs84(), [x], [y])
    return Cutout(
        name=f"{composite.region}_{name}",
        composite=composite,
        grid=chip,
        row=row,
        column=column,
        group=layout.group(composite.region, row, column),
        place=place,
        longitude=longitude,
        latitude=latitude,
    )


def _offsets(places: ChipPlaces, grid: ChipGrid) -> npt.NDArray[np.float64]:
    """Columns and rows of the places on a grid, float64 (places, 2)."""
    x, y = transform_points(wgs84(), grid.crs, places.longitude, places.latitude)
    columns, rows = ~grid.transform @ (np.asarray(x), np.asarray(y))
    return np.column_stack([columns, rows])


def _holds(grid: ChipGrid, corner: npt.NDArray[np.float64], size: int) -> bool:
    return bool((corner >= 0).all() and (corner + size <= (grid.width, grid.height)).all())


def _clear_dates(cutout: Cutout) -> float:
    path = cutout.composite.clear_dates
    try:
        with rasterio.open(path) as counts:
            return float(np.mean(counts.read(1, window=cutout.window)))
    except RasterioIOError as error:
        raise BadInputError(f"{path} can't be read as a raster: make the composites again.") from error


def _name(cutouts: Iterable[Cutout]) -> list[Cutout]:
    """Give each chip a unique file name that every file system accepts."""
    taken: set[str] = set()
    repeats: Counter[str] = Counter()
    named = []
    for cutout in cutouts:
        name = free = re.sub(r"[^\w.-]+", "-", cutout.name).strip("-.")
        while free.casefold() in taken:  # by another chip of this name, or one whose name ends in a number
            repeats[name.casefold()] += 1
            free = f"{name}-{repeats[name.casefold()] + 1}"
        taken.add(free.casefold())
        named.append(replace(cutout, name=free))
    return named


def _join_groups(cutouts: Sequence[Cutout]) -> tuple[Cutout, ...]:
    """Join groups whose chips overlap, such as those of overlapping regions, under the name of the first."""
    if not cutouts:
        return ()
    names, numbers = np.unique([cutout.group for cutout in cutouts], return_inverse=True)
    footprints = np.array([_footprint(cutout.grid) for cutout in cutouts])
    first, second = shapely.STRtree(footprints).query(footprints, predicate="intersects")
    apart = (first < second) & (numbers[first] != numbers[second])
    first, second = first[apart], second[apart]
    shared = shapely.area(shapely.intersection(footprints[first], footprints[second]))
    overlap = shared > _TOUCHING * shapely.area(footprints[first])
    links = (numbers[first[overlap]], numbers[second[overlap]])
    graph = coo_array((np.ones(len(links[0]), dtype=bool), links), shape=(len(names),) * 2)
    joined = connected_components(graph, directed=False)[1]
    leaders = names[np.unique(joined, return_index=True)[1]]  # the first by name of those that belong together
    return tuple(
        replace(cutout, group=str(leaders[joined[number]])) for cutout, number in zip(cutouts, numbers, strict=True)
    )


def _footprint(grid: ChipGrid) -> shapely.Polygon:
    """Footprint of a chip in degrees."""
    corners = [
        grid.transform @ corner for corner in ((0, 0), (grid.width, 0), (grid.width, grid.height), (0, grid.height))
    ]
    longitudes, latitudes = transform_points(grid.crs, wgs84(), *zip(*corners, strict=True))
    return shapely.Polygon(zip(longitudes, latitudes, strict=True))


def _nowhere(places: ChipPlaces, grids: Sequence[ChipGrid]) -> str:
    boxes = np.array([grid.wgs84_bounds for grid in grids])
    west, south = boxes[:, :2].min(axis=0)
    east, north = boxes[:, 2:].max(axis=0)
    return (
        f"No place of {places.source} lies in any region: the places have longitude {places.longitude.min():.3f} to "
        f"{places.longitude.max():.3f} and latitude {places.latitude.min():.3f} to {places.latitude.max():.3f}, the "
        f"regions longitude {west:.3f} to {east:.3f} and latitude {south:.3f} to {north:.3f}; check that they belong "
        "together, and that longitude and latitude are not swapped."
    )
