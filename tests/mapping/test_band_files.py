"""Files of one band each are one scene."""

from pathlib import Path

import numpy as np
import pytest
from affine import Affine

from mining_the_mines.mapping.band_files import join_bands
from mining_the_mines.mapping.scene_discovery import find_scenes
from mining_the_mines.rasters.chip import read_chip
from mining_the_mines.rasters.reader import RasterFormat
from mining_the_mines.rasters.scene import Scene, raster_files
from support.scene_files import BANDS, CORNER, Numbers, ground, write_scene

NUMBERS = ground(40, 60)
LAYOUT = RasterFormat(bands=BANDS)


def write_bands(folder: Path, pattern: str, numbers: Numbers = NUMBERS) -> list[Path]:
    return [
        write_scene(folder / pattern.format(band=f"B0{name[1]}"), plane[None], [None])
        for name, plane in zip(BANDS, numbers, strict=True)
    ]


def joined(folder: Path) -> tuple[Scene, ...]:
    found = [scene for scene in find_scenes(str(folder)) if isinstance(scene, Scene)]
    return join_bands(found, folder / "mosaics")


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("2023-07-13-00_00_2023-07-13-23_59_Sentinel-2_L2A_{band}_(Raw).tiff",
         "2023-07-13-00_00_2023-07-13-23_59_Sentinel-2_L2A_(Raw)"),
        ("T21MTN_20230713T140051_{band}_10m.tif", "T21MTN_20230713T140051"),
        ("{band}.tif", "bands"),
        ("download.{band}.tif", "download"),
    ],
)  # fmt: skip
def test_bands_of_one_scene(tmp_path: Path, pattern: str, name: str) -> None:
    files = write_bands(tmp_path / "bands", pattern)
    (scene,) = joined(tmp_path / "bands")
    assert scene.name == name
    assert bool(scene.dates) == ("2023" in name)
    whole = write_scene(tmp_path / "whole.tif", NUMBERS)
    np.testing.assert_array_equal(read_chip(scene.image, LAYOUT).reflectance, read_chip(whole, LAYOUT).reflectance)
    assert set(raster_files(scene.image)) == {scene.image, *files}


def test_band_in_larger_pixels(tmp_path: Path) -> None:
    fine, coarse = ground(40, 60)[0], ground(20, 30, seed=1)[1]
    coarse[:, :8] = 0
    write_scene(tmp_path / "S2_B02_10m.tif", fine[None], [None])
    write_scene(tmp_path / "S2_B03_20m.tif", coarse[None], [None], pixel=20.0)
    write_scene(tmp_path / "S2_B02_20m.tif", fine[None, ::2, ::2], [None], pixel=20.0)
    (scene,) = joined(tmp_path)
    found = read_chip(scene.image, LAYOUT).reflectance
    np.testing.assert_allclose(found[0], fine / 10_000, atol=1e-6)
    assert np.isnan(found[1][:, :15]).all()  # interpolation reaches half a large pixel into the gap
    assert np.isfinite(found[1][:, 16:]).all()
    means = found[1].reshape(20, 2, 30, 2).mean(axis=(1, 3))
    assert np.corrcoef(means[:, 9:].ravel(), coarse[:, 9:].ravel())[0, 1] > 0.98


def test_two_dates(tmp_path: Path) -> None:
    for day in ("20230713", "20230718"):
        write_bands(tmp_path, f"T21MTN_{day}T140051_{{band}}.tif")
    assert [scene.name for scene in joined(tmp_path)] == ["T21MTN_20230713T140051", "T21MTN_20230718T140051"]


@pytest.mark.parametrize("second", ["elsewhere", "two bands", "another name", "no raster"])
def test_files_that_stay_apart(tmp_path: Path, second: str) -> None:
    write_scene(tmp_path / "S2_B02.tif", NUMBERS[:1], [None])
    path = tmp_path / "S2_B03.tif"
    if second == "elsewhere":
        write_scene(path, NUMBERS[:1], [None], transform=Affine(10, 0, CORNER[0] + 50, 0, -10, CORNER[1]))
    elif second == "two bands":
        write_scene(path, NUMBERS)
    elif second == "another name":
        write_scene(path, NUMBERS[:1], ["B8"])
    else:
        path.touch()
    assert [scene.name for scene in joined(tmp_path)] == ["S2_B02", "S2_B03"]
