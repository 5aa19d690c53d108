"""One block of a composite: harmonised numbers of clear pixels, a day counted once."""

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pystac
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from rasterio.warp import transform

from mining_the_mines.scenes.compositing import Block, composite_block, fuse_days
from mining_the_mines.scenes.items import MissingAssetError
from support.observed_requests import CLOUD, CORNER, Observation, clear, flat, month, plan_of, write_scene


def block_of(items: list[pystac.Item], *bands: str, **settings: object) -> Block:
    """The composite of these scenes in one block."""
    (plan,) = plan_of(items, bands, **{"clear_sky": {"dilation_metres": 0}, **settings})
    return composite_block(plan.stack, plan.grid, plan.settings)


def test_both_baselines(tmp_path: Path) -> None:
    old = write_scene(tmp_path, "old", Observation({"blue": flat(400)}, clear(), month(1), "03.01"))
    new = write_scene(tmp_path, "new", Observation({"blue": flat(1400)}, clear(), month(2), "04.00"))
    block = block_of([old, new], "B2", method="medoid")
    assert (block.numbers == 1400).all()
    assert (block.clear_dates == 2).all()


def test_clouds_across_blocks(tmp_path: Path) -> None:
    scl = clear()
    scl[:, 16] = CLOUD  # columns 32 and 33 at 10 m, at the left border of the second block
    items = [write_scene(tmp_path, "s", Observation({"blue": flat(500)}, scl))]
    (plan,) = plan_of(items, ("B2",), clear_sky={"dilation_metres": 40})
    left = plan.grid[0:32, 0:32]
    assert (composite_block(plan.stack, left, plan.settings).clear_dates[:, -1] == 0).all()


def test_bands_of_20_m(tmp_path: Path) -> None:
    red_edge = flat(1000, 48)
    red_edge[:, 24:] = 2000
    scl = clear()
    scl[:, 40:] = CLOUD
    item = write_scene(tmp_path, "s", Observation({"rededge1": red_edge}, scl))
    block = block_of([item], "B5")
    assert block.numbers[0, 0, 46:50].tolist() == [2000, 2250, 2750, 3000]
    assert block.clear_dates[0, 79:81].tolist() == [1, 0]


def test_two_granules_of_a_day(tmp_path: Path) -> None:
    west, east = flat(500), flat(500)
    west[:, 60:], east[:, :40] = 0, 0
    seconds = datetime(2021, 7, 1, 14, 0, 12, tzinfo=UTC)
    items = [
        write_scene(tmp_path, "west", Observation({"blue": west}, clear())),
        write_scene(tmp_path, "east", Observation({"blue": east}, clear(), seconds)),
    ]
    block = block_of(items, "B2")
    assert (block.clear_dates == 1).all()
    assert (block.numbers == 1500).all()


def test_neighbouring_zone(tmp_path: Path) -> None:
    here = write_scene(tmp_path, "here", Observation({"blue": flat(500)}, clear()))
    # The same ground, more or less, in zone 22: a scene large enough to cover it.
    edge, pixels = 3840, 384
    (x,), (y,) = transform("EPSG:32721", "EPSG:32722", [CORNER[0] + 480], [CORNER[1] - 480])
    corner = (round((x - edge / 2) / 60) * 60, round((y + edge / 2) / 60) * 60)
    there_seen = Observation({"blue": flat(700, pixels)}, clear(pixels // 2), month(8), epsg=32722, corner=corner)
    there = write_scene(tmp_path, "there", there_seen, edge)
    (plan,) = plan_of([here, there], ("B2",))
    block = composite_block(plan.stack, plan.grid, plan.settings)
    assert block.numbers[0][block.clear_dates == 2].min() == 1600
    assert (block.clear_dates == 2).sum() >= 96 * 96


def test_own_mask(tmp_path: Path) -> None:
    mask = np.zeros((96, 96), np.uint8)
    mask[:, :20], mask[:, 48:] = 1, 255
    item = write_scene(tmp_path, "l1c", Observation({"blue": flat(500)}, extra={"my_clouds": mask}))
    with rasterio.open(item.assets["my_clouds"].href, "r+") as image:
        image.nodata = 255
    block = block_of([item], "B2", mask_asset="my_clouds")
    assert (block.clear_dates[:, :20] == 0).all()
    assert (block.clear_dates[:, 20:48] == 1).all()
    assert (block.clear_dates[:, 48:] == 0).all()


def test_no_classification(tmp_path: Path) -> None:
    item = write_scene(tmp_path, "l1c", Observation({"blue": flat(500)}))
    with pytest.raises(MissingAssetError, match="l1c has no asset for SCL"):
        block_of([item], "B2")
    assert (block_of([item], "B2", mask_asset="none").clear_dates == 1).all()


def test_truncated_scene(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(300, 900, (96, 96)).astype(np.uint16)
    items = [
        write_scene(tmp_path, "whole", Observation({"blue": flat(500)}, clear(), month(1))),
        write_scene(tmp_path, "broken", Observation({"blue": noise}, clear(), month(2))),
    ]
    path = Path(items[1].assets["blue"].href)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    block = block_of(items, "B2")
    assert [fault.item for fault in block.faults] == ["broken"]
    assert (block.numbers == 1500).all()
    assert (block.clear_dates == 1).all()


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 3), min_size=1, max_size=5))
def test_fuse_days(seed: int, days: list[int]) -> None:
    rng = np.random.default_rng(seed)
    numbers = rng.integers(0, 3, (len(days), 4, 4)).astype(np.uint16)
    seen = rng.random((len(days), 4, 4)) < 0.6
    moments = [date(2021, 1, day) for day in sorted(days)]
    usable = seen & (numbers != 0)
    expected = sum(
        np.any([usable[row] for row, moment in enumerate(moments) if moment == day], axis=0).astype(int)
        for day in set(moments)
    )
    fused = numbers.copy()
    clear_days = fuse_days(fused, seen, moments)
    np.testing.assert_array_equal(clear_days.sum(axis=0), expected)
    assert (fused[clear_days] != 0).all()


@pytest.mark.real_chips
def test_real_dates(real_chips: Path, tmp_path: Path) -> None:
    stack, items = [], []
    for number, path in enumerate(sorted((real_chips / "timeseries_l1c").glob("scene_*.tif"))):
        with rasterio.open(path) as source:
            names, pixels = source.descriptions, source.read()
            corner, epsg = (source.transform.c, source.transform.f), source.crs.to_epsg()
        stack.append(pixels.astype(np.float64))
        seen = Observation(dict(zip(names, pixels, strict=True)), None, month(number + 1), epsg=epsg, corner=corner)
        items.append(write_scene(tmp_path, path.stem, seen, edge=10 * pixels.shape[1]))
    (plan,) = plan_of(items, names, mask_asset="none", method="median")
    block = composite_block(plan.stack, plan.grid, plan.settings)
    values = np.stack(stack)
    values[values == 0] = np.nan
    never = np.isnan(values).all(axis=(0, 1))
    with pytest.warns(RuntimeWarning, match="All-NaN"):
        expected = np.nanmedian(values, axis=0)
    assert never.any()
    assert (block.numbers[:, never] == 0).all()
    np.testing.assert_array_equal(block.numbers[:, ~never], np.rint(expected[:, ~never] + 1000))
    np.testing.assert_array_equal(block.clear_dates, (~np.isnan(values)).all(axis=1).sum(axis=0))
