"""Pixels without data, in all the ways in which files say so."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import rasterio
from rasterio.enums import ColorInterp

from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.rasters.chip import read_chip
from mining_the_mines.rasters.reader import RasterFormat
from mining_the_mines.rasters.scene import lay_grid, open_rows
from mining_the_mines.rasters.true_colour import read_overview
from support.chip_files import BANDS, ground, write_chip
from support.scene_files import scene_at

LAYOUT = RasterFormat(bands=BANDS)
#: The right half of each file has no data.
GONE = np.broadcast_to(np.arange(16) >= 8, (16, 16))


def numbers() -> npt.NDArray[np.uint16]:
    return np.rint(ground(1) * 10_000).astype(np.uint16)


def alpha_band(path: Path) -> None:
    planes = np.concatenate([numbers(), np.where(GONE, 0, 65_535).astype(np.uint16)[None]])
    write_chip(path, planes, [*BANDS, None], scaled=False, georeferenced=True)
    with rasterio.open(path, "r+") as file:
        file.colorinterp = [ColorInterp.gray, *[ColorInterp.undefined] * 5, ColorInterp.alpha]


def data_mask(path: Path) -> None:
    planes = np.concatenate([numbers(), (~GONE).astype(np.uint16)[None]])
    write_chip(path, planes, [*BANDS, "dataMask"], scaled=False, georeferenced=True)


def mask_inside(path: Path) -> None:
    write_chip(path, numbers(), scaled=False, georeferenced=True)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as file:
        file.write_mask(~GONE)


def mask_beside(path: Path) -> None:
    write_chip(path, numbers(), scaled=False, georeferenced=True)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(path, "r+") as file:
        file.write_mask(~GONE)
    assert path.with_name(f"{path.name}.msk").is_file()


def mask_and_nodata(path: Path) -> None:
    write_chip(path, np.where(np.arange(16) >= 12, 9, numbers()), scaled=False, georeferenced=True, nodata=9)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as file:
        file.write_mask(~GONE | (np.arange(16) >= 12))


def zeros_beside_nodata(path: Path) -> None:
    write_chip(path, np.where(GONE, 0, numbers()), scaled=False, georeferenced=True, nodata=65_535)


def saturated(path: Path) -> None:
    write_chip(path, np.where(GONE, 65_535, numbers()), scaled=False, georeferenced=True)


def signed(path: Path) -> None:
    write_chip(path, np.where(GONE, -32_768, numbers()).astype(np.int16), scaled=False, georeferenced=True)


def floats_of(value: float) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        write_chip(path, np.where(GONE, np.float32(value), ground(1)), scaled=False, georeferenced=True)

    return write


@pytest.mark.parametrize(
    "write",
    [
        alpha_band, data_mask, mask_inside, mask_beside, mask_and_nodata, zeros_beside_nodata, saturated, signed,
        floats_of(np.nan), floats_of(-np.inf), floats_of(np.inf), floats_of(-3.4028234663852886e38), floats_of(-9999),
        floats_of(1e20), floats_of(0),
    ],
)  # fmt: skip
def test_ways_to_say_no_data(tmp_path: Path, write: Callable[[Path], None]) -> None:
    path = tmp_path / "a.tif"
    write(path)
    reflectance = read_chip(path, LAYOUT).reflectance
    np.testing.assert_array_equal(np.isnan(reflectance), np.broadcast_to(GONE, reflectance.shape))
    np.testing.assert_allclose(reflectance[:, :, :8], ground(1)[:, :, :8], atol=1e-4)
    scene = scene_at(path)
    chips = ChipSettings(bands=BANDS)
    with open_rows(scene, chips, lay_grid(scene, chips, 10, resample=False)) as rows:
        np.testing.assert_array_equal(rows.decode(rows.read(4, 9)), reflectance[:, 4:9])
    assert_resampled(path, BANDS)


def assert_resampled(path: Path, bands: tuple[str, ...]) -> None:
    """In pixels of 20 m the gap is where it is in pixels of 10 m."""
    chips = ChipSettings(bands=bands)
    with open_rows(scene_at(path), chips, lay_grid(scene_at(path), chips, 20, resample=True)) as rows:
        coarse = rows.decode(rows.read(0, 8))
    np.testing.assert_array_equal(np.isnan(coarse), np.broadcast_to(GONE[::2, ::2], coarse.shape))
    known = ground(1).reshape(len(ground(1)), 8, 2, 8, 2).mean(axis=(2, 4))[: len(bands), :, :4]
    np.testing.assert_allclose(coarse[:, :, :4], known, atol=1e-4)


@pytest.mark.parametrize("write", [alpha_band, data_mask, mask_inside, mask_beside, floats_of(np.nan)])
def test_overviews_without_data(tmp_path: Path, write: Callable[[Path], None]) -> None:
    write(tmp_path / "a.tif")
    small, _ = read_overview(tmp_path / "a.tif", LAYOUT, 8)
    np.testing.assert_array_equal(np.isnan(small), np.broadcast_to(GONE[::2, ::2], small.shape))
    around = (499_960, 9_399_960, 500_160, 9_400_040)
    part, _ = read_overview(tmp_path / "a.tif", LAYOUT, 100, around)
    assert np.isnan(part[:, :4]).all()
    assert np.isnan(part[:, 4:, 12:]).all()
    assert np.isfinite(part[:, 4:, 4:12]).all()


def test_one_nodata_value_per_band(tmp_path: Path) -> None:
    values = {"B2": 0, "B3": 65_535, "B4": -9_999}
    parts: list[str] = []
    for (band, value), plane in zip(values.items(), numbers(), strict=False):
        dtype = "int16" if value < 0 else "uint16"
        part = np.where(GONE, value, plane).astype(dtype)
        write_chip(tmp_path / f"{band}.tif", part[None], [band], scaled=False, georeferenced=True, nodata=value)
        parts.append(
            f'<VRTRasterBand dataType="{"Int16" if value < 0 else "UInt16"}" band="{len(parts) + 1}">'
            f"<Description>{band}</Description><NoDataValue>{value}</NoDataValue><ComplexSource><SourceFilename "
            f'relativeToVRT="1">{band}.tif</SourceFilename><SourceBand>1</SourceBand><NODATA>{value}</NODATA>'
            "</ComplexSource></VRTRasterBand>"
        )
    stack = tmp_path / "stack.vrt"
    stack.write_text(
        '<VRTDataset rasterXSize="16" rasterYSize="16"><SRS>EPSG:32721</SRS>'
        f"<GeoTransform>500000, 10, 0, 9400000, 0, -10</GeoTransform>{''.join(parts)}</VRTDataset>",
        encoding="utf-8",
    )
    reflectance = read_chip(stack, RasterFormat(bands=("B2", "B3", "B4"))).reflectance
    np.testing.assert_array_equal(np.isnan(reflectance), np.broadcast_to(GONE, reflectance.shape))
    np.testing.assert_array_equal(read_chip(stack, RasterFormat(bands=("B4",))).reflectance[0], reflectance[2])
    assert_resampled(stack, ("B2", "B3"))


def test_a_gap_in_one_band(tmp_path: Path) -> None:
    pixels = ground(1)
    pixels[2, :, 8:] = np.nan
    reflectance = read_chip(write_chip(tmp_path / "a.tif", pixels, scaled=False), LAYOUT).reflectance
    np.testing.assert_array_equal(reflectance, pixels)


def test_numbers_below_zero(tmp_path: Path) -> None:
    dark = np.full((6, 16, 16), -15, dtype=np.int16)
    reflectance = read_chip(write_chip(tmp_path / "a.tif", dark, scaled=False, nodata=-999), LAYOUT).reflectance
    np.testing.assert_allclose(reflectance, -0.0015, rtol=1e-6)


def test_a_fourth_band_in_the_colour_of_alpha(tmp_path: Path) -> None:
    bands = ("B4", "B3", "B2", "B8")
    path = write_chip(tmp_path / "a.tif", ground(1, 4), bands, photometric="rgb", alpha="yes")
    with rasterio.open(path) as file:
        assert file.colorinterp[3] == ColorInterp.alpha
    np.testing.assert_allclose(read_chip(path, RasterFormat(bands=bands)).reflectance, ground(1, 4), atol=1e-4)


@pytest.mark.parametrize(
    ("dtype", "numbers_of", "tags", "options"),
    [
        ("int16", lambda r: r * 10_000, None, {}),
        ("int32", lambda r: r * 10_000, None, {}),
        ("uint32", lambda r: r * 10_000 + 1_000, (0.0001, -0.1), {}),
        ("float64", lambda r: r * 10_000, None, {"scale": 10_000}),
        ("float64", lambda r: r, None, {}),
        ("float32", lambda r: r * 100, (0.01, 0), {}),
        ("uint8", lambda r: r * 250, (0.004, 0), {}),
        ("int16", lambda r: r * 10_000 + 1_000, (0.0001, -1_000), {}),
        ("uint16", lambda r: r * 10_000 + 1_000, (1, -1_000), {}),
        ("uint16", lambda r: r * 10_000, (10_000, 0), {}),
    ],
)
def test_types_and_scales(
    tmp_path: Path,
    dtype: str,
    numbers_of: Callable[[npt.NDArray[Any]], npt.NDArray[Any]],
    tags: tuple[float, float] | None,
    options: dict[str, Any],
) -> None:
    pixels = numbers_of(ground(1).astype(np.float64))
    stored = pixels if dtype.startswith("float") else np.rint(pixels)
    path = write_chip(tmp_path / "a.tif", stored.astype(dtype), scaled=False)
    if tags is not None:
        with rasterio.open(path, "r+") as file:
            file.scales, file.offsets = [tags[0]] * 6, [tags[1]] * 6
    chip = read_chip(path, RasterFormat(bands=BANDS, **options))
    np.testing.assert_allclose(chip.reflectance, ground(1), atol=0.003 if dtype == "uint8" else 1e-4)
    scale, offset = tags or (0.0001, 0)
    doubts = {"implausible scale": scale >= 1, "implausible offset": abs(offset) >= 1}
    assert [doubt.split(":")[0] for doubt in chip.doubts] == [kind for kind, expected in doubts.items() if expected]


def test_tags_on_some_bands(tmp_path: Path) -> None:
    path = write_chip(tmp_path / "a.tif", ground(1))
    with rasterio.open(path, "r+") as file:
        file.scales = [0.0002, *[1.0] * 5]
    reflectance = read_chip(path, LAYOUT).reflectance
    np.testing.assert_allclose(reflectance, ground(1) * np.array([2, 1, 1, 1, 1, 1])[:, None, None], atol=2e-4)


def test_a_stated_offset_that_the_file_contradicts(tmp_path: Path) -> None:
    path = write_chip(tmp_path / "a.tif", ground(1))
    with rasterio.open(path, "r+") as file:
        file.scales = [0.0001] * 6
    (doubt,) = read_chip(path, RasterFormat(bands=BANDS, offset=-0.1)).doubts
    assert "imagery.offset are not used" in doubt
