"""Chips are read by band name, as reflectance, and what can't be read says why."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.windows import Window

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.rasters.chip import Chip, read_chip
from mining_the_mines.rasters.reader import RasterFormat, find_bands
from mining_the_mines.sentinel2.bands import COMPETITION_BANDS
from support.chip_files import BANDS, ground, write_chip


def read(path: Path, bands: tuple[str, ...] = BANDS, **options: Any) -> Chip:
    return read_chip(path, RasterFormat(bands=bands, **options))


def test_integers_become_reflectance(tmp_path: Path) -> None:
    pixels = ground(1)
    chip = read(write_chip(tmp_path / "a.tif", pixels), BANDS)
    np.testing.assert_allclose(chip.reflectance, pixels, atol=0.0001)
    assert chip.reflectance.dtype == np.float32
    assert (chip.dtype, chip.height, chip.width) == ("uint16", 16, 16)


def test_floats_are_taken_as_they_are(tmp_path: Path) -> None:
    pixels = ground(1)
    chip = read(write_chip(tmp_path / "a.tif", pixels, scaled=False), BANDS)
    np.testing.assert_array_equal(chip.reflectance, pixels)


def test_bands_are_found_in_any_order(tmp_path: Path) -> None:
    pixels = ground(1)
    path = write_chip(tmp_path / "a.tif", pixels[::-1], BANDS[::-1], scaled=False)
    np.testing.assert_array_equal(read(path, BANDS).reflectance, pixels)


def test_a_subset_of_the_bands_is_read_in_the_order_asked_for(tmp_path: Path) -> None:
    pixels = ground(1)
    chip = read(write_chip(tmp_path / "a.tif", pixels, scaled=False), ("B12", "B3"))
    np.testing.assert_array_equal(chip.reflectance, pixels[[5, 1]])
    assert chip.bands == ("B12", "B3")


def test_bands_without_names_are_taken_in_the_given_order(tmp_path: Path) -> None:
    pixels = ground(1)
    path = write_chip(tmp_path / "a.tif", pixels, [None] * 6, scaled=False)
    np.testing.assert_array_equal(read(path, BANDS).reflectance, pixels)


def test_bands_without_names_and_of_another_number_are_an_error(tmp_path: Path) -> None:
    path = write_chip(tmp_path / "a.tif", ground(1), [None] * 6)
    with pytest.raises(BadInputError, match=r"a\.tif has 6 bands without names where 12 are wanted"):
        read(path, COMPETITION_BANDS)


def test_a_true_colour_chip_does_not_do_for_a_twelve_band_model(tmp_path: Path) -> None:
    path = write_chip(tmp_path / "a.tif", ground(1, 3), ("B4", "B3", "B2"))
    with pytest.raises(BadInputError, match=r"a\.tif lacks B1, B5.*it has B4, B3, B2"):
        read(path, COMPETITION_BANDS)


def test_a_band_that_is_there_twice_is_an_error(tmp_path: Path) -> None:
    path = write_chip(tmp_path / "a.tif", ground(1, 3), ("B4", "B3", "B04"))
    with pytest.raises(BadInputError, match=r"a\.tif names B4 more than once"):
        read(path, ("B4",))


def test_a_nodata_value_in_the_file_becomes_nan(tmp_path: Path) -> None:
    pixels = ground(1)
    pixels[2, 3, 4] = 0
    reflectance = read(write_chip(tmp_path / "a.tif", pixels, nodata=0), BANDS).reflectance
    assert np.isnan(reflectance[2, 3, 4])
    assert np.isnan(reflectance).sum() == 1


def test_a_nodata_value_can_be_given(tmp_path: Path) -> None:
    pixels = ground(1)
    pixels[:, 0, 0] = -9999
    path = write_chip(tmp_path / "a.tif", pixels, scaled=False)
    assert np.isnan(read(path, BANDS, nodata=-9999).reflectance).sum() == 6


def test_nan_as_nodata_value_is_understood(tmp_path: Path) -> None:
    pixels = ground(1)
    pixels[0, 0, 0] = np.nan
    path = write_chip(tmp_path / "a.tif", pixels, scaled=False, nodata=np.nan)
    np.testing.assert_array_equal(read(path, BANDS).reflectance, pixels)


def test_without_nodata_value_only_zero_in_every_band_is_nodata(tmp_path: Path) -> None:
    pixels = ground(1)
    pixels[:, 0, 0] = 0
    pixels[0, 5, 5] = 0
    reflectance = read(write_chip(tmp_path / "a.tif", pixels), BANDS).reflectance
    assert np.isnan(reflectance[:, 0, 0]).all()
    assert reflectance[0, 5, 5] == 0


def test_the_scale_can_be_given(tmp_path: Path) -> None:
    path = write_chip(tmp_path / "a.tif", ground(1) * 100, scaled=False)
    np.testing.assert_allclose(read(path, BANDS, scale=100).reflectance, ground(1), rtol=1e-6)


def test_scale_and_offset_in_the_file_win(tmp_path: Path) -> None:
    path = write_chip(tmp_path / "a.tif", ground(1))
    with rasterio.open(path, "r+") as file:
        file.scales, file.offsets = [0.0002] * 6, [-0.1] * 6
    np.testing.assert_allclose(read(path, BANDS, scale=1).reflectance, ground(1) * 2 - 0.1, atol=0.0002)


def test_a_picture_of_eight_bits_is_not_taken_for_reflectance(tmp_path: Path) -> None:
    path = write_chip(tmp_path / "a.tif", (ground(1, 3) * 255).astype(np.uint8), ("B4", "B3", "B2"), scaled=False)
    with pytest.raises(BadInputError, match=r"a\.tif holds 8-bit pixels"):
        read(path, ("B4",))
    assert read(path, ("B4",), scale=255).reflectance.max() <= 1


def test_complex_pixels_are_an_error(tmp_path: Path) -> None:
    path = write_chip(tmp_path / "a.tif", ground(1).astype(np.complex64), scaled=False)
    with pytest.raises(BadInputError, match=r"a\.tif holds complex64 pixels"):
        read(path, BANDS)


def test_a_truncated_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = write_chip(tmp_path / "a.tif", ground(1, size=64), compress="deflate")
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(BadInputError, match=r"a\.tif can't be read as a raster"):
        read(path, BANDS)


def test_text_under_the_name_of_a_tiff_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_text("no raster", encoding="utf-8")
    with pytest.raises(BadInputError, match=r"a\.tif can't be read as a raster"):
        read(path, BANDS)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="does not exist"):
        read(tmp_path / "a.tif", BANDS)


def test_a_path_may_have_spaces_and_letters_of_any_language(tmp_path: Path) -> None:
    folder = tmp_path / "Mineração ilegal 金矿"
    folder.mkdir()
    assert read(write_chip(folder / "garimpo número 1.tif", ground(1)), BANDS).width == 16


def test_bounds_are_degrees_whatever_the_coordinate_system(tmp_path: Path) -> None:
    west, south, east, north = read(
        write_chip(tmp_path / "a.tif", ground(1), georeferenced=True), BANDS
    ).wgs84_bounds or (0, 0, 0, 0)
    assert -57.1 < west < east < -56.9
    assert -5.5 < south < north < -5.4


def test_bounds_in_degrees_are_taken_as_they_are(tmp_path: Path) -> None:
    transform = rasterio.transform.from_bounds(10, 20, 10.5, 20.25, 16, 16)
    path = write_chip(tmp_path / "a.tif", ground(1), crs="EPSG:4326", transform=transform)
    assert read(path, BANDS).wgs84_bounds == pytest.approx((10, 20, 10.5, 20.25))


def test_a_chip_without_coordinates_has_no_bounds(tmp_path: Path) -> None:
    chip = read(write_chip(tmp_path / "a.tif", ground(1)), BANDS)
    assert chip.wgs84_bounds is None
    assert chip.grid is None


def test_a_local_grid_has_no_bounds_in_degrees(tmp_path: Path) -> None:
    local = 'LOCAL_CS["site grid",UNIT["metre",1]]'
    path = write_chip(tmp_path / "a.tif", ground(1), georeferenced=True, crs=rasterio.crs.CRS.from_wkt(local))
    assert read(path, BANDS).wgs84_bounds is None


def test_an_offset_is_added_unless_the_file_has_its_own(tmp_path: Path) -> None:
    plain = write_chip(tmp_path / "plain.tif", np.full((1, 4, 4), 0.15, np.float32), ("B2",))
    assert read(plain, ("B2",), offset=-0.1).reflectance == pytest.approx(0.05)
    with rasterio.open(plain, "r+") as chip:
        chip.scales, chip.offsets = (0.0001,), (-0.05,)
    assert read(plain, ("B2",), offset=-0.1).reflectance == pytest.approx(0.1)


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_numbers_of_a_window_can_be_decoded_again_and_again(tmp_path: Path, dtype: str) -> None:
    pixels = (ground(1) * 10_000).round().astype(dtype)
    path = write_chip(tmp_path / "a.tif", pixels, scaled=False)
    with rasterio.open(path) as source:
        reader = find_bands(source, RasterFormat(bands=("B12", "B3"), scale=10_000, nodata=float(pixels[5, 4, 4])))
        numbers = reader.read(source, Window(3, 2, 8, 5))
    before = numbers.copy()
    first, second = reader.decode(numbers), reader.decode(numbers)
    np.testing.assert_array_equal(numbers, before)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(first[1], pixels[1, 2:7, 3:11] / 10_000, rtol=1e-6)
    assert np.isnan(first[0, 2, 1])
    np.testing.assert_array_equal(reader.of([1]).decode(numbers[1:]), first[1:])
