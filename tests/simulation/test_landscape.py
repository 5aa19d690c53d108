"""Regions, look-alikes and mines are laid out as planned."""

import numpy as np
import pytest

from mining_the_mines.simulation.canvas import Canvas, Cover
from mining_the_mines.simulation.lookalikes import LOOKALIKES
from mining_the_mines.simulation.mines import DIGGERS, MineKind, work_alluvium
from mining_the_mines.simulation.places import Biome
from support.simulated_regions import landscape

SIDE = 200


def canvas() -> Canvas:
    return Canvas(SIDE, np.zeros((SIDE, SIDE), np.float32))


@pytest.mark.parametrize("biome", list(Biome))
def test_region_holds_mines_planned(biome: Biome) -> None:
    region = landscape(mines=2, biome=biome)
    assert len(region.mines) == 2
    assert (region.cover == Cover.MINE).any()


def test_outlines_in_map_coordinates_lie_within_or_near_region() -> None:
    region = landscape()
    left, top = region.transform.c, region.transform.f
    edge = region.pixels * 10
    for mine in region.mines:
        outline = region.outline(mine)
        assert outline.is_valid
        assert outline.area == pytest.approx(mine.outline.area)
        assert left < outline.centroid.x < left + edge
        assert top - edge < outline.centroid.y < top


def test_region_lies_on_grid_of_coarsest_band() -> None:
    region = landscape()
    assert region.transform.c % 60 == 0
    assert region.transform.f % 60 == 0


@pytest.mark.parametrize("cover", list(LOOKALIKES))
@pytest.mark.parametrize("seed", range(3))
def test_lookalikes_mark_ground_but_are_no_mines(cover: Cover, seed: int) -> None:
    ground = canvas()
    LOOKALIKES[cover](ground, (500.0, 500.0), 300.0, np.random.default_rng(seed))
    assert (ground.cover == cover).any()
    assert not (ground.cover == Cover.MINE).any()


@pytest.mark.parametrize("kind", list(DIGGERS))
@pytest.mark.parametrize("seed", range(3))
def test_mine_disturbs_ground_within_its_outline_only(kind: MineKind, seed: int) -> None:
    ground = canvas()
    mine = DIGGERS[kind](ground, (500.0, 500.0), 300.0, np.random.default_rng(seed))
    patch = ground.patch(mine.outline)
    outside = np.ones((SIDE, SIDE), np.bool_)
    outside[patch.window][patch.mask] = False
    assert mine.kind is kind
    assert (ground.cover[patch.window][patch.mask] == Cover.MINE).all()
    assert np.count_nonzero(ground.cover[outside] == Cover.MINE) < 0.02 * patch.mask.sum() + 5


def test_alluvial_workings_follow_river() -> None:
    course = np.column_stack([np.arange(300.0, 700.0, 10), np.full(40, 500.0)])
    mine = work_alluvium(canvas(), course, 300.0, np.random.default_rng(0))
    left, top, right, bottom = mine.outline.bounds
    assert right - left > bottom - top
