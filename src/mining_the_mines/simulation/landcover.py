"""Land cover of a region before mining: vegetation, a river, fields, roads."""

import numpy as np
from numpy.typing import NDArray
from shapely import LineString, Polygon, unary_union

from mining_the_mines.simulation.canvas import CELL, Canvas, Cover, Field, Paint, Patch
from mining_the_mines.simulation.places import Biome
from mining_the_mines.simulation.relief import fractal_fields
from mining_the_mines.simulation.shapes import inner_bend
from mining_the_mines.simulation.spectra import Material

#: Tree cover of the parts of a biome that are not forest: mean and spread.
_OPEN_TREE_COVER = {Biome.RAINFOREST: (0.5, 0.2), Biome.SAVANNA: (0.25, 0.15), Biome.DRYLAND: (0.05, 0.06)}
#: Bare ground between the plants there.
_BARE_GROUND = {Biome.RAINFOREST: 0.05, Biome.SAVANNA: 0.2, Biome.DRYLAND: 0.65}
_FOREST_QUANTILE = {Biome.RAINFOREST: (0.03, 0.5), Biome.SAVANNA: (0.5, 0.95), Biome.DRYLAND: (0.9, 1.0)}


def grow_vegetation(canvas: Canvas, biome: Biome, rng: np.random.Generator) -> None:
    """Cover the whole canvas with forest and savanna.

    Args:
        canvas: To paint on.
        biome: Natural vegetation.
        rng: Random number generator.
    """
    whole = canvas.everywhere()
    pattern, moisture = fractal_fields(canvas.side, 2.6, rng)
    crowns = canopy_texture(whole, rng)
    forest = pattern > np.quantile(pattern, rng.uniform(*_FOREST_QUANTILE[biome]))
    canvas.paint(
        whole.where(forest),
        Paint(Material.CANOPY, Material.SHADED_CANOPY, 0.35 + 0.18 * moisture, crowns),
        Cover.FOREST,
    )
    mean, spread = _OPEN_TREE_COVER[biome]
    trees = np.clip(mean + spread * moisture + 0.25 * (crowns - 1), 0, 0.9)
    bare = _BARE_GROUND[biome] * np.clip(1 + 0.5 * pattern, 0, 1.4)
    is_tree = rng.random(whole.mask.shape, dtype=np.float32) < trees
    is_bare = (rng.random(whole.mask.shape, dtype=np.float32) < bare) & ~is_tree
    grass = Material.DRY_GRASS if biome is not Biome.RAINFOREST else Material.GRASS
    greener = np.clip(0.4 + 0.25 * moisture, 0, 1)
    other = Material.GRASS if grass is Material.DRY_GRASS else Material.LITTER
    share = greener if grass is Material.DRY_GRASS else 0.5 * greener
    canvas.paint(whole.where(~forest), Paint(grass, other, share, 1 + 0.5 * (crowns - 1)), Cover.SAVANNA)
    canvas.paint(whole.where(~forest & is_tree), Paint(Material.CANOPY, Material.GRASS, 0.2, crowns))
    canvas.paint(whole.where(~forest & is_bare), Paint(Material.TOPSOIL, Material.LITTER, 0.25 + 0.1 * moisture))


def canopy_texture(patch: Patch, rng: np.random.Generator) -> Field:
    """Draw the light and shade of tree crowns, about 15 m wide.

    Args:
        patch: Cells to cover.
        rng: Random number generator.

    Returns:
        Factor on reflectance, shape of the patch's window.
    """
    return np.asarray(np.exp(0.2 * patch.noise(14.0, rng) - 0.02), dtype=np.float32)


def run_river(canvas: Canvas, course: NDArray[np.float64], width: float, rng: np.random.Generator) -> None:
    """Carve a river with sand bars into the inner bends.

    Args:
        canvas: To paint on.
        course: Its middle line in metres, shape (n, 2).
        width: Metres.
        rng: Random number generator.
    """
    line = LineString(course)
    valley = canvas.patch(line.buffer(width * 2.5))
    wooded = valley.where(valley.depth() > 25 + 20 * valley.noise(80, rng))
    canvas.paint(
        wooded,
        Paint(Material.CANOPY, Material.SHADED_CANOPY, 0.3 + 0.2 * valley.noise(60, rng), canopy_texture(valley, rng)),
        Cover.FOREST,
    )
    for bar in sand_bars(course, width, rng):
        patch = canvas.patch(bar)
        mottling = patch.noise(35, rng)
        canvas.paint(
            patch,
            Paint(Material.SAND, Material.GRAVEL, 0.35 + 0.3 * mottling, 1 + 0.06 * patch.noise(20, rng)),
            Cover.RIVERBANK,
        )
        overgrown = patch.where(patch.noise(50, rng) > 1.0)
        canvas.paint(overgrown, Paint(Material.GRASS, Material.SAND, 0.4))
        wet = patch.where((patch.depth() < 8) | (patch.noise(45, rng) > 1.7))
        canvas.paint(wet, Paint(Material.RIVER, Material.SAND, 0.5))
    channel = canvas.patch(line.buffer(width / 2))
    shallow = np.clip(0.25 - channel.depth() / max(width, 20), 0, 1) + 0.05 * np.abs(channel.noise(70, rng))
    canvas.paint(channel, Paint(Material.RIVER, Material.SAND, shallow), Cover.OPEN_WATER)
    canvas.raise_ground(valley, -np.minimum(valley.depth(), 30) * np.float32(0.15))


