"""Fields of simulated items."""

import numpy as np
import pytest

from mining_the_mines.simulation.stac_catalog import class_shares


def test_class_shares() -> None:
    classes = np.array([[0, 0, 3, 4], [8, 9, 10, 6]], np.uint8)
    shares = class_shares(classes)
    assert shares["eo:cloud_cover"] == pytest.approx(50)
    assert shares["s2:nodata_pixel_percentage"] == pytest.approx(25)
    assert shares["s2:cloud_shadow_percentage"] == pytest.approx(100 / 6, abs=1e-6)
