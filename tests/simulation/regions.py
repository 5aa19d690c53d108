"""Small simulated data sets and landscapes."""

import csv
from pathlib import Path

import numpy as np

from mining_the_mines.simulation import Landscape, Plan, SimulationSettings, build_landscape
from mining_the_mines.simulation.places import Biome, Place

SMALL = SimulationSettings(chips=12, unlabelled=4, mine_share=0.25, size=32, places=3, seed=7)


def labels_of(folder: Path) -> list[dict[str, str]]:
    """Rows of a data set's ``labels.csv``."""
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def files_of(folder: Path) -> dict[str, bytes]:
    """Content of every file by its path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def landscape(seed: int = 3, mines: int = 2, biome: Biome = Biome.RAINFOREST) -> Landscape:
    """A small region in Pará."""
    place = Place("somewhere", biome, -56.0, -6.0)
    return build_landscape(place, Plan(pixels=120, slots=2, mines=mines), np.random.default_rng(seed))
