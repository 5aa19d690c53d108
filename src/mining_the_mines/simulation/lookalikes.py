"""Features that look like mines from above and are none.

A builder paints its feature on a canvas, around a centre in metres, at most ``reach`` metres to each side.
"""

from collections.abc import Callable
from itertools import product
from types import MappingProxyType

import numpy as np
from scipy.ndimage import gaussian_filter
from shapely import LineString, Polygon, unary_union
from shapely.affinity import rotate, scale, translate

from mining_the_mines.simulation.canvas import CELL, Canvas, Cover, Paint, Patch
from mining_the_mines.simulation.landcover import lay_roads, plough_fields
from mining_the_mines.simulation.shapes import (
    Position,
    blob,
    random_point_in,
    rectangle,
    winding_line,
)
from mining_the_mines.simulation.spectra import Material

_ROOFS = (Material.TILE, Material.SHINGLE, Material.METAL, Material.DARK_ROOF, Material.CONCRETE)
#: Lots are about this wide, in metres.
_LOT = 17.0


def build_town(canvas: Canvas, centre: Position, reach: float, rng: np.random.Generator) -> None:
    """Build a town or village: a street grid, roofs, bare yards, trees."""
    town = canvas.patch(blob(centre, reach * rng.uniform(0.45, 1.0), rng, stretch=rng.uniform(1, 2.2)))
    yards = 0.45 + 0.3 * town.noise(45, rng)
    canvas.paint(town, Paint(Material.TOPSOIL, Material.GRASS, yards, 1 + 0.08 * town.noise(12, rng)), Cover.TOWN)
    rows, columns = np.mgrid[town.rows, town.columns].astype(np.float32) * CELL
    angle = rng.uniform(0, np.pi / 2)
    across = columns * np.cos(angle) + rows * np.sin(angle)
    along = rows * np.cos(angle) - columns * np.sin(angle)
    _raise_roofs(canvas, town, across, along, rng)
    block = rng.uniform(50, 100)
    street = (across % block < 8) | (along % (block * rng.uniform(1, 1.8)) < 8)
    surface = Material.ASPHALT if rng.random() < 0.5 else Material.TRACK
    canvas.paint(town.where(street), Paint(surface, Material.TRACK, 0.3))
    trees = town.where((town.noise(18, rng) > 1.3) & ~street)
    canvas.paint(trees, Paint(Material.CANOPY, Material.GRASS, 0.3))


def _raise_roofs(canvas: Canvas, town: Patch, across: np.ndarray, along: np.ndarray, rng: np.random.Generator) -> None:
    """Put a roof on some of the lots, of three kinds that the town prefers; the rest stays yard."""
    lots = np.floor(across / _LOT).astype(np.int64) * 92821 + np.floor(along / _LOT).astype(np.int64) * 68917
    drawn = rng.random(4096)[lots % 4096]
    density = rng.uniform(0.25, 0.6)
    inside = ((across % _LOT) > 4) & ((along % _LOT) > 5)
    for number, roof in enumerate(rng.choice(len(_ROOFS), size=3, replace=False, p=[0.22, 0.25, 0.2, 0.13, 0.2])):
        low, high = density * number / 3, density * (number + 1) / 3
        built = town.where(inside & (drawn >= low) & (drawn < high))
        canvas.paint(built, Paint(_ROOFS[roof], Material.TOPSOIL, 0.25, 1 + 0.12 * town.noise(14, rng)))


def dig_fish_ponds(canvas: Canvas, centre: Position, reach: float, rng: np.random.Generator) -> None:
    """Dig an aquaculture farm: rows of ponds of many colours between bare dikes, a track, a few sheds."""
    angle = rng.uniform(0, 180)
    length, width = rng.uniform(45, 110), rng.uniform(25, 55)
    dike = rng.uniform(8, 16)
    across, down = (max(int(reach * rng.uniform(0.6, 1.6) / (size + dike)), 2) for size in (length, width))
    ground = rectangle(centre, across * (length + dike), down * (width + dike), angle).buffer(dike)
    site = canvas.patch(ground)
    bare = Paint(Material.SUBSOIL, Material.GRASS, 0.3 + 0.25 * site.noise(40, rng))
    canvas.paint(site, bare, Cover.AQUACULTURE)
    canvas.raise_ground(site, 0.05 * site.noise(30, rng))
    ponds = []
    for column, row in product(range(across), range(down)):
        offset = ((column - (across - 1) / 2) * (length + dike), (row - (down - 1) / 2) * (width + dike))
        box = translate(rectangle((0, 0), length, width * rng.uniform(0.8, 1), 0), *offset)
        ponds.append(translate(rotate(box, angle, origin=(0, 0)), *centre))
    _fill_ponds(canvas, ponds, rng)
    start = random_point_in(ground, rng)
    lay_roads(canvas, [winding_line(start, _far_point(centre, reach * 2.5, rng), 0.06, rng)], 8, paved=False)


