"""Chips in the form of the "Finding Mining Sites" competition, for benchmarks: 12 × 512 × 512 float32, deflate."""

from pathlib import Path

import numpy as np
import rasterio
from scipy.ndimage import gaussian_filter

from mining_the_mines.sentinel2.bands import COMPETITION_BANDS

SIZE = 512


def write_competition_chips(folder: Path, count: int, seed: int = 0) -> list[Path]:
    """Write made-up chips that compress about as well as real ones: smooth ground, fine noise, steps of 0.0001.

    Args:
        folder: An existing folder.
        count: Number of chips.
        seed: Of the random ground.

    Returns:
        The files.
    """
    random = np.random.default_rng(seed)
    profile = {"driver": "GTiff", "width": SIZE, "height": SIZE, "count": len(COMPETITION_BANDS), "dtype": "float32"}
    paths = []
    for number in range(count):
        ground = gaussian_filter(random.normal(size=(SIZE, SIZE)), 12)
        ground /= ground.std()
        path = folder / f"train_{number}.tif"
        with rasterio.open(path, "w", compress="deflate", **profile) as file:
            for index, band in enumerate(COMPETITION_BANDS, start=1):
                noise = random.normal(scale=0.01, size=ground.shape)
                reflectance = np.clip(0.05 + 0.02 * index + 0.03 * ground + noise, 0.001, 1)
                file.write(np.round(reflectance, 4).astype(np.float32), index)
                file.set_band_description(index, band)
        paths.append(path)
    return paths
