"""Scenes that can be mapped, and those of which one sentence says why not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from affine import Affine

from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.errors import BadInputError, SceneError
from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.rasters.reader import MissingBandError
from mining_the_mines.rasters.scene import lay_grid, open_rows, raster_files
from support.scene_files import BANDS, CORNER, ground, map_rows, plan_map, scene_at, store_model, write_scene

CHIPS = ChipSettings(bands=BANDS)


def grid_of(path: Path, *, resample: bool = False) -> ChipGrid:
    return lay_grid(scene_at(path), CHIPS, 10.0, resample=resample)


def sentence(error: pytest.ExceptionInfo[BadInputError]) -> str:
    """The message, once it is sure to be one sentence."""
    message = str(error.value)
    assert "\n" not in message
    assert message.endswith(".")
    return message


def test_a_map_lies_on_the_grid_of_its_scene(tmp_path: Path) -> None:
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
        ({"transform": Affine(10, 0, CORNER[0], 0, 10, CORNER[1])}, r"scene\.tif is rotated or mirrored"),
        ({"crs": "EPSG:32721", "pixel": 20.0}, r"has pixels of 20 m, .* trained on 10 m: .*mapping\.resample"),
    ],
)
def test_a_scene_without_a_place_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = write_scene(tmp_path / "scene.tif", ground(20, 20), **changes)
    with pytest.raises(SceneError, match=message) as error:
        grid_of(path)
    sentence(error)


def test_a_missing_band_is_named(tmp_path: Path) -> None:
    path = write_scene(tmp_path / "scene.tif", ground(20, 20), ["B2", "B8"])
    with pytest.raises(MissingBandError, match=r"scene\.tif lacks B3; it has B2, B8: ") as error:
        grid_of(path)
    sentence(error)


@pytest.mark.parametrize("content", [None, b"", b"no raster"])
def test_what_is_no_raster_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "scene.tif"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SceneError, match=r"scene\.tif (does not exist|can't be read as a raster)") as error:
        grid_of(path)
    sentence(error)


def test_a_coordinate_system_of_its_own_has_no_place_on_the_earth(tmp_path: Path) -> None:
    local = 'LOCAL_CS["mine grid",UNIT["metre",1]]'
    path = write_scene(tmp_path / "scene.tif", ground(20, 20), crs=local)
    with pytest.raises((SceneError, BadInputError), match=r"can't be placed on the Earth"):
        grid_of(path)


@pytest.mark.parametrize("latitude", [0.0, -7.0, 20.0])
def test_degrees_are_measured_as_metres(tmp_path: Path, latitude: float) -> None:
    step = 10 / 111_320
    path = write_scene(
        tmp_path / "scene.tif", ground(20, 20), crs="EPSG:4326", transform=Affine(step, 0, -55, 0, -step, latitude)
    )
    assert grid_of(path).transform.a == step


def test_a_scene_with_other_pixels_is_resampled_on_demand(tmp_path: Path) -> None:
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


def test_gaps_of_a_resampled_scene_stay_gaps(tmp_path: Path) -> None:
    empty = np.zeros((20, 20), dtype=bool)
    empty[:, :8] = True
    path = write_scene(tmp_path / "scene.tif", np.maximum(ground(20, 20), 3_000) * ~empty, pixel=20.0)
    with open_rows(scene_at(path), CHIPS, grid_of(path, resample=True)) as rows:
        reflectance = rows.bands.decode(rows.read(0, 40))
    assert np.isnan(reflectance[:, :, :16]).all()
    assert (reflectance[:, :, 16:] > 0.29).all()


def test_a_scene_with_finer_pixels_is_averaged(tmp_path: Path) -> None:
    numbers = ground(40, 40)
    path = write_scene(tmp_path / "scene.tif", numbers, pixel=5.0)
    grid = grid_of(path, resample=True)
    with open_rows(scene_at(path), CHIPS, grid) as rows:
        read = rows.bands.decode(rows.read(0, 20))
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
@pytest.mark.parametrize("compress", ["deflate", "none", "zstd"])
def test_a_file_that_is_cut_off_is_found_in_mid_scene(tmp_path: Path, compress: str, pixel: float) -> None:
    path = cut_off(tmp_path, compress, pixel)
    grid = grid_of(path, resample=True)
    with pytest.raises(
        SceneError, match=r"scene\.tif can't be read from row [1-9]\d+ on \(.+\): it is cut off"
    ) as error:
        read_to_the_end(path, grid)
    sentence(error)


def test_bands_of_rows_before_the_cut_are_kept(tmp_path: Path) -> None:
    plan = plan_map(cut_off(tmp_path, "deflate"), store_model(tmp_path / "model"), band_rows=50)
    parts = tmp_path / "parts"
    with pytest.raises(SceneError, match="cut off"):
        map_rows(plan, parts)
    kept = list(parts.iterdir())
    assert 0 < len(kept) < len(plan.bands)
    assert all(part.suffix == ".npy" for part in kept)


def test_a_mosaic_whose_parts_change_has_another_fingerprint(tmp_path: Path) -> None:
    part = write_scene(tmp_path / "part.tif", ground(20, 20))
    inner, outer = tmp_path / "inner.vrt", tmp_path / "outer.vrt"
    rasterio.shutil.copy(part, inner, driver="VRT")
    rasterio.shutil.copy(inner, outer, driver="VRT")
    before = [scene_at(path).fingerprint() for path in (inner, outer)]
    assert [scene_at(path).fingerprint() for path in (inner, outer)] == before
    write_scene(part, ground(20, 20, seed=1))
    assert all(scene_at(path).fingerprint() != old for path, old in zip((inner, outer), before, strict=True))


def test_a_scene_that_somebody_looked_at_keeps_its_fingerprint(tmp_path: Path) -> None:
    path = write_scene(tmp_path / "scene.tif", ground(20, 20))
    before = scene_at(path).fingerprint()
    path.with_name("scene.tif.aux.xml").write_text(
        '<PAMDataset><PAMRasterBand band="1"><Metadata><MDI key="STATISTICS_MEAN">1</MDI></Metadata></PAMRasterBand>'
        "</PAMDataset>"
    )
    assert scene_at(path).fingerprint() == before


def test_another_file_of_the_same_name_has_another_fingerprint(tmp_path: Path) -> None:
    path = write_scene(tmp_path / "scene.tif", ground(20, 20))
    before = scene_at(path).fingerprint()
    write_scene(path, ground(21, 20))
    assert scene_at(path).fingerprint() != before


def test_pixels_that_are_no_squares_are_refused_or_made_square(tmp_path: Path) -> None:
    narrow = Affine(5, 0, CORNER[0], 0, -20, CORNER[1])
    path = write_scene(tmp_path / "scene.tif", ground(20, 40), crs="EPSG:32721", transform=narrow)
    with pytest.raises(SceneError, match=r"has pixels of 5 × 20 m, "):
        grid_of(path)
    made = grid_of(path, resample=True)
    assert (made.width, made.height) == (20, 40)
    assert (made.transform.a, made.transform.e) == pytest.approx((10, -10))


def test_a_mosaic_is_told_with_all_its_tiles(tmp_path: Path) -> None:
    tile = write_scene(tmp_path / "tiles/tile.tif", ground(20, 20))
    inner, mosaic = tmp_path / "inner.vrt", tmp_path / "mosaic.vrt"
    rasterio.shutil.copy(tile, inner, driver="VRT")
    mosaic.write_text(inner.read_text(encoding="utf-8").replace("tiles/tile.tif", inner.name), encoding="utf-8")
    (tmp_path / "tiles/tile.tif.aux.xml").write_text("<PAMDataset/>", encoding="utf-8")
    assert raster_files(mosaic) == [mosaic, inner, tile]
    assert set(scene_at(mosaic).file_hashes()) == {str(mosaic), str(inner), str(tile)}
