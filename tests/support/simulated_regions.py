"""A small simulated series and small landscapes."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np

from mining_the_mines.simulation import ChangingSeriesSettings, Landscape, Plan, SeriesSettings, build_landscape
from mining_the_mines.simulation.changes import Span
from mining_the_mines.simulation.changing_landscape import ChangingLandscape, ChangingPlan, build_changing_landscape
from mining_the_mines.simulation.places import Biome, Place
from mining_the_mines.simulation.settings import Season
from mining_the_mines.simulation.spectra import Material

#: Two regions in one UTM zone each, seen on four dates.
SERIES = SeriesSettings(provinces=("copperbelt", "tapajos"), pixels=120, mines=2, dates=4, seed=7)
#: One region that changes from one season to the next, seen once in each.
CHANGING = ChangingSeriesSettings(
    provinces=("tapajos",),
    pixels=120,
    old_mines=1,
    new_mines=1,
    changes=2,
    seasons=tuple(Season(start=date(year, 7, 1), end=date(year, 8, 30)) for year in (2020, 2021)),
    dates=1,
)
#: Days of a region that changes.
SPAN = Span(date(2020, 6, 1).toordinal(), date(2023, 10, 31).toordinal())


def files_of(folder: Path) -> dict[str, bytes]:
    """Content of every file by its path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def landscape(seed: int = 3, mines: int = 2, biome: Biome = Biome.RAINFOREST) -> Landscape:
    """A small region in Pará."""
    place = Place("somewhere", biome, -56.0, -6.0)
    return build_landscape(place, Plan(pixels=120, slots=2, mines=mines), np.random.default_rng(seed))


def changing_landscape(old: int = 1, new: int = 3, changes: int = 0, seed: int = 3) -> ChangingLandscape:
    """A small region in Pará in which mines open."""
    place = Place("somewhere", Biome.RAINFOREST, -56.0, -6.0)
    plan = ChangingPlan(120, 2, old, new, changes, SPAN, Span(SPAN.first + 150, SPAN.last - 100))
    return build_changing_landscape(place, plan, np.random.default_rng(seed))


def made_of(region: Landscape, material: Material, brightness: float = 1.0) -> Landscape:
    """The region, flat, all of one material."""
    return replace(
        region,
        elevation=np.zeros_like(region.elevation),
        first=np.full_like(region.first, material),
        share=np.zeros_like(region.share),
        texture=np.full_like(region.texture, brightness),
        tone=np.zeros_like(region.tone),
        geology=np.zeros_like(region.geology),
    )
