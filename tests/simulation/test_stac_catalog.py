"""Fields of simulated items."""

import numpy as np
import pytest

from mining_the_mines.simulation.stac_catalog import ASSETS, band_files, class_shares


def test_class_shares() -> None:
    classes = np.array([[0, 0, 3, 4], [8, 9, 10, 6]], np.uint8)
    shares = class_shares(classes)
    assert shares["eo:cloud_cover"] == pytest.approx(50)
    assert shares["s2:nodata_pixel_percentage"] == pytest.approx(25)
    assert shares["s2:cloud_shadow_percentage"] == pytest.approx(100 / 6, abs=1e-6)


def test_names() -> None:
    assert list(band_files().values())[:2] == ["B01.tif", "B02.tif"]
    assert band_files()["B8A"] == "B8A.tif"
    assert [key for key, _ in ASSETS.values()][-3:] == ["nir09", "swir16", "swir22"]
