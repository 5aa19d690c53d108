"""Products are named, encoded and stored as ESA's are in the cloud."""

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


def test_product_is_named_by_esas_convention() -> None:
    assert product("03.01").name == "S2A_MSIL2A_20220103T140211_N0301_R110_T21MUN_20220103T230000"


@pytest.mark.parametrize(("baseline", "offset"), [("03.01", 0), ("04.00", 1000), ("05.00", 1000)])
def test_products_have_offset_from_baseline_04_on(baseline: str, offset: int) -> None:
    assert product(baseline).offset == offset


def test_both_encodings_say_same_of_ground_not_negative() -> None:
    reflectance = np.linspace(0.0002, 1.2, 5000, dtype=np.float32)
    old, new = to_digital_numbers(reflectance, 0), to_digital_numbers(reflectance, 1000)
    assert np.array_equal(harmonise(old, Scaling(1e-4, 0.0, "old")), harmonise(new, Scaling(1e-4, -0.1, "new")))
    assert np.abs(decode(new) - reflectance).max() <= 0.00005 + 1e-6


def test_negative_reflectance_survives_with_offset_only() -> None:
    dark = np.array([-0.005], np.float32)
    assert to_digital_numbers(dark, 1000) == 950
    assert to_digital_numbers(dark, 0) == 1


@pytest.mark.parametrize(("side", "overviews"), [(300, []), (600, [2, 4])])
def test_files_are_cloud_optimised_with_overviews_where_they_pay(
    tmp_path: Path, side: int, overviews: list[int]
) -> None:
    image = np.random.default_rng(0).integers(1, 3000, (side, side)).astype(np.uint16)
    write_cog(tmp_path / "B02.tif", image, CRS.from_epsg(32721), Affine(10, 0, 600_000, 0, -10, 9_000_000))
    with rasterio.open(tmp_path / "B02.tif") as raster:
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert raster.block_shapes == [(256, 256)]
        assert raster.overviews(1) == overviews
        assert (raster.nodata, raster.compression.value) == (0, "DEFLATE")
        assert np.array_equal(raster.read(1), image)
