"""A composite from end to end: how long it takes, against GDAL alone reading the same files and writing the result.

A simulated region of 2052 × 2052 pixels on 10 dates, as a static STAC catalog of Cloud-Optimized GeoTIFFs at 10, 20 and
60 m. Ours reads, harmonises, resamples to 10 m, masks, takes the median and writes, on two threads. The rival reads and
decodes the same files, each band in its own resolution, and writes the same composite with the same driver: with one
thread for reading, which is GDAL's way if nobody asks for more, and with two. At most 1.5 times the latter's time and
1.5 GB are wanted.

    python benchmarks/compositing_scene.py [--archive FOLDER]
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import rasterio
import rasterio.shutil
from rasterio.io import MemoryFile

from mining_the_mines.core.dask_client import DaskSettings
from mining_the_mines.scenes.composites import make_composites, plan_composites
from mining_the_mines.scenes.scene_list import SceneSelection
from mining_the_mines.scenes.selection import select_scenes
from mining_the_mines.scenes.settings import AcquisitionSettings, CompositingSettings
from mining_the_mines.sentinel2.bands import COMPETITION_BANDS
from mining_the_mines.simulation import SeriesSettings, write_simulated_series

SERIES = SeriesSettings(provinces=("tapajos",), pixels=2052, mines=40, dates=10)
THREADS = 2
TIME_LIMIT, MEMORY_LIMIT_GB = 1.5, 1.5


def choose(archive: Path) -> tuple[SceneSelection, AcquisitionSettings]:
    """Choose all dates, whatever their clouds."""
    settings = AcquisitionSettings(max_cloud_cover=100).of_archive(archive)
    return select_scenes(settings, COMPETITION_BANDS, "scl"), settings


def composite(archive: Path, folder: Path, block: int) -> None:
    """Ours."""
    choice, settings = choose(archive)
    plans = plan_composites(choice, COMPETITION_BANDS, CompositingSettings(block=block), settings)
    start = time.perf_counter()
    make_composites(plans, folder, DaskSettings(workers=THREADS))
    print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)


def read_and_write(archive: Path, result: Path, threads: int) -> float:
    """GDAL alone: seconds to decode every file and to write the composite."""
    choice, _ = choose(archive)
    (items,) = choice.items.values()
    files = [asset["href"] for item in items for asset in item["assets"].values()]
    with rasterio.open(result) as image:
        pixels, profile = image.read(), {**image.profile, "driver": "GTiff"}
    start = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(_decode, files):
            pass
    for name in ("compress", "predictor", "interleave"):
        profile.pop(name, None)
    with MemoryFile() as memory:
        with memory.open(**profile) as plain:
            plain.write(pixels)
        with memory.open() as plain, tempfile.TemporaryDirectory() as folder:
            options = {"compress": "deflate", "predictor": "yes", "num_threads": "all_cpus", "blocksize": 256}
            rasterio.shutil.copy(plain, f"{folder}/cog.tif", driver="COG", overview_resampling="average", **options)
    return time.perf_counter() - start


def _decode(path: str) -> None:
    with rasterio.open(path) as source:
        source.read()


def main() -> int:
    """Print both, and whether the limits are kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--archive", type=Path, help="a simulated archive to use again, or to make")
    parser.add_argument("--block", type=int, default=CompositingSettings().block)
    parser.add_argument("--ours", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.ours:
        composite(arguments.archive, arguments.ours, arguments.block)
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        archive = arguments.archive or Path(temporary) / "archive"
        if not archive.exists():
            write_simulated_series(archive, SERIES)
        rounds = []
        for number in range(3):
            folder = Path(temporary) / f"composites_{number}"
            command = [sys.executable, "-W", "ignore", __file__, "--archive", str(archive), "--ours", str(folder)]
            done = subprocess.run(
                [*command, "--block", str(arguments.block)], check=True, capture_output=True, text=True
            )
            seconds, gigabytes = map(float, done.stdout.split()[-2:])
            result = folder / "tapajos.tif"
            rivals = [read_and_write(archive, result, threads) for threads in (1, THREADS)]
            rounds.append((seconds, gigabytes, *rivals))
    ours, alone, together = (min(figures[column] for figures in rounds) for column in (0, 2, 3))
    memory = max(figures[1] for figures in rounds)
    print(f"ours {ours:.1f} s, GDAL alone {alone:.1f} s on one thread, {together:.1f} s on two (best of 3, in turn)")
    print(f"ratio {ours / alone:.2f} to GDAL on one thread, {ours / together:.2f} to two (limit {TIME_LIMIT})")
    print(f"memory {memory:.2f} GB (limit {MEMORY_LIMIT_GB})")
    return int(ours / together > TIME_LIMIT or memory > MEMORY_LIMIT_GB)


if __name__ == "__main__":
    sys.exit(main())
