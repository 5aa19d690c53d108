"""Mines as they look from above: pits, spoil heaps, ponds and roads.

Sizes and layout follow what the outlines of Maus et al. (2022, *Scientific Data* 9, 433) and of the Amazon Mining Watch
enclose: pits, waste dumps, tailings ponds, water ponds and processing plants, from a few pixels to kilometres. The
access road outside is not part of a mine.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from shapely import LineString, MultiPolygon, Point, Polygon, get_parts, unary_union
from shapely.geometry.base import BaseGeometry

from mining_the_mines.simulation.canvas import Canvas, Cover, Field, Paint, Patch
from mining_the_mines.simulation.landcover import lay_roads
from mining_the_mines.simulation.shapes import (
    Position,
    blob,
    random_point_in,
    rectangle,
    winding_line,
)
from mining_the_mines.simulation.spectra import Material


class MineKind(StrEnum):
    """Kind of mining."""

    OPEN_PIT = "open_pit"
    QUARRY = "quarry"
    ALLUVIAL = "alluvial"
    ARTISANAL = "artisanal"


@dataclass(frozen=True)
class Mine:
    """A mine on the ground.

    Attributes:
        kind: Kind of mining.
        outline: Disturbed ground in metres from the region's upper left corner, y to the south; valid.
    """

    kind: MineKind
    outline: MultiPolygon


def dig_open_pit(canvas: Canvas, centre: Position, reach: float, rng: np.random.Generator) -> Mine:
    """Dig a pit with benches, dump spoil beside it, pond its water and tailings, and join all by haul roads."""
    size = reach * rng.uniform(0.26, 0.55)
    pit = blob(centre, size, rng, 0.2, rng.uniform(1, 1.8))
    heading = rng.uniform(0, 2 * np.pi)
    spoils = [
        _beside(centre, size * rng.uniform(1.3, 1.9), heading + turn, size * rng.uniform(0.4, 0.9), rng)
        for turn in rng.normal(0, 0.6, int(rng.integers(1, 3)))
    ]
    tailings = _beside(
        centre, size * rng.uniform(1.6, 2.2), heading + rng.uniform(1.8, 4.4), size * rng.uniform(0.3, 0.7), rng
    )
    plant = rectangle(
        random_point_in(pit.buffer(size * 0.7).difference(pit), rng), size * 0.6, size * 0.4, rng.uniform(0, 180)
    )
    roads = [_haul_road(centre, part.centroid, rng) for part in (*spoils, tailings, plant)]
    parts: list[BaseGeometry] = [pit, plant, *spoils, *(road.buffer(9) for road in roads)]
    for spoil in spoils:
        _dump_spoil(canvas, spoil, rng)
    if rng.random() < 0.8:
        _fill_tailings_pond(canvas, tailings, rng)
        parts.append(tailings)
    _bench(canvas, pit, rng)
    _build_plant(canvas, plant, rng)
    lay_roads(canvas, roads, rng.uniform(12, 18), paved=False)
    _lead_away(canvas, centre, reach, rng)
    return _finish(canvas, MineKind.OPEN_PIT, parts, rng)


def open_quarry(canvas: Canvas, centre: Position, reach: float, rng: np.random.Generator) -> Mine:
    """Open a quarry: one bright working face in steps, a yard with stockpiles, perhaps a pool, a road."""
    size = reach * rng.uniform(0.25, 0.5)
    face = blob(centre, size, rng, 0.3, rng.uniform(1, 1.6))
    yard = _beside(centre, size, rng.uniform(0, 2 * np.pi), size * rng.uniform(0.4, 0.7), rng)
    _bench(canvas, face, rng)
    floor = canvas.patch(yard)
    canvas.paint(floor, Paint(Material.ROCK, Material.TRACK, 0.2 + 0.2 * floor.noise(25, rng)), Cover.MINE)
    for _ in range(int(rng.integers(2, 7))):
        pile = canvas.patch(blob(random_point_in(yard, rng), rng.uniform(6, 14), rng))
        canvas.raise_ground(pile, pile.depth() * 0.6)
        canvas.paint(pile, Paint(Material.ROCK, Material.GRAVEL, float(rng.uniform(0, 0.8))), Cover.MINE)
    _lead_away(canvas, centre, reach, rng)
    return _finish(canvas, MineKind.QUARRY, [face, yard], rng)


def work_alluvium(canvas: Canvas, course: NDArray[np.float64], reach: float, rng: np.random.Generator) -> Mine:
    """Turn over a river's banks: a chain of washed gravel heaps and ponds of many colours along the water.

    Args:
        canvas: To paint on.
        course: The stretch of the river that is worked, points in metres, shape (n, 2).
        reach: Half the width that the mine should take, in metres.
        rng: Random number generator.

    Returns:
        The mine.
    """
    side = np.array([1.0, 0.0]) if len(course) < 2 else course[-1] - course[0]
    normal = np.array([-side[1], side[0]]) / max(float(np.hypot(*side)), 1e-6) * rng.choice([-1, 1])
    outlines = []
    for point in course[:: max(len(course) // int(rng.integers(4, 9)), 1)]:
        radius = reach * rng.uniform(0.1, 0.3)
        middle = point + normal * radius * rng.uniform(0.3, 1.5)
        outlines.append(blob((float(middle[0]), float(middle[1])), radius, rng, 0.4, rng.uniform(1, 2)))
    ground = unary_union(outlines)
    _turn_over(canvas, ground, rng)
    return _finish(canvas, MineKind.ALLUVIAL, [ground], rng)


def dig_by_hand(canvas: Canvas, centre: Position, reach: float, rng: np.random.Generator) -> Mine:
    """Dig a small working away from rivers: a clearing with shafts, heaps and puddles, at the end of a track."""
    size = float(np.exp(rng.uniform(np.log(50), np.log(max(0.5 * reach, 52)))))
    outlines = [blob(centre, size, rng, 0.4, rng.uniform(1, 2.5))]
    outlines += [
        _beside(centre, size * rng.uniform(0.8, 1.8), rng.uniform(0, 6.3), size * rng.uniform(0.3, 0.6), rng)
        for _ in range(int(rng.integers(0, 4)))
    ]
    ground = unary_union(outlines)
    _turn_over(canvas, ground, rng)
    _lead_away(canvas, centre, reach, rng, width=5)
    return _finish(canvas, MineKind.ARTISANAL, [ground], rng)


Digger = Callable[[Canvas, Position, float, np.random.Generator], Mine]
#: Builder of each kind; alluvial workings need a river.
DIGGERS: MappingProxyType[MineKind, Digger] = MappingProxyType(
    {MineKind.OPEN_PIT: dig_open_pit, MineKind.QUARRY: open_quarry, MineKind.ARTISANAL: dig_by_hand}
)


def _beside(centre: Position, distance: float, direction: float, radius: float, rng: np.random.Generator) -> Polygon:
    spot = (centre[0] + distance * float(np.cos(direction)), centre[1] + distance * float(np.sin(direction)))
    return blob(spot, radius, rng, 0.3, rng.uniform(1, 1.8))


def _haul_road(start: Position, end: Point, rng: np.random.Generator) -> LineString:
    return winding_line(start, (end.x, end.y), 0.08, rng)


def _bench(canvas: Canvas, outline: Polygon, rng: np.random.Generator) -> None:
    """Dig in steps, and let water stand on the floor of some pits."""
    pit = canvas.patch(outline)
    depth = pit.depth()
    width, step = rng.uniform(16, 32), rng.uniform(6, 15)
    level = np.floor((depth + 4 * pit.noise(60, rng)) / width)
    canvas.raise_ground(pit, -np.clip(level, 0, 8) * step)
    on_berm = ((depth / width) % 1).astype(np.float32)
    seam = rng.uniform(0, 0.35) + 0.4 * pit.noise(50, rng)
    canvas.paint(pit, Paint(Material.ROCK, Material.SUBSOIL, seam - 0.1 * level, 0.86 + 0.25 * on_berm), Cover.MINE)
    ore = pit.where((level >= 2) & (pit.noise(40, rng) > 0.4))
    canvas.paint(ore, Paint(Material.ORE, Material.ROCK, 0.3), Cover.MINE)
    if rng.random() < 0.8 and depth.size:
        flooded = pit.where(depth + 5 * pit.noise(30, rng) > depth.max() * rng.uniform(0.55, 0.85))
        canvas.paint(flooded, Paint(Material.MINE_POND, Material.ROCK, 0.05), Cover.MINE)


def _dump_spoil(canvas: Canvas, outline: Polygon, rng: np.random.Generator) -> None:
    """Heap up overburden with steep, lobed sides and a rough top that begins to grow over."""
    heap = canvas.patch(outline)
    lift = rng.uniform(8, 20)
    tipped = np.floor(heap.depth() / rng.uniform(20, 40)) * lift * 0.6
    canvas.raise_ground(heap, np.minimum(heap.depth() * 0.5, lift) + np.minimum(tipped, 30) + 0.8 * heap.noise(15, rng))
    mix = rng.uniform(0, 0.4) + 0.3 * heap.noise(25, rng)
    canvas.paint(heap, Paint(Material.ROCK, Material.SUBSOIL, mix, 1 + 0.1 * heap.noise(12, rng)), Cover.MINE)
    green = heap.where(heap.noise(40, rng) > rng.uniform(0.5, 2.5))
    canvas.paint(green, Paint(Material.GRASS, Material.SUBSOIL, 0.5), Cover.MINE)


def _fill_tailings_pond(canvas: Canvas, outline: Polygon, rng: np.random.Generator) -> None:
    """Fill a pond with tailings: a pale beach at the spigots that passes into milky water, behind a dam."""
    pond = canvas.patch(outline)
    rows, columns = np.mgrid[pond.rows, pond.columns].astype(np.float32)
    direction = rng.uniform(0, 2 * np.pi)
    slope = rows * np.sin(direction) + columns * np.cos(direction)
    low, high = (slope[pond.mask].min(), slope[pond.mask].max()) if pond.mask.any() else (0.0, 1.0)
    along = (slope - low) / max(float(high - low), 1.0)
    wet = np.clip((along - rng.uniform(0, 0.7)) * 4 + 0.5 + 0.15 * pond.noise(40, rng), 0, 1)
    canvas.paint(pond, Paint(Material.ORE, Material.PROCESS_WATER, wet), Cover.MINE)
    dam = pond.where(pond.depth() < 12)
    canvas.paint(dam, Paint(Material.ROCK, Material.GRAVEL, 0.5), Cover.MINE)
    canvas.raise_ground(dam, np.full(dam.mask.shape, 5, np.float32))


def _build_plant(canvas: Canvas, outline: Polygon, rng: np.random.Generator) -> None:
    """Level a yard and put up a few sheds."""
    yard = canvas.patch(outline)
    canvas.paint(yard, Paint(Material.TRACK, Material.ROCK, 0.3 + 0.2 * yard.noise(20, rng)), Cover.MINE)
    for _ in range(int(rng.integers(1, 4))):
        shed = canvas.patch(
            rectangle(random_point_in(outline, rng), rng.uniform(15, 40), rng.uniform(10, 20), rng.uniform(0, 180))
        )
        canvas.paint(shed, Paint(Material.METAL, Material.DARK_ROOF, 0.3), Cover.MINE)


def _turn_over(canvas: Canvas, ground: BaseGeometry, rng: np.random.Generator) -> None:
    """Leave washed heaps, pools between them and remains of vegetation, all within a few tens of metres."""
    site = canvas.patch(ground)
    grain = rng.uniform(18, 40)
    height, colour = site.noise(grain, rng), site.noise(grain * 1.5, rng)
    canvas.raise_ground(site, 2.0 * height)
    washed = Paint(Material.ROCK, Material.SUBSOIL, rng.uniform(0, 0.35) + 0.3 * height, 1 + 0.08 * site.noise(12, rng))
    canvas.paint(site.where(site.noise(60, rng) < rng.uniform(0.8, 3)), washed, Cover.MINE)
    canvas.cover[site.window][site.mask] = Cover.MINE
    level = rng.uniform(-1.0, -0.3)
    for water, low, high in ((Material.MINE_POND, -9, 0.5), (Material.MUDDY_POND, 0.5, 9)):
        pools = site.where((height < level) & (colour >= low) & (colour < high) & (site.depth() > 4))
        canvas.paint(pools, Paint(water, Material.ROCK, 0.1 + _shore(pools)), Cover.MINE)


def _shore(pools: Patch) -> Field:
    return np.clip(0.4 - pools.depth() / 25, 0, 0.4).astype(np.float32)


def _lead_away(canvas: Canvas, centre: Position, reach: float, rng: np.random.Generator, width: float = 9) -> None:
    """Join the mine to the world by a road, drawn only where there is no mine."""
    direction = rng.uniform(0, 2 * np.pi)
    end = (centre[0] + 4 * reach * float(np.cos(direction)), centre[1] + 4 * reach * float(np.sin(direction)))
    road = canvas.patch(winding_line(centre, end, 0.06, rng).buffer(width / 2))
    outside = road.where(canvas.cover[road.window] != Cover.MINE)
    canvas.paint(outside, Paint(Material.TRACK, Material.GRASS, 0.1), Cover.ROAD)


def _finish(canvas: Canvas, kind: MineKind, parts: list[BaseGeometry], rng: np.random.Generator) -> Mine:
    """Draw the outline around all parts as a careful mapper would, and strip the ground between them."""
    joined = unary_union(parts).buffer(12).buffer(-10).simplify(1.5)
    outline = as_multipolygon(joined)
    site = canvas.patch(outline)
    between = site.where(canvas.cover[site.window] != Cover.MINE)
    canvas.paint(
        between.where(site.noise(30, rng) > -0.5),
        Paint(Material.SUBSOIL, Material.GRASS, 0.35 + 0.2 * site.noise(25, rng)),
    )
    canvas.cover[site.window][site.mask] = Cover.MINE
    return Mine(kind, outline)


def as_multipolygon(shape: BaseGeometry) -> MultiPolygon:
    """Keep the polygons of a geometry.

    Args:
        shape: Any geometry; lines and points in it are dropped.

    Returns:
        Its polygons.
    """
    parts = [part for part in get_parts(shape) if isinstance(part, Polygon) and not part.is_empty]
    return MultiPolygon(parts)
