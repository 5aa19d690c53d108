"""Relief and its light."""

import numpy as np

from mining_the_mines.simulation.relief import Sun, illumination


def test_flat_ground() -> None:
    assert np.allclose(illumination(np.zeros((8, 8), np.float32), 5, Sun()), 1)


def test_slopes() -> None:
    falls_to_the_east = -np.tile(np.arange(8, dtype=np.float32), (8, 1))
    morning = Sun(elevation=45, azimuth=90)
    assert illumination(falls_to_the_east, 5, morning).mean() > 1
    assert illumination(-falls_to_the_east, 5, morning).mean() < 1