def sand_bars(course: NDArray[np.float64], width: float, rng: np.random.Generator) -> list[Polygon]:
    """Lay out point bars: lens-shaped banks along the inside of bends.

    Args:
        course: The river's middle line in metres, shape (n, 2).
        width: Width of the river in metres.
        rng: Random number generator.

    Returns:
        Outlines of the bars; the channel still has to be painted over them.
    """
    bars = []
    index = int(rng.integers(5, 30))
    while index < len(course) - 30:
        length = int(rng.integers(8, 30))
        stretch = course[index : index + length]
        inwards = np.array(inner_bend(course, index + length // 2))
        reach = max(width * rng.uniform(0.5, 1.3), 20)
        bulge = np.sin(np.linspace(0, np.pi, len(stretch)))[:, None]
        middle = stretch + inwards * (width * 0.35 + reach * 0.4 * bulge)
        bars.append(LineString(middle).buffer(reach * 0.5))
        index += length + int(rng.integers(5, 60))
    return bars


def plough_fields(canvas: Canvas, patch: Patch, rng: np.random.Generator, season: int = 0) -> None:
    """Divide a patch into parcels, each with its crop in its own state.

    Args:
        canvas: To paint on.
        patch: Cells to cover.
        rng: Random number generator.
        season: Seasons that have passed. The same random numbers give the same parcels, which then bear other crops.
    """
    if patch.mask.size == 0:
        return
    rows, columns = np.mgrid[patch.rows, patch.columns].astype(np.float32) * CELL
    angle = rng.uniform(0, np.pi)
    across = columns * np.cos(angle) + rows * np.sin(angle)
    along = rows * np.cos(angle) - columns * np.sin(angle)
    strip_edges = np.cumsum(rng.uniform(50, 220, 200)) + across.min() - 50
    strip = np.searchsorted(strip_edges, across)
    offsets = rng.uniform(0, 300, strip.max() + 1)
    lengths = rng.uniform(80, 400, strip.max() + 1)
    number = np.floor((along + offsets[strip]) / lengths[strip]).astype(np.int64)
    parcel = (strip * 7919 + (number - number.min())) % 64
    rotation = season * (1 + np.arange(64) % (len(_CROP_STATES) - 1))
    kinds = ((rng.integers(0, len(_CROP_STATES), 64) + rotation) % len(_CROP_STATES))[parcel]
    vigour = rng.uniform(0, 1, 64).astype(np.float32)[parcel]
    tone = np.exp(rng.normal(0, 0.1, 64)).astype(np.float32)[parcel]
    mottling = 0.1 * patch.noise(60, rng)
    for kind, (first, second, base) in enumerate(_CROP_STATES):
        share = base + 0.4 * (vigour - 0.5) + mottling
        canvas.paint(patch.where(kinds == kind), Paint(first, second, share, tone), Cover.FARMLAND)
    margin = (np.abs(across - strip_edges[np.minimum(strip, 199)]) < 4) & patch.mask
    canvas.paint(patch.where(margin), Paint(Material.GRASS, Material.CANOPY, 0.3))


_CROP_STATES = (
    (Material.CROP, Material.TOPSOIL, 0.2),
    (Material.RIPE_CROP, Material.TOPSOIL, 0.3),
    (Material.TOPSOIL, Material.CROP, 0.3),
    (Material.TOPSOIL, Material.LITTER, 0.3),
    (Material.DRY_GRASS, Material.TOPSOIL, 0.4),
    (Material.GRASS, Material.DRY_GRASS, 0.4),
)


def lay_roads(canvas: Canvas, lines: list[LineString], width: float, paved: bool) -> None:
    """Draw roads or tracks.

    Args:
        canvas: To paint on.
        lines: Their middle lines in metres.
        width: Metres.
        paved: Asphalt with dusty shoulders, or a dirt track.
    """
    if not lines:
        return
    patch = canvas.patch(unary_union([line.buffer(width / 2) for line in lines]))
    surface = Paint(Material.ASPHALT, Material.TRACK, 0.35) if paved else Paint(Material.TRACK, Material.GRASS, 0.15)
    canvas.paint(patch, surface, Cover.ROAD)
