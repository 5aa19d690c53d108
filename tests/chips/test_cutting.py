"""What a chip is called, and what becomes of those that can't be."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from mining_the_mines.chips.cutting import CutChip, CuttingSettings, cut_chips
from mining_the_mines.chips.cutting_plan import LeftOut
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.mine_polygons import MinePolygons
from mining_the_mines.scenes.composite_files import Composite
from support.chip_polygons import outlines_in, square, utm_grid
from support.composites import at, composite_at


def cut(
    composites: Sequence[Composite], outlines: MinePolygons | None, cutting: CuttingSettings
) -> dict[str, CutChip | LeftOut]:
    """Chips by name; those left out by their reason."""
    found = list(cut_chips(composites, outlines, cutting))
    return {chip.cutout.name if isinstance(chip, CutChip) else chip.reason: chip for chip in found}


@settings(max_examples=25, deadline=None)
@given(edge=st.floats(1, 160), mine=st.floats(0.02, 1), ratio=st.floats(0, 0.99))
def test_labels_follow_the_share_of_the_ground(
    tmp_path_factory: pytest.TempPathFactory, edge: float, mine: float, ratio: float
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    cutting = CuttingSettings(size=16, mine_share=mine, clear_share=mine * ratio)
    outlines = outlines_in(folder, [square(*at(0, 16), edge)])
    (chip,) = cut([composite_at(folder, grid=utm_grid(16, 16))], outlines, cutting).values()
    share = edge**2 / 160**2
    if min(abs(share - mine), abs(share - mine * ratio)) > 1e-5:
        expected = 1 if share > mine else 0 if share < mine * ratio else None
        assert isinstance(chip, CutChip)
        assert chip.label == expected


def test_without_outlines_no_chip_has_a_label(tmp_path: Path) -> None:
    chips = cut([composite_at(tmp_path)], None, CuttingSettings(size=32))
    assert [(chip.label, chip.cover) for chip in chips.values() if isinstance(chip, CutChip)] == [(None, None)] * 4


def test_a_mine_hidden_by_clouds_makes_neither_a_mine_nor_a_place_without(tmp_path: Path) -> None:
    empty = np.zeros((16, 16), dtype=bool)
    empty[:8, :8] = True
    composite = composite_at(tmp_path, grid=utm_grid(16, 16), empty=empty)
    hidden = outlines_in(tmp_path, [square(*at(1, 7), 50)])
    (chip,) = cut([composite], hidden, CuttingSettings(size=16)).values()
    assert isinstance(chip, CutChip)
    assert chip.label is None


def test_pixels_are_those_of_the_composite(tmp_path: Path) -> None:
    composite = composite_at(tmp_path)
    chip = cut([composite], None, CuttingSettings(size=16))["north_r001_c002"]
    assert isinstance(chip, CutChip)
    with rasterio.open(composite.image) as image:
        np.testing.assert_array_equal(chip.numbers, image.read()[:, 16:32, 32:48])


def test_a_chip_with_too_little_data_is_left_out_with_the_share(tmp_path: Path) -> None:
    empty = np.zeros((16, 32), dtype=bool)
    empty[:, :12] = True
    composite = composite_at(tmp_path, grid=utm_grid(16, 32), empty=empty)
    chips = cut([composite], None, CuttingSettings(size=16, max_nodata_share=0.5))
    assert list(chips) == ["nodata: 75% of its pixels have none, at most 50% may", "north_r000_c001"]
    allowed = cut([composite], None, CuttingSettings(size=16, max_nodata_share=0.75))
    kept = allowed["north_r000_c000"]
    assert isinstance(kept, CutChip)
    assert kept.clear_dates == (0, 0.0, 3)


def test_a_chip_without_any_data_is_left_out_whatever_is_allowed(tmp_path: Path) -> None:
    empty = np.zeros((16, 32), dtype=bool)
    empty[:, :16] = True
    composite = composite_at(tmp_path, grid=utm_grid(16, 32), empty=empty)
    chips = cut([composite], None, CuttingSettings(size=16, max_nodata_share=1))
    assert [isinstance(chip, LeftOut) for chip in chips.values()] == [True, False]


def test_a_region_without_outlines_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    south = composite_at(tmp_path, "south", utm_grid(32, 32, top=9_300_000))
    outlines = outlines_in(tmp_path, [square(*at(2, 12), 100)])
    with caplog.at_level(logging.WARNING):
        cut_chips([composite_at(tmp_path), south], outlines, CuttingSettings(size=16))
    assert "lies in south: all chips from there are labelled as no mine" in caplog.text


def test_outlines_of_another_country_are_told(tmp_path: Path) -> None:
    outlines = outlines_in(tmp_path, [square(10, 50, 1)], "EPSG:4326")
    with pytest.raises(BadInputError, match="No outline in"):
        cut_chips([composite_at(tmp_path)], outlines, CuttingSettings(size=16))


def test_regions_smaller_than_a_chip_are_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"No chip of 512 pixels can be cut \(too small: .* choose a smaller"):
        cut_chips([composite_at(tmp_path)], None, CuttingSettings(size=512))


def test_no_composite_is_told_in_a_sentence() -> None:
    with pytest.raises(BadInputError, match="There is no composite"):
        cut_chips([], None, CuttingSettings())


def test_a_composite_without_band_names_is_told(tmp_path: Path) -> None:
    composite = composite_at(tmp_path, bands=("B2", None))
    with pytest.raises(BadInputError, match="has bands without names"):
        list(cut_chips([composite], None, CuttingSettings(size=16)))


def test_a_composite_that_was_cut_off_is_told(tmp_path: Path) -> None:
    composite = composite_at(tmp_path)
    cutting = cut_chips([composite], None, CuttingSettings(size=16))
    composite.image.write_bytes(composite.image.read_bytes()[:3000])
    with pytest.raises(BadInputError, match=r"The composite of north can't be read .* make it again"):
        list(cutting)


def test_shares_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValidationError, match="choose a clear_share below mine_share"):
        CuttingSettings(mine_share=0.01, clear_share=0.01)


def test_a_mine_that_ends_where_a_chip_begins_leaves_it_clear(tmp_path: Path) -> None:
    outlines = outlines_in(tmp_path, [square(*at(0, 16), 160)])
    chips = cut([composite_at(tmp_path)], outlines, CuttingSettings(size=16))
    assert [chip.label for chip in chips.values() if isinstance(chip, CutChip)] == [1] + [0] * 19