def _fill_ponds(canvas: Canvas, ponds: list[Polygon], rng: np.random.Generator) -> None:
    """Fill each pond: mostly with water, green or muddy; now and then it lies dry."""
    rows, columns, number = canvas.numbered(ponds)
    states = rng.choice(3, len(ponds) + 1, p=[0.55, 0.3, 0.15])[number]
    shares = rng.uniform(0, 0.55, len(ponds) + 1).astype(np.float32)[number]
    for state, (first, second) in enumerate(_POND_STATES):
        patch = Patch(rows, columns, (number > 0) & (states == state))
        canvas.paint(patch, Paint(first, second, shares), Cover.AQUACULTURE)


_POND_STATES = (
    (Material.FISH_POND, Material.MUDDY_POND),
    (Material.MUDDY_POND, Material.FISH_POND),
    (Material.SUBSOIL, Material.MUDDY_POND),
)


def _far_point(centre: Position, distance: float, rng: np.random.Generator) -> Position:
    direction = rng.uniform(0, 2 * np.pi)
    return (centre[0] + distance * float(np.cos(direction)), centre[1] + distance * float(np.sin(direction)))


def clear_building_site(canvas: Canvas, centre: Position, reach: float, rng: np.random.Generator) -> None:
    """Clear ground for building: levelled pads of subsoil, a heap of earth, a basin, the first halls, a wide road."""
    angle = rng.uniform(0, 180)
    pads = []
    for _ in range(int(rng.integers(2, 5))):
        length, width = reach * rng.uniform(0.4, 1.1), reach * rng.uniform(0.3, 0.7)
        offset = rng.normal(0, reach * 0.3, 2)
        pads.append(rectangle((centre[0] + offset[0], centre[1] + offset[1]), length, width, angle))
    ground = unary_union(pads)
    site = canvas.patch(ground)
    graded = 0.4 + 0.3 * site.noise(50, rng)
    canvas.paint(
        site, Paint(Material.SUBSOIL, Material.TOPSOIL, graded, 1 + 0.07 * site.noise(20, rng)), Cover.CONSTRUCTION
    )
    for _ in range(int(rng.integers(1, 5))):
        hall = rectangle(random_point_in(ground, rng), rng.uniform(30, 90), rng.uniform(20, 45), angle)
        roof = Paint(Material.METAL, Material.CONCRETE, float(rng.uniform(0, 1)))
        canvas.paint(canvas.patch(hall), roof, Cover.CONSTRUCTION)
    if rng.random() < 0.6:
        basin = canvas.patch(rectangle(random_point_in(ground, rng), rng.uniform(25, 70), rng.uniform(20, 45), angle))
        canvas.paint(basin, Paint(Material.MUDDY_POND, Material.SUBSOIL, 0.1), Cover.CONSTRUCTION)
    heap = canvas.patch(blob(random_point_in(ground, rng), reach * 0.2, rng))
    canvas.raise_ground(heap, np.minimum(heap.depth() * np.float32(0.5), np.float32(8)))
    road = LineString([_far_point(centre, reach * 2.5, rng), centre])
    lay_roads(canvas, [road], 14, paved=rng.random() < 0.5)


def lay_bare(canvas: Canvas, centre: Position, reach: float, rng: np.random.Generator) -> None:
    """Strip the ground of plants: an eroded slope with gullies, a rock outcrop or a burnt clearing."""
    outlines = [blob(centre, reach * rng.uniform(0.3, 0.8), rng, 0.4, rng.uniform(1, 3))]
    for _ in range(int(rng.integers(0, 4))):
        spot = (centre[0] + rng.normal(0, reach * 0.6), centre[1] + rng.normal(0, reach * 0.6))
        outlines.append(blob(spot, reach * rng.uniform(0.1, 0.35), rng, 0.4))
    site = canvas.patch(unary_union(outlines))
    mottling = site.noise(rng.uniform(15, 60), rng)
    first, second = (
        (Material.SUBSOIL, Material.TOPSOIL),
        (Material.TOPSOIL, Material.GRAVEL),
        (Material.ROCK, Material.SUBSOIL),
        (Material.SUBSOIL, Material.GRASS),
    )[int(rng.choice(4, p=[0.3, 0.25, 0.25, 0.2]))]
    canvas.paint(site, Paint(first, second, 0.35 + 0.3 * mottling, 1 + 0.1 * site.noise(12, rng)), Cover.BARE_SOIL)
    gullies = np.abs(site.noise(40, rng))
    canvas.raise_ground(site, np.minimum(gullies - 0.25, 0) * np.float32(rng.uniform(0, 25)))
    if rng.random() < 0.25:
        canvas.paint(site.where(site.noise(40, rng) > 0), Paint(Material.CHAR, first, 0.35), Cover.BARE_SOIL)
    if rng.random() < 0.4:
        puddles = site.where(site.noise(30, rng) > 1.9)
        canvas.paint(puddles, Paint(Material.MUDDY_POND, first, 0.2), Cover.BARE_SOIL)


