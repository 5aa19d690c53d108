"""Reading a chip ready for a model against GDAL's bare read of it.

Ours: read the bands by name, find pixels without data, normalise by band statistics and compute nine spectral indices.
Rival: ``rasterio.open(path).read()``. Both on one thread, on the same chips, turn by turn; 12 bands of 512 × 512 pixels
in float32 with deflate compression, as in the "Finding Mining Sites" competition. At most 1.3 times the rival's time
is wanted.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio

from competition_chips import write_competition_chips
from mining_the_mines.rasters.chip import read_chip
from mining_the_mines.rasters.reader import RasterFormat
from mining_the_mines.sentinel2.bands import COMPETITION_BANDS
from mining_the_mines.sentinel2.indices import DEFAULT_INDICES, compute_index

LIMIT = 1.3
CHIPS = 12
ROUNDS = 5

MEAN = np.full((len(COMPETITION_BANDS), 1, 1), 0.15, dtype=np.float32)
DEVIATION = np.full((len(COMPETITION_BANDS), 1, 1), 0.08, dtype=np.float32)


def read_only(path: Path) -> npt.NDArray[np.float32]:
    """Read all bands, and do nothing with them."""
    with rasterio.open(path) as source:
        pixels: npt.NDArray[np.float32] = source.read()
    return pixels


def read_for_model(path: Path) -> tuple[npt.NDArray[np.float32], list[npt.NDArray[np.float32]]]:
    """Read, compute the indices, normalise."""
    chip = read_chip(path, RasterFormat())
    bands = dict(zip(chip.bands, chip.reflectance, strict=True))
    indices = [compute_index(name, bands) for name in DEFAULT_INDICES]
    normalised = chip.reflectance
    normalised -= MEAN
    normalised /= DEVIATION
    return normalised, indices


def seconds(function: Callable[[Path], object], path: Path) -> float:
    """Time one call."""
    start = time.perf_counter()
    function(path)
    return time.perf_counter() - start


def main() -> int:
    """Time both, turn by turn, and print the ratio of the medians."""
    # NumPy works element by element here, which it does on one thread.
    with tempfile.TemporaryDirectory() as folder, rasterio.Env(GDAL_NUM_THREADS=1):
        paths = write_competition_chips(Path(folder), CHIPS)
        for path in paths:  # fills the page cache, and reads the index formulas
            read_for_model(path)
        times = [(seconds(read_only, path), seconds(read_for_model, path)) for _ in range(ROUNDS) for path in paths]
    rival, ours = (statistics.median(column) for column in zip(*times, strict=True))
    print(f"rasterio.open(...).read():                   {rival * 1e3:7.1f} ms a chip")
    print(f"read + no-data + normalise + 9 indices:      {ours * 1e3:7.1f} ms a chip")
    print(f"ratio {ours / rival:.2f} (at most {LIMIT} wanted)")
    return 0 if ours / rival <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
