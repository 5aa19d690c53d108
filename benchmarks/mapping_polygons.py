"""Polygons of a whole scene, against ``rasterio.features.shapes`` plus shapely on the whole map in memory.

A simulated map of 10 980 × 10 980 pixels, of which 1.5 % are mine in about 22 000 patches, as a tiled GeoTIFF in half
precision with another one of clear dates beside it. Ours reads both twice in blocks of rows and returns finished mines:
grown around seeds, holes filled, small ones dropped, with areas on the ellipsoid and all attributes. The rival reads
the whole map, thresholds it, and makes a polygon of each patch: no clear dates, no holes, no statistics, no minimum.
Each runs in a process of its own, by turns; medians of three are compared, with reading and without. Ours polygonizes
twice (mines, and what is between them to find the holes) and may take up to 4 × the rival's time and no more memory.

    python benchmarks/mapping_polygons.py [--size PIXELS]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median

import numpy as np
import numpy.typing as npt
import rasterio
from affine import Affine
from rasterio.features import shapes
from rasterio.windows import Window
from scipy import ndimage
from shapely.geometry import shape

from mining_the_mines.geo.grid import read_grid
from mining_the_mines.mapping.attributes import MapFacts, describe_mines
from mining_the_mines.mapping.polygonize import ProbabilityRows, polygonize
from mining_the_mines.mapping.settings import Thresholds, VectorSettings

LIMIT = 4.0
SIZE = 10_980
SHARE = 0.015
TIMES = 3
#: Noise smoothed so far, in pixels, has some 22 000 patches above its highest 1.5 %.
SMOOTHNESS = 6.0
BLOCK_PIXELS = 2**22
#: GDAL would keep a twentieth of the machine's memory full of tiles that nobody asks for again.
GDAL_CACHE_BYTES = 2**26
THRESHOLD = 0.5
THRESHOLDS = Thresholds(seed=0.55, grow=THRESHOLD)
SETTINGS = VectorSettings(minimum_hectares=0.1, fill_holes_hectares=0.05)
FACTS = MapFacts("simulated", "noise", "1", date(2024, 7, 1), date(2024, 9, 28))


def write_map(folder: Path, size: int) -> None:
    """Write the maps of probability and of clear dates."""
    random = np.random.default_rng(0)
    field = ndimage.gaussian_filter(
        random.standard_normal((size, size), dtype=np.float32), SMOOTHNESS, mode="wrap", truncate=3
    )
    field -= np.quantile(field[::7, ::7], 1 - SHARE)
    field *= 0.5 / field.max()
    field += THRESHOLD
    probability = np.clip(field, 0, 1, out=field).astype(np.float16).astype(np.float32)
    _write(folder / "probability.tif", probability, nbits=16, nodata=np.nan)
    del field, probability
    dates = random.integers(1, 12, (size // 60 + 1, size // 60 + 1), dtype=np.uint8)
    dates = dates.repeat(60, axis=0).repeat(60, axis=1)
    _write(folder / "clear_dates.tif", dates[:size, :size])


def _write(path: Path, pixels: npt.NDArray[np.generic], **options: float) -> None:
    height, width = pixels.shape
    tiles = {"tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "deflate", "num_threads": "all_cpus"}
    place = {"crs": "EPSG:32721", "transform": Affine(10, 0, 300_000, 0, -10, 9_400_000)}
    kind = {"driver": "GTiff", "count": 1, "height": height, "width": width, "dtype": pixels.dtype}
    with rasterio.open(path, "w", **kind, **tiles, **place, **options) as raster:
        raster.write(pixels, 1)


@dataclass
class Stopwatch:
    """Adds up what reading takes."""

    seconds: float = 0.0

    def read(self, raster: rasterio.DatasetReader, window: Window | None = None) -> npt.NDArray[np.float32]:
        """The raster's only band, or a window of it."""
        start = time.perf_counter()
        pixels: npt.NDArray[np.float32] = raster.read(1, window=window, out_dtype=np.float32)
        self.seconds += time.perf_counter() - start
        return pixels


