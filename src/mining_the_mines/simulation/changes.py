"""Changes of the ground that are no mines: what a careless difference of two dates takes for one."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray
from shapely import LineString, MultiPolygon, unary_union

from mining_the_mines.simulation.canvas import Canvas, Cover, Paint
from mining_the_mines.simulation.landcover import canopy_texture, sand_bars
from mining_the_mines.simulation.lookalikes import (
    build_town,
    clear_building_site,
    clear_farm,
    cross_roads,
    dig_fish_ponds,
    fill_reservoir,
    lay_bare,
)
from mining_the_mines.simulation.mines import as_multipolygon
from mining_the_mines.simulation.shapes import Position, blob, rectangle
from mining_the_mines.simulation.spectra import Material
from mining_the_mines.simulation.timed_ground import NEVER, TimedPatch, appear, record_painting

_YEAR: Final = 365


class ChangeKind(StrEnum):
    """Kind of change."""

    FIELDS = "fields"
    RIVER = "river"
    FIRE = "fire"
    PASTURE = "pasture"
    CONSTRUCTION = "construction"
    RESERVOIR = "reservoir"
    BARE_SOIL = "bare_soil"
    FISH_PONDS = "fish_ponds"
    ROADS = "roads"


@dataclass(frozen=True)
class Span:
    """Days of a series, as ordinals.

    Attributes:
        first: First day.
        last: Last day.
    """

    first: int
    last: int

    def draw(self, rng: np.random.Generator) -> int:
        """Draw a day of the span."""
        return int(rng.integers(self.first, self.last + 1))


@dataclass(frozen=True)
class Change:
    """A change of the ground.

    Attributes:
        kind: Kind of change.
        opened: Ordinal of its first day within the series.
        patches: What it does to the ground, in the order of painting.
        replaces: Whether each patch covers those before it, so that only the last open one shows.
    """

    kind: ChangeKind
    opened: int
    patches: tuple[TimedPatch, ...]
    replaces: bool = False

    def lay(self, canvas: Canvas, day: int) -> None:
        """Paint the change as it is on a day; see :meth:`TimedPatch.lay`."""
        shown = [patch for patch in self.patches if patch.opens.size and patch.opens.min() <= day]
        for patch in shown[-1:] if self.replaces else shown:
            patch.lay(canvas, day)

    def outline(self) -> MultiPolygon:
        """Ground that it ever touches, in metres from the region's upper left corner."""
        return as_multipolygon(unary_union([patch.outline(patch.layers.patch.mask) for patch in self.patches]))


Builder = Callable[[Canvas, Position, float, np.random.Generator], None]


def _plan(kind: ChangeKind, builder: Builder, keeps: int = NEVER, recovery: int = 1) -> "Planner":
    """Plan a feature that appears on a day, and fades after some days."""

    def plan(canvas: Canvas, centre: Position, reach: float, span: Span, rng: np.random.Generator) -> Change:
        day = span.draw(rng)
        _, layers = record_painting(canvas, lambda copy: builder(copy, centre, reach, rng))
        until = NEVER if keeps == NEVER else day + keeps
        return Change(kind, day, (appear(layers, day, until, recovery),))

    return plan


