"""Regions, look-alikes and mines are laid out as planned."""

import numpy as np
import pytest

from mining_the_mines.simulation.canvas import Canvas, Cover
from mining_the_mines.simulation.lookalikes import LOOKALIKES
from mining_the_mines.simulation.mines import DIGGERS, MineKind
from mining_the_mines.simulation.places import Biome
from support.simulated_regions import landscape

SIDE = 200


def canvas() -> Canvas:
    return Canvas(SIDE, np.zeros((SIDE, SIDE), np.float32))


@pytest.mark.parametrize("biome", list(Biome))
def test_mines_of_region(biome: Biome) -> None:
    region = landscape(mines=2, biome=biome)
    assert len(region.mines) == 2
    assert (region.cover == Cover.MINE).any()


def test_outlines() -> None:
    region = landscape()
    left, top = region.transform.c, region.transform.f
    edge = region.pixels * 10
    for mine in region.mines:
        outline = region.outline(mine)
        assert outline.is_valid
        assert outline.area == pytest.approx(mine.outline.area)
        assert left < outline.centroid.x < left + edge
        assert top - edge < outline.centroid.y < top


@pytest.mark.parametrize("cover", list(LOOKALIKES))
@pytest.mark.parametrize("seed", range(2))
def test_lookalikes(cover: Cover, seed: int) -> None:
    ground = canvas()
    LOOKALIKES[cover](ground, (500.0, 500.0), 300.0, np.random.default_rng(seed))
    assert (ground.cover == cover).any()
    assert not (ground.cover == Cover.MINE).any()


@pytest.mark.parametrize("kind", list(DIGGERS))
@pytest.mark.parametrize("seed", range(2))
def test_disturbed_ground(kind: MineKind, seed: int) -> None:
    ground = canvas()
    mine = DIGGERS[kind](ground, (500.0, 500.0), 300.0, np.random.default_rng(seed))
    patch = ground.patch(mine.outline)
    outside = np.ones((SIDE, SIDE), np.bool_)
    outside[patch.window][patch.mask] = False
    assert mine.kind is kind
    assert (ground.cover[patch.window][patch.mask] == Cover.MINE).all()
    assert np.count_nonzero(ground.cover[outside] == Cover.MINE) < 0.02 * patch.mask.sum() + 5