def fill_reservoir(
    canvas: Canvas, centre: Position, reach: float, rng: np.random.Generator, drawdown: float | None = None
) -> None:
    """Fill a reservoir that has drawn down: water, a bare rim around it of ``drawdown`` metres, a straight dam."""
    outline = blob(centre, reach * rng.uniform(0.4, 0.9), rng, 0.5, rng.uniform(1, 2.5))
    basin = canvas.patch(outline)
    canvas.paint(basin, Paint(Material.TOPSOIL, Material.SUBSOIL, 0.5 + 0.3 * basin.noise(40, rng)), Cover.RESERVOIR)
    depth = gaussian_filter(basin.depth(), 1.5) + 6 * basin.noise(60, rng)
    usual = rng.uniform(8, 40)
    drawdown = usual if drawdown is None else drawdown
    kind = Material.LAKE if rng.random() < 0.6 else Material.MUDDY_POND
    shallow = np.clip(0.6 - (depth - np.float32(drawdown)) / 30, 0, 0.6).astype(np.float32)
    canvas.paint(basin.where(depth > drawdown), Paint(kind, Material.TOPSOIL, shallow), Cover.RESERVOIR)
    side = scale(outline, 0.9, 0.9).exterior
    start = rng.uniform(0, side.length)
    dam = LineString([side.interpolate(start), side.interpolate(start + side.length * 0.15)])
    wall = canvas.patch(dam.buffer(9))
    canvas.paint(wall, Paint(Material.GRAVEL, Material.GRASS, 0.3), Cover.RESERVOIR)


def clear_farm(canvas: Canvas, centre: Position, reach: float, rng: np.random.Generator, season: int = 0) -> None:
    """Clear a block of farmland with a farmyard; crops change with the season."""
    block = rectangle(centre, reach * rng.uniform(1.4, 2.6), reach * rng.uniform(1.2, 2.2), rng.uniform(0, 180))
    plough_fields(canvas, canvas.patch(block), rng, season)
    start = random_point_in(block, rng)
    lay_roads(canvas, [winding_line(start, _far_point(centre, reach * 3, rng), 0.04, rng)], 7, paved=False)
    for _ in range(int(rng.integers(0, 4))):
        spot = (start[0] + rng.normal(0, 25), start[1] + rng.normal(0, 25))
        shed = canvas.patch(rectangle(spot, rng.uniform(15, 40), rng.uniform(10, 20), rng.uniform(0, 180)))
        canvas.paint(shed, Paint(_ROOFS[int(rng.integers(len(_ROOFS)))], Material.CONCRETE, 0.2), Cover.FARMLAND)


def cross_roads(canvas: Canvas, centre: Position, reach: float, rng: np.random.Generator) -> None:
    """Let wide roads meet, with lay-bys and a borrow pit's worth of bare verge."""
    ends = [_far_point(centre, reach * 3, rng) for _ in range(int(rng.integers(2, 5)))]
    lines = [winding_line(centre, end, 0.05, rng) for end in ends]
    verge = canvas.patch(unary_union([line.buffer(rng.uniform(10, 22)) for line in lines]))
    canvas.paint(verge, Paint(Material.SUBSOIL, Material.GRASS, 0.45 + 0.3 * verge.noise(40, rng)), Cover.ROAD)
    lay_roads(canvas, lines, rng.uniform(8, 16), paved=rng.random() < 0.5)
    pad = canvas.patch(blob(centre, reach * rng.uniform(0.1, 0.3), rng))
    canvas.paint(pad, Paint(Material.TRACK, Material.SUBSOIL, 0.5 + 0.2 * pad.noise(30, rng)), Cover.ROAD)


Builder = Callable[[Canvas, Position, float, np.random.Generator], None]

#: Builder of each look-alike.
LOOKALIKES: MappingProxyType[Cover, Builder] = MappingProxyType(
    {
        Cover.TOWN: build_town,
        Cover.AQUACULTURE: dig_fish_ponds,
        Cover.CONSTRUCTION: clear_building_site,
        Cover.BARE_SOIL: lay_bare,
        Cover.RESERVOIR: fill_reservoir,
        Cover.FARMLAND: clear_farm,
        Cover.ROAD: cross_roads,
    }
)