def rotate_crops(canvas: Canvas, centre: Position, reach: float, span: Span, rng: np.random.Generator) -> Change:
    """Plough and harvest a farm, twice a year: parcels stay, their crops change."""
    seed = int(rng.integers(2**32))
    sowing, harvest = 120 + int(rng.integers(-25, 25)), 240 + int(rng.integers(-25, 25))
    start = span.first - _YEAR
    days = [
        start + _YEAR * year + turn for year in range((span.last - start) // _YEAR + 1) for turn in (sowing, harvest)
    ]
    patches = []
    for season, day in enumerate(days):
        farm = partial(clear_farm, centre=centre, reach=reach, rng=np.random.default_rng(seed), season=season)
        patches.append(appear(record_painting(canvas, farm)[1], start if season == 0 else day))
    return Change(ChangeKind.FIELDS, span.first, tuple(patches), replaces=True)


def draw_down(canvas: Canvas, centre: Position, reach: float, span: Span, rng: np.random.Generator) -> Change:
    """Let a reservoir fall dry for half a year or more, and fill it again."""
    seed, dry = int(rng.integers(2**32)), span.draw(rng)
    levels = ((span.first - _YEAR, 10.0), (dry - 120, 45.0), (dry, 400.0), (dry + 240, 30.0), (dry + 420, 10.0))
    patches = []
    for day, drawdown in levels:
        basin = partial(fill_reservoir, centre=centre, reach=reach, rng=np.random.default_rng(seed), drawdown=drawdown)
        patches.append(appear(record_painting(canvas, basin)[1], day))
    return Change(ChangeKind.RESERVOIR, dry - 120, tuple(patches), replaces=True)


def clear_pasture(canvas: Canvas, centre: Position, reach: float, span: Span, rng: np.random.Generator) -> Change:
    """Fell and burn a block of forest; grass follows after the next rains."""
    day = span.draw(rng)
    block = rectangle(centre, reach * rng.uniform(1.0, 2.2), reach * rng.uniform(0.8, 1.8), rng.uniform(0, 180))

    def fell(copy: Canvas) -> None:
        site = copy.patch(block)
        slash = 0.45 + 0.3 * site.noise(40, rng)
        copy.paint(site, Paint(Material.LITTER, Material.TOPSOIL, slash, 1 + 0.1 * site.noise(12, rng)), Cover.FARMLAND)
        burnt = site.where(site.noise(70, rng) > 0.4)
        copy.paint(burnt, Paint(Material.CHAR, Material.TOPSOIL, 0.45 + 0.2 * site.noise(20, rng)))

    def graze(copy: Canvas) -> None:
        site = copy.patch(block)
        grass = Paint(Material.GRASS, Material.DRY_GRASS, 0.35 + 0.2 * site.noise(50, rng))
        copy.paint(site, grass, Cover.FARMLAND)
        trees = site.where(site.noise(18, rng) > 1.7)
        copy.paint(trees, Paint(Material.CANOPY, Material.GRASS, 0.2, canopy_texture(site, rng)))

    felled = appear(record_painting(canvas, fell)[1], day)
    grazed = appear(record_painting(canvas, graze)[1], day + int(rng.integers(150, 300)))
    return Change(ChangeKind.PASTURE, day, (felled, grazed))


def burn(canvas: Canvas, centre: Position, reach: float, span: Span, rng: np.random.Generator) -> Change:
    """Burn a patch of vegetation, which recovers within a year or two."""
    day = span.draw(rng)

    def char(copy: Canvas) -> None:
        spots = [blob(centre, reach * rng.uniform(0.5, 1.1), rng, 0.5, rng.uniform(1, 2.5)) for _ in range(2)]
        site = copy.patch(unary_union(spots))
        burnt = site.where((site.noise(35, rng) > -1.2) & (copy.cover[site.window] < Cover.FARMLAND))
        ash = 0.3 + 0.25 * burnt.noise(30, rng)
        copy.paint(burnt, Paint(Material.CHAR, Material.LITTER, ash, 1 + 0.08 * burnt.noise(12, rng)))

    layers = record_painting(canvas, char)[1]
    return Change(ChangeKind.FIRE, day, (appear(layers, day, day + 40, int(rng.integers(250, 600))),))


def build_on(canvas: Canvas, centre: Position, reach: float, span: Span, rng: np.random.Generator) -> Change:
    """Clear ground for building, on which a town stands two years later."""
    day = span.draw(rng)
    cleared = record_painting(canvas, partial(clear_building_site, centre=centre, reach=reach, rng=rng))[1]
    town = record_painting(canvas, partial(build_town, centre=centre, reach=reach, rng=rng))[1]
    built = day + int(rng.integers(450, 800))
    return Change(ChangeKind.CONSTRUCTION, day, (appear(cleared, day), appear(town, built)))


def shift_river(
    canvas: Canvas, course: NDArray[np.float64], width: float, span: Span, rng: np.random.Generator
) -> Change:
    """Move a river's channel and bars a little with every flood: new sand here, plants on old sand there.

    Args:
        canvas: The ground before, which stays as it is.
        course: The river's middle line in metres, shape (n, 2).
        width: Its width in metres.
        span: Days of the series.
        rng: Random number generator.

    Returns:
        The change.
    """
    drift = rng.normal(0, 1, (len(course) // 40 + 2, 2))
    knots = np.linspace(0, len(drift) - 1, len(course))
    direction = np.column_stack([np.interp(knots, np.arange(len(drift)), axis) for axis in drift.T])
    floods = range(span.first - _YEAR // 2, span.last, _YEAR)
    patches = []
    for year, day in enumerate(floods):
        moved = course + direction * (year + 1) * 0.12 * min(width, 90)

        def flood(copy: Canvas, moved: NDArray[np.float64] = moved) -> None:
            _flood(copy, course, moved, width, rng)

        patches.append(appear(record_painting(canvas, flood)[1], day))
    return Change(ChangeKind.RIVER, floods[0], tuple(patches))


def _flood(
    canvas: Canvas, course: NDArray[np.float64], moved: NDArray[np.float64], width: float, rng: np.random.Generator
) -> None:
    """Leave the old channel as sand that grows over, lay new bars, and let the water run along its new course."""
    natural = (Cover.FOREST, Cover.SAVANNA, Cover.RIVERBANK, Cover.OPEN_WATER)

    old = canvas.patch(LineString(course).buffer(width * 0.9))
    old = old.where(np.isin(canvas.cover[old.window], (Cover.RIVERBANK, Cover.OPEN_WATER)))
    canvas.paint(old, Paint(Material.SAND, Material.GRASS, 0.35 + 0.45 * old.noise(50, rng)), Cover.RIVERBANK)
    for bar in sand_bars(moved, width, rng):
        fresh = canvas.patch(bar)
        fresh = fresh.where(np.isin(canvas.cover[fresh.window], natural))
        sand = Paint(Material.SAND, Material.GRAVEL, 0.35 + 0.3 * fresh.noise(35, rng), 1 + 0.06 * fresh.noise(20, rng))
        canvas.paint(fresh, sand, Cover.RIVERBANK)
        wet = fresh.where((fresh.depth() < 8) | (fresh.noise(45, rng) > 1.7))
        canvas.paint(wet, Paint(Material.RIVER, Material.SAND, 0.5))
    channel = canvas.patch(LineString(moved).buffer(width / 2))
    channel = channel.where(np.isin(canvas.cover[channel.window], natural))
    canvas.paint(channel, Paint(Material.RIVER, Material.SAND, 0.06), Cover.OPEN_WATER)


Planner = Callable[[Canvas, Position, float, Span, np.random.Generator], Change]

#: Planner of each change that takes a field of the board; the river takes none.
CHANGES: MappingProxyType[ChangeKind, Planner] = MappingProxyType(
    {
        ChangeKind.FIELDS: rotate_crops,
        ChangeKind.FIRE: burn,
        ChangeKind.PASTURE: clear_pasture,
        ChangeKind.CONSTRUCTION: build_on,
        ChangeKind.RESERVOIR: draw_down,
        ChangeKind.BARE_SOIL: _plan(ChangeKind.BARE_SOIL, lay_bare, keeps=200, recovery=500),
        ChangeKind.FISH_PONDS: _plan(ChangeKind.FISH_PONDS, dig_fish_ponds),
        ChangeKind.ROADS: _plan(ChangeKind.ROADS, cross_roads),
    }
)
