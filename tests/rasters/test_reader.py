"""Rasters read by band name, as reflectance; unreadable ones refused in a sentence."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import rasterio

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.rasters.chip import read_chip
from mining_the_mines.rasters.reader import RasterFormat
from mining_the_mines.rasters.true_colour import read_overview, read_true_colour
from mining_the_mines.sentinel2.bands import COMPETITION_BANDS
from support.chip_files import BANDS, ground, write_chip

Reflectance = npt.NDArray[np.float32]


def read(path: Path, bands: tuple[str, ...] = BANDS, **options: Any) -> Reflectance:
    return read_chip(path, RasterFormat(bands=bands, **options)).reflectance


def test_integers_and_floats(tmp_path: Path) -> None:
    pixels = ground(1)
    chip = read_chip(write_chip(tmp_path / "a.tif", pixels), RasterFormat(bands=BANDS))
    np.testing.assert_allclose(chip.reflectance, pixels, atol=0.0001)
    assert chip.reflectance.dtype == np.float32
    assert (chip.dtype, chip.height, chip.width) == ("uint16", 16, 16)
    np.testing.assert_array_equal(read(write_chip(tmp_path / "b.tif", pixels, scaled=False)), pixels)


def test_bands_by_name_in_the_wanted_order(tmp_path: Path) -> None:
    pixels = ground(1)
    path = write_chip(tmp_path / "a.tif", pixels[::-1], BANDS[::-1], scaled=False)
    np.testing.assert_array_equal(read(path), pixels)
    np.testing.assert_array_equal(read(path, ("B12", "B3")), pixels[[5, 1]])


def test_bands_without_names(tmp_path: Path) -> None:
    pixels = ground(1)
    path = write_chip(tmp_path / "a.tif", pixels, [None] * 6, scaled=False)
    np.testing.assert_array_equal(read(path), pixels)
    with pytest.raises(BadInputError, match=r"a\.tif has 6 bands without names where 12 are wanted"):
        read(path, COMPETITION_BANDS)


@pytest.mark.parametrize(
    "descriptions", [["Band 1", "Band 2", "Band 3", "Band 4"], ["b1", "b2", "b3", "b4"], ["Gray"] * 4]
)
def test_numbers_instead_of_names(tmp_path: Path, descriptions: list[str]) -> None:
    path = write_chip(tmp_path / "a.tif", ground(1, 4), descriptions)
    for bands in (("B2", "B3", "B4"), ("B2", "B3", "B4", "B8")):
        with pytest.raises(BadInputError, match=rf"calls its bands {descriptions[0]}.*imagery\.order"):
            read(path, bands)
    stated = read(path, ("B4", "B2"), order=("B2", "B3", "B4", "B8"))
    np.testing.assert_allclose(stated, ground(1, 4)[[2, 0]], atol=1e-4)


def test_stated_order(tmp_path: Path) -> None:
    named = write_chip(tmp_path / "a.tif", ground(1))
    np.testing.assert_allclose(read(named, order=BANDS[::-1]), ground(1), atol=1e-4)
    nameless = write_chip(tmp_path / "b.tif", ground(1, 4), [None] * 4)
    np.testing.assert_allclose(read(nameless, ("B8",), order=("red", "NDVI", "B02", "nir")), ground(1)[3:4], atol=1e-4)
    with pytest.raises(BadInputError, match=r"has 4 bands, and imagery\.order states 3"):
        read(nameless, ("B2",), order=("B2", "B3", "B4"))


def test_bands_without_names_are_doubted(tmp_path: Path) -> None:
    path = write_chip(tmp_path / "a.tif", ground(1), [None] * 6)
    (doubt,) = read_chip(path, RasterFormat(bands=BANDS)).doubts
    assert doubt.startswith("bands without names: ")
    assert read_chip(path, RasterFormat(bands=BANDS, order=BANDS)).doubts == ()


def test_colours_of_bands_without_names(tmp_path: Path) -> None:
    path = write_chip(tmp_path / "a.tif", ground(1, 3), [None] * 3, photometric="rgb")
    np.testing.assert_allclose(read(path, ("B4", "B3", "B2")), ground(1, 3), atol=1e-4)
    with pytest.raises(BadInputError, match=r"its colours \(red, green, blue\) are not those of B2, B3, B4"):
        read(path, ("B2", "B3", "B4"))
    np.testing.assert_allclose(read(path, ("B2", "B3", "B4"), order=("B2", "B3", "B4")), ground(1, 3), atol=1e-4)


def test_keys_of_earth_search(tmp_path: Path) -> None:
    keys = "coastal blue green red rededge1 rededge2 rededge3 nir nir08 nir09 swir16 swir22"
    path = write_chip(tmp_path / "a.tif", ground(1, 12), keys.split(), scaled=False)
    np.testing.assert_array_equal(read(path, COMPETITION_BANDS), ground(1, 12))


def test_missing_and_repeated_bands(tmp_path: Path) -> None:
    path = write_chip(tmp_path / "a.tif", ground(1, 3), ("B4", "B3", "B04"))
    with pytest.raises(BadInputError, match=r"a\.tif lacks B1, B2.*it has B4, B3, B4"):
        read(path, COMPETITION_BANDS)
    with pytest.raises(BadInputError, match=r"a\.tif names B4 more than once"):
        read(path, ("B4",))


def test_nodata_of_the_file(tmp_path: Path) -> None:
    pixels = ground(1)
    pixels[2, 3, 4] = 0
    reflectance = read(write_chip(tmp_path / "a.tif", pixels, nodata=0))
    assert np.isnan(reflectance[2, 3, 4])
    assert np.isnan(reflectance).sum() == 1
    pixels[2, 3, 4] = np.nan
    np.testing.assert_array_equal(read(write_chip(tmp_path / "b.tif", pixels, scaled=False, nodata=np.nan)), pixels)


def test_given_nodata(tmp_path: Path) -> None:
    pixels = ground(1)
    pixels[:, 0, 0] = -9999
    assert np.isnan(read(write_chip(tmp_path / "a.tif", pixels, scaled=False), nodata=-9999)).sum() == 6


def test_without_nodata_zero_in_every_band_is_missing(tmp_path: Path) -> None:
    pixels = ground(1)
    pixels[:, 0, 0] = 0
    pixels[0, 5, 5] = 0
    reflectance = read(write_chip(tmp_path / "a.tif", pixels))
    assert np.isnan(reflectance[:, 0, 0]).all()
    assert reflectance[0, 5, 5] == 0


def test_scale_and_offset_of_the_file_win(tmp_path: Path) -> None:
    path = write_chip(tmp_path / "a.tif", ground(1) * 100, scaled=False)
    np.testing.assert_allclose(read(path, scale=100, offset=-0.1), ground(1) - 0.1, rtol=1e-5, atol=1e-6)
    path = write_chip(tmp_path / "b.tif", ground(1))
    with rasterio.open(path, "r+") as file:
        file.scales, file.offsets = [0.0002] * 6, [-0.1] * 6
    np.testing.assert_allclose(read(path, scale=1, offset=-0.5), ground(1) * 2 - 0.1, atol=0.0002)


def test_8_bit_pictures_and_complex_numbers(tmp_path: Path) -> None:
    path = write_chip(tmp_path / "a.tif", (ground(1, 3) * 255).astype(np.uint8), ("B4", "B3", "B2"), scaled=False)
    with pytest.raises(BadInputError, match=r"a\.tif holds 8-bit pixels"):
        read(path, ("B4",))
    assert read(path, ("B4",), scale=255).max() <= 1
    path = write_chip(tmp_path / "b.tif", ground(1).astype(np.complex64), scaled=False)
    with pytest.raises(BadInputError, match=r"b\.tif holds complex64 pixels"):
        read(path)


def test_unreadable_files(tmp_path: Path) -> None:
    cut_off = write_chip(tmp_path / "a.tif", ground(1, size=64), compress="deflate")
    cut_off.write_bytes(cut_off.read_bytes()[:-2000])
    (tmp_path / "b.tif").write_text("no raster", encoding="utf-8")
    for name in ("a", "b"):
        with pytest.raises(BadInputError, match=rf"{name}\.tif can't be read as a raster"):
            read(tmp_path / f"{name}.tif")
    with pytest.raises(BadInputError, match="does not exist"):
        read(tmp_path / "c.tif")


def test_bounds_in_degrees(tmp_path: Path) -> None:
    transform = rasterio.transform.from_bounds(10, 20, 10.5, 20.25, 16, 16)
    local = rasterio.crs.CRS.from_wkt('LOCAL_CS["site grid",UNIT["metre",1]]')
    files: dict[str, dict[str, Any]] = {
        "utm": {"georeferenced": True},
        "degrees": {"crs": "EPSG:4326", "transform": transform},
        "local": {"georeferenced": True, "crs": local},
        "none": {},
    }
    found = {}
    for name, options in files.items():
        chip = read_chip(write_chip(tmp_path / f"{name}.tif", ground(1), **options), RasterFormat(bands=BANDS))
        found[name] = chip.wgs84_bounds
    west, south, east, north = found["utm"] or (0, 0, 0, 0)
    assert -57.1 < west < east < -56.9
    assert -5.5 < south < north < -5.4
    assert found["degrees"] == pytest.approx((10, 20, 10.5, 20.25))
    assert found["local"] is None
    assert found["none"] is None


def test_true_colour(tmp_path: Path) -> None:
    pixels = ground(1)
    path = write_chip(tmp_path / "a.tif", pixels, scaled=False)
    np.testing.assert_array_equal(read_true_colour(path), pixels[[2, 1, 0]])
    nameless = write_chip(tmp_path / "b.tif", pixels, [None] * 6, scaled=False)
    np.testing.assert_array_equal(read_true_colour(nameless, BANDS), pixels[[2, 1, 0]])
    infrared = write_chip(tmp_path / "c.tif", pixels[3:], BANDS[3:], scaled=False)
    np.testing.assert_array_equal(read_true_colour(infrared, BANDS[3:]), pixels[[3, 3, 3]])


def test_overview_of_a_part(tmp_path: Path) -> None:
    path = write_chip(tmp_path / "a.tif", ground(1), scaled=False, georeferenced=True, nodata=np.nan)
    layout = RasterFormat(bands=BANDS)
    whole, transform = read_overview(path, layout, 8)
    np.testing.assert_allclose(whole[0, 0, 0], ground(1)[2, :2, :2].mean(), rtol=1e-5)
    assert (whole.shape, transform.a) == ((3, 8, 8), 20)
    part, transform = read_overview(path, layout, 100, (499_960, 9_399_960, 500_040, 9_400_040))
    assert (part.shape, transform.c) == ((3, 8, 8), 499_960)
    np.testing.assert_array_equal(part[0, 4:, 4:], ground(1)[2, :4, :4])
    assert np.isnan(part[:, :4]).all()
