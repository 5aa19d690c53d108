"""Students learn on windows of composites that touch no test chip."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.chips.teaching_ground import TeachingWindows, draw_teaching_ground
from mining_the_mines.core.errors import BadInputError
from support.chip_polygons import TOP, utm_grid
from support.composites import BANDS, composite_at

LAYOUT = ChipSettings(bands=BANDS)
WINDOWS = TeachingWindows(size=16, number=20)


def test_windows_of_all_regions(tmp_path: Path) -> None:
    drawn = draw_teaching_ground([composite_at(tmp_path, name) for name in ("north", "south")], LAYOUT, WINDOWS)
    assert drawn.array.shape == (20, len(BANDS), 16, 16)
    assert {name.partition("_")[0] for name in drawn.filenames} == {"north", "south"}
    assert drawn.bands == BANDS


def test_same_seed_same_windows(tmp_path: Path) -> None:
    composites = [composite_at(tmp_path)]
    first, again, other = (
        draw_teaching_ground(composites, LAYOUT, replace(WINDOWS, seed=seed)).content_hash for seed in (0, 0, 1)
    )
    assert first == again != other


def test_no_more_windows_than_there_is_ground(tmp_path: Path) -> None:
    drawn = draw_teaching_ground([composite_at(tmp_path)], LAYOUT, TeachingWindows(size=32, number=500))
    assert len(drawn) == 2 * 64 * 80 // 32**2


def test_test_chips_stay_hidden(tmp_path: Path) -> None:
    empty = np.zeros((64, 80), dtype=bool)
    empty[:32] = True
    composite = composite_at(tmp_path, empty=empty)
    assert len(draw_teaching_ground([composite], LAYOUT, WINDOWS))
    lower_half = utm_grid(32, 80, top=TOP - 320)
    with pytest.raises(BadInputError, match="test chips everywhere"):
        draw_teaching_ground([composite], LAYOUT, WINDOWS, hidden_chips=[lower_half])


def test_hidden_regions(tmp_path: Path) -> None:
    composites = [composite_at(tmp_path, name) for name in ("north", "south")]
    drawn = draw_teaching_ground(composites, LAYOUT, WINDOWS, hidden_regions={"north"})
    assert all(name.startswith("south") for name in drawn.filenames)
    with pytest.raises(BadInputError, match="No ground is left to teach a student on"):
        draw_teaching_ground(composites, LAYOUT, WINDOWS, hidden_regions={"north", "south"})
