"""Scenes that can be mapped, and those refused in one sentence."""

from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from affine import Affine

from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.errors import BadInputError, SceneError
from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.rasters.judge import Verdict
from mining_the_mines.rasters.reader import MissingBandError
from mining_the_mines.rasters.scene import judge_scene, lay_grid, open_rows, raster_files
from mining_the_mines.rasters.true_colour import read_overview
from support.scene_files import BANDS, CORNER, ground, scene_at, write_scene

CHIPS = ChipSettings(bands=BANDS)


def grid_of(path: Path, *, resample: bool = False) -> ChipGrid:
    return lay_grid(scene_at(path), CHIPS, 10.0, resample=resample)


def sentence(error: pytest.ExceptionInfo[BadInputError]) -> str:
    """The message, once it is sure to be one sentence."""
    message = str(error.value)
    assert "\n" not in message
    assert message.endswith(".")
    return message


def test_own_grid(tmp_path: Path) -> None:
    path = write_scene(tmp_path / "scene.tif", ground(20, 30))
    with rasterio.open(path) as source:
        assert grid_of(path) == ChipGrid(source.crs, source.transform, 30, 20)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"crs": None}, r"scene\.tif has no CRS, .*give a scene with coordinates"),
        ({"transform": Affine.identity()}, r"scene\.tif has no geotransform, "),
        ({"crs": None, "transform": Affine.identity()}, r"scene\.tif has no CRS and no geotransform, "),
        ({"transform": Affine(8, 6, CORNER[0], 6, -8, CORNER[1])}, r"scene\.tif is rotated .*8, 6, .*gdalwarp"),
        ({"transform": Affine(0, 10, CORNER[0], -10, 0, CORNER[1])}, r"scene\.tif is rotated"),
        ({"crs": "EPSG:32721", "pixel": 20.0}, r"has pixels of 20 m where 10 m are wanted .*mapping\.resample"),
    ],
)
def test_scene_without_coordinates(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = write_scene(tmp_path / "scene.tif", ground(20, 20), **changes)
    with pytest.raises(SceneError, match=message) as error:
        grid_of(path)
    sentence(error)


def test_missing_band(tmp_path: Path) -> None:
    path = write_scene(tmp_path / "scene.tif", ground(20, 20), ["B2", "B8"])
    with pytest.raises(MissingBandError, match=r"scene\.tif lacks B3; it has B2, B8: ") as error:
        grid_of(path)
    sentence(error)


@pytest.mark.parametrize("content", [None, b"", b"no raster"])
def test_no_raster(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "scene.tif"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SceneError, match=r"scene\.tif (does not exist|can't be read as a raster)") as error:
        grid_of(path)
    sentence(error)


@pytest.mark.parametrize("latitude", [0.0, -7.0, 20.0])
def test_degrees(tmp_path: Path, latitude: float) -> None:
    step = 10 / 111_320
    path = write_scene(
        tmp_path / "scene.tif", ground(20, 20), crs="EPSG:4326", transform=Affine(step, 0, -55, 0, -step, latitude)
    )
    assert grid_of(path).transform.a == step


def test_resampling(tmp_path: Path) -> None:
    path = write_scene(tmp_path / "scene.tif", ground(20, 31), pixel=20.0)
    with rasterio.open(path) as source:
        bounds = tuple(source.bounds)
    grid = grid_of(path, resample=True)
    assert (grid.height, grid.width) == (40, 62)
    assert grid.bounds == pytest.approx(bounds)
    with open_rows(scene_at(path), CHIPS, grid) as rows:
        finer = rows.read(0, 40)
    with rasterio.open(path) as source:
        coarse = source.read()
    assert finer.shape == (2, 40, 62)
    means = finer.reshape(2, 20, 2, 31, 2).mean(axis=(2, 4))
    assert np.corrcoef(means.ravel(), coarse.ravel())[0, 1] > 0.98


def test_archive_of_rasters(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "scene.zip", "w") as archive:
        archive.write(write_scene(tmp_path / "B2.tif", ground(16, 16)), "B2.tif")
    with pytest.raises(SceneError, match=r"scene\.zip is a ZIP archive .*: unpack it") as error:
        grid_of(tmp_path / "scene.zip")
    sentence(error)


def test_rows_of_a_resampled_scene_are_those_of_the_whole(tmp_path: Path) -> None:
    for pixel in (20.0, 7.0):
        path = write_scene(tmp_path / f"scene-{pixel}.tif", ground(41, 31), pixel=pixel)
        grid = grid_of(path, resample=True)
        with open_rows(scene_at(path), CHIPS, grid) as rows:
            parts = [rows.read(first, min(first + 7, grid.height)) for first in range(0, grid.height, 7)]
            np.testing.assert_array_equal(np.concatenate(parts, axis=1), rows.read(0, grid.height))


@pytest.mark.parametrize("pixel", [10.0, 20.0])
@pytest.mark.parametrize(("east", "south"), [(1, 1), (-1, -1), (-1, 1)], ids=["south up", "mirrored", "turned"])
def test_scene_that_is_not_north_up(tmp_path: Path, east: int, south: int, pixel: float) -> None:
    numbers = ground(30, 40)
    plain = write_scene(tmp_path / "plain.tif", numbers, pixel=pixel)
    corner = CORNER[0] + (40 * pixel if east < 0 else 0), CORNER[1] - (30 * pixel if south > 0 else 0)
    place = Affine(east * pixel, 0, corner[0], 0, south * pixel, corner[1])
    turned = write_scene(tmp_path / "turned.tif", numbers[:, ::-south, ::east], transform=place)
    grids = [grid_of(path, resample=True) for path in (plain, turned)]
    assert grids[0] == grids[1]
    for path in (plain, turned):
        with open_rows(scene_at(path), CHIPS, grids[0]) as rows:
            read = rows.read(3, 21)
        if path == plain:
            expected = read
    np.testing.assert_array_equal(read, expected)
    for bounds in (None, (CORNER[0] - 30, CORNER[1] - 90, CORNER[0] + 90, CORNER[1] + 30)):
        pictures = [read_overview(path, CHIPS, 12, bounds) for path in (plain, turned)]
        np.testing.assert_array_equal(pictures[0][0], pictures[1][0])
        assert pictures[0][1].almost_equals(pictures[1][1])


def test_gaps_of_a_resampled_scene(tmp_path: Path) -> None:
    empty = np.zeros((20, 20), dtype=bool)
    empty[:, :8] = True
    path = write_scene(tmp_path / "scene.tif", np.maximum(ground(20, 20), 3_000) * ~empty, pixel=20.0)
    with open_rows(scene_at(path), CHIPS, grid_of(path, resample=True)) as rows:
        reflectance = rows.decode(rows.read(0, 40))
    assert np.isnan(reflectance[:, :, :16]).all()
    assert (reflectance[:, :, 16:] > 0.29).all()


def test_finer_pixels_are_averaged(tmp_path: Path) -> None:
    numbers = ground(40, 40)
    path = write_scene(tmp_path / "scene.tif", numbers, pixel=5.0)
    grid = grid_of(path, resample=True)
    with open_rows(scene_at(path), CHIPS, grid) as rows:
        read = rows.decode(rows.read(0, 20))
    np.testing.assert_allclose(read, numbers.reshape(2, 20, 2, 20, 2).mean(axis=(2, 4)) / 10_000, atol=1e-4)


def cut_off(folder: Path, compress: str, pixel: float = 10.0) -> Path:
    """A scene whose last third is missing; that shows only when it is read there."""
    noise = np.random.default_rng(0).integers(1, 9_999, (2, 300, 90)).astype(np.uint16)
    whole = write_scene(folder / "whole.tif", noise, pixel=pixel)
    path = folder / "scene.tif"
    rasterio.shutil.copy(whole, path, driver="GTiff", tiled=True, blockxsize=16, blockysize=16, compress=compress)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    return path


def read_to_the_end(path: Path, grid: ChipGrid) -> None:
    with open_rows(scene_at(path), CHIPS, grid) as rows:
        for first in range(0, grid.height, 50):
            rows.read(first, min(first + 50, grid.height))


@pytest.mark.parametrize("pixel", [10.0, 20.0])
@pytest.mark.parametrize("compress", ["deflate", "none"])
def test_truncated_file(tmp_path: Path, compress: str, pixel: float) -> None:
    path = cut_off(tmp_path, compress, pixel)
    grid = grid_of(path, resample=True)
    with pytest.raises(
        SceneError, match=r"scene\.tif can't be read from row [1-9]\d+ on \(.+\): it is cut off"
    ) as error:
        read_to_the_end(path, grid)
    sentence(error)


def test_fingerprint_of_a_mosaic(tmp_path: Path) -> None:
    part = write_scene(tmp_path / "part.tif", ground(20, 20))
    inner, outer = tmp_path / "inner.vrt", tmp_path / "outer.vrt"
    rasterio.shutil.copy(part, inner, driver="VRT")
    rasterio.shutil.copy(inner, outer, driver="VRT")
    before = [scene_at(path).fingerprint() for path in (inner, outer)]
    assert [scene_at(path).fingerprint() for path in (inner, outer)] == before
    write_scene(part, ground(20, 20, seed=1))
    assert all(scene_at(path).fingerprint() != old for path, old in zip((inner, outer), before, strict=True))


def test_fingerprint_without_statistics(tmp_path: Path) -> None:
    path = write_scene(tmp_path / "scene.tif", ground(20, 20))
    before = scene_at(path).fingerprint()
    path.with_name("scene.tif.aux.xml").write_text(
        '<PAMDataset><PAMRasterBand band="1"><Metadata><MDI key="STATISTICS_MEAN">1</MDI></Metadata></PAMRasterBand>'
        "</PAMDataset>"
    )
    assert scene_at(path).fingerprint() == before


def test_pixels_that_are_no_squares(tmp_path: Path) -> None:
    narrow = Affine(5, 0, CORNER[0], 0, -20, CORNER[1])
    path = write_scene(tmp_path / "scene.tif", ground(20, 40), crs="EPSG:32721", transform=narrow)
    with pytest.raises(SceneError, match=r"has pixels of 5 × 20 m where"):
        grid_of(path)
    made = grid_of(path, resample=True)
    assert (made.width, made.height) == (20, 40)
    assert (made.transform.a, made.transform.e) == pytest.approx((10, -10))


def test_files_of_a_mosaic(tmp_path: Path) -> None:
    tile = write_scene(tmp_path / "tiles/tile.tif", ground(20, 20))
    inner, mosaic = tmp_path / "inner.vrt", tmp_path / "mosaic.vrt"
    rasterio.shutil.copy(tile, inner, driver="VRT")
    mosaic.write_text(inner.read_text(encoding="utf-8").replace("tiles/tile.tif", inner.name), encoding="utf-8")
    (tmp_path / "tiles/tile.tif.aux.xml").write_text("<PAMDataset/>", encoding="utf-8")
    assert raster_files(mosaic) == [mosaic, inner, tile]
    assert set(scene_at(mosaic).file_hashes()) == {str(mosaic), str(inner), str(tile)}


def test_jpeg_2000_without_warnings_of_its_driver(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "B2.jp2"
    place = {"crs": "EPSG:32721", "transform": Affine(10, 0, CORNER[0], 0, -10, CORNER[1])}
    size = {"count": 1, "height": 64, "width": 64, "dtype": "uint16"}
    with rasterio.open(path, "w", driver="JP2OpenJPEG", QUALITY="100", REVERSIBLE="YES", **size, **place) as file:
        file.write(ground(64, 64)[:1])
    caplog.clear()
    chips = ChipSettings(bands=("B2",), order=("B2",))
    with open_rows(scene_at(path), chips, lay_grid(scene_at(path), chips, 10, resample=False)) as rows:
        np.testing.assert_array_equal(rows.read(10, 20), ground(64, 64)[:1, 10:20])
    assert judge_scene(scene_at(path), chips, chips.limits) == Verdict(None)
    assert caplog.text == ""


@pytest.mark.parametrize("scale", [1, 10_000])
def test_scene_of_digital_numbers(tmp_path: Path, scale: float) -> None:
    path = write_scene(tmp_path / "scene.tif", ground(300, 700).astype(np.float32))
    verdict = judge_scene(scene_at(path), CHIPS.model_copy(update={"scale": scale}), CHIPS.limits)
    assert (verdict.fault is None) == (scale == 10_000)


def test_scene_without_data_is_not_judged(tmp_path: Path) -> None:
    path = write_scene(tmp_path / "scene.tif", np.zeros((2, 40, 40), dtype=np.uint16))
    assert judge_scene(scene_at(path), CHIPS, CHIPS.limits) == Verdict(None)
