"""Products are named, encoded and stored as ESA's are."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS
from rasterio.transform import Affine

from mining_the_mines.sentinel2.baseline import Scaling, harmonise
from mining_the_mines.sentinel2.reflectance import decode
from mining_the_mines.simulation.products import Product, to_digital_numbers, write_cog

MOMENT = datetime(2022, 1, 3, 14, 2, 11, tzinfo=UTC)


def product(baseline: str) -> Product:
    return Product(MOMENT, "sentinel-2a", baseline, 110, "21MUN", datetime(2022, 1, 3, 23, tzinfo=UTC))


@pytest.mark.parametrize(("baseline", "offset"), [("03.01", 0), ("04.00", 1000), ("05.00", 1000)])
def test_name_and_offset(baseline: str, offset: int) -> None:
    made = product(baseline)
    assert made.name == f"S2A_MSIL2A_20220103T140211_N{baseline.replace('.', '')}_R110_T21MUN_20220103T230000"
    assert made.offset == offset


def test_encodings() -> None:
    reflectance = np.linspace(0.0002, 1.2, 5000, dtype=np.float32)
    old, new = to_digital_numbers(reflectance, 0), to_digital_numbers(reflectance, 1000)
    assert np.array_equal(harmonise(old, Scaling(1e-4, 0.0, "old")), harmonise(new, Scaling(1e-4, -0.1, "new")))
    assert np.abs(decode(new) - reflectance).max() <= 0.00005 + 1e-6
    dark = np.array([-0.005], np.float32)
    assert to_digital_numbers(dark, 1000) == 950
    assert to_digital_numbers(dark, 0) == 1


@pytest.mark.parametrize(("side", "overviews"), [(300, []), (600, [2, 4])])
def test_files(tmp_path: Path, side: int, overviews: list[int]) -> None:
    image = np.random.default_rng(0).integers(1, 3000, (side, side)).astype(np.uint16)
    write_cog(tmp_path / "B02.tif", image, CRS.from_epsg(32721), Affine(10, 0, 600_000, 0, -10, 9_000_000))
    with rasterio.open(tmp_path / "B02.tif") as raster:
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert raster.overviews(1) == overviews
        assert raster.nodata == 0
        assert np.array_equal(raster.read(1), image)
