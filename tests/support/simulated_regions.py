"""A small simulated series and small landscapes."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from mining_the_mines.simulation import Landscape, Plan, SeriesSettings, build_landscape
from mining_the_mines.simulation.places import Biome, Place
from mining_the_mines.simulation.spectra import Material

#: Two regions in one UTM zone each, seen on four dates.
SERIES = SeriesSettings(provinces=("copperbelt", "tapajos"), pixels=120, mines=2, dates=4, seed=7)


def files_of(folder: Path) -> dict[str, bytes]:
    """Content of every file by its path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def landscape(seed: int = 3, mines: int = 2, biome: Biome = Biome.RAINFOREST) -> Landscape:
    """A small region in Pará."""
    place = Place("somewhere", biome, -56.0, -6.0)
    return build_landscape(place, Plan(pixels=120, slots=2, mines=mines), np.random.default_rng(seed))


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