@dataclass(frozen=True)
class Blocks:
    """Both maps in blocks of rows that are a multiple of their tiles."""

    folder: Path
    reading: Stopwatch

    def __iter__(self) -> Iterator[ProbabilityRows]:
        """Read from top to bottom."""
        probability, clear_dates = self.folder / "probability.tif", self.folder / "clear_dates.tif"
        with rasterio.open(probability) as raster, rasterio.open(clear_dates) as dates:
            tile = raster.block_shapes[0][0]
            height = max(1, BLOCK_PIXELS // raster.width // tile) * tile
            for row in range(0, raster.height, height):
                window = Window(0, row, raster.width, min(height, raster.height - row))
                rows = self.reading.read(raster, window)
                yield ProbabilityRows(row, rows, self.reading.read(dates, window).astype(np.uint16))


def ours(folder: Path, reading: Stopwatch) -> dict[str, int]:
    """Finished mines; how many, and how many corners they have."""
    patches = polygonize(Blocks(folder, reading), read_grid(folder / "probability.tif"), THRESHOLDS, SETTINGS, folder)
    mines = describe_mines(patches, FACTS, THRESHOLDS)
    return {"polygons": len(mines), "corners": int(mines.geometry.count_coordinates().sum())}


def rival(folder: Path, reading: Stopwatch) -> dict[str, int]:
    """A polygon of each patch; how many, and how many pixels they are."""
    with rasterio.open(folder / "probability.tif") as raster:
        probability, transform = reading.read(raster), raster.transform
    mine = probability >= THRESHOLD
    traced = shapes(mine.astype(np.uint8), mask=mine, transform=transform)
    polygons = [shape(outline) for outline, _ in traced]
    return {"polygons": len(polygons), "mine": int(mine.sum()), "pixels": mine.size}


def measure(side: str, folder: Path) -> None:
    """Run one side, and print its seconds and this process' peak memory in megabytes."""
    reading = Stopwatch()
    start = time.perf_counter()
    with rasterio.Env(GDAL_CACHEMAX=GDAL_CACHE_BYTES):
        found = (ours if side == "ours" else rival)(folder, reading)
    total = time.perf_counter() - start
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    print(json.dumps(found | {"total": total, "own": total - reading.seconds, "peak": int(peak) / 1024}))


def main(size: int) -> int:
    """Write the maps, run both sides by turns, and print the ratio of their medians."""
    results: dict[str, list[dict[str, float]]] = {"ours": [], "rival": []}
    with tempfile.TemporaryDirectory() as name:
        write_map(Path(name), size)
        for _ in range(TIMES):
            for side, runs in results.items():
                command = [sys.executable, __file__, "--side", side, "--folder", name]
                runs.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    first = {side: runs[0] for side, runs in results.items()}
    middle = {
        side: {key: median(run[key] for run in runs) for key in ("total", "own", "peak")}
        for side, runs in results.items()
    }
    share = first["rival"]["mine"] / first["rival"]["pixels"]
    print(f"{size} × {size} pixels, {share:.2%} of them mine, in {first['rival']['polygons']} shapes")
    print(f"kept by ours: {first['ours']['polygons']} mines with {first['ours']['corners']} corners")
    for side, name in (("ours", "ours, blocks of rows"), ("rival", "shapes and shapely")):
        row = middle[side]
        print(f"{name}: {row['total']:6.2f} s, {row['own']:6.2f} s without reading; peak {row['peak']:6.0f} MB")
    ratios = {key: middle["ours"][key] / middle["rival"][key] for key in ("total", "own")}
    print(f"ratio {ratios['total']:.2f}, without reading {ratios['own']:.2f} (at most {LIMIT} wanted)")
    return 0 if max(ratios.values()) <= LIMIT else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=SIZE, help="pixels along a side")
    parser.add_argument("--side", choices=("ours", "rival"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        measure(arguments.side, arguments.folder)
    else:
        sys.exit(main(arguments.size))
