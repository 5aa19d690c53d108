"""A composite from end to end: how long it takes, against GDAL alone reading the same files and writing the result.

A simulated region of 2052 × 2052 pixels on 10 dates, as a static STAC catalog of Cloud-Optimized GeoTIFFs at 10, 20 and
60 m; simulating it takes some minutes unless ``--archive`` names one. Ours reads, harmonises, resamples to 10 m, masks,
takes the median and writes, on two threads. The rival reads and decodes the same files, each band in its own
resolution, and writes the same composite with the same driver: with one thread for reading, which is GDAL's way if
nobody asks for more, and with two. It compresses as GDAL does if nobody asks for anything else (deflate); what our
compression (zstd, level 1) would make of it is told, too. At most 1.5 times the former's time on two threads and 1.5 GB
are wanted.

``--memory`` measures the peak of memory instead, with more dates and with other sizes, which are made of the files of
the archive by repeating them.

    python benchmarks/compositing_scene.py [--archive FOLDER] [--memory]
"""

import argparse
import copy
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
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
#: How the rival compresses: as GDAL does by itself, and as ours.
USUAL: Final[dict[str, object]] = {"compress": "deflate"}
LIGHT: Final[dict[str, object]] = {"compress": "zstd", "level": 1}
#: Dates and pixels of a side, as multiples of those of the archive.
SIZES: Final = ((1, 1), (2, 1), (4, 1), (1, 0.5), (1, 2))


def choose(archive: Path) -> tuple[SceneSelection, AcquisitionSettings]:
    """Choose all dates, whatever their clouds."""
    settings = AcquisitionSettings(max_cloud_cover=100).of_archive(archive)
    return select_scenes(settings, COMPETITION_BANDS, "scl"), settings


def composite(archive: Path, folder: Path, block: int, dates: int, side: float) -> None:
    """Ours; prints seconds, seconds of all cores, and gigabytes."""
    choice, settings = choose(archive)
    if (dates, side) != (1, 1):
        choice = enlarge(choice, folder, dates, side)
    plans = plan_composites(choice, COMPETITION_BANDS, CompositingSettings(block=block), settings)
    start, before = time.perf_counter(), time.process_time()
    make_composites(plans, folder, DaskSettings(workers=THREADS))
    cores = time.process_time() - before
    print(time.perf_counter() - start, cores, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)


def enlarge(choice: SceneSelection, folder: Path, dates: int, side: float) -> SceneSelection:
    """Repeat the scenes on later days, and the pixels of their files along rows and columns."""
    (region,), (items,) = choice.regions, choice.items.values()
    west, south, east, north = region.bounds
    bounds = (west, north - (north - south) * side, west + (east - west) * side, north)
    scenes = []
    for number in range(dates):
        for item in copy.deepcopy(items):
            day = datetime.fromisoformat(item["properties"]["datetime"]) + timedelta(days=400 * number)
            item["properties"]["datetime"] = day.isoformat()
            item["id"] += f"_{number}"
            for key, asset in item["assets"].items():
                asset["href"] = str(_enlarged(Path(asset["href"]), folder / item["id"][:-2], key, side))
            scenes.append(item)
    return replace(choice, regions=(replace(region, bounds=bounds),), items={region.name: tuple(scenes)})


def _enlarged(path: Path, folder: Path, key: str, side: float) -> Path:
    enlarged = folder / f"{key}.tif"
    if side == 1 or enlarged.exists():
        return path if side == 1 else enlarged
    folder.mkdir(parents=True, exist_ok=True)
    with rasterio.open(path) as source:
        size = round(source.height * side), round(source.width * side)
        pixels = np.pad(
            source.read(1), [(0, max(0, new - old)) for new, old in zip(size, source.shape, strict=True)], "wrap"
        )
        profile = {**source.profile, "height": size[0], "width": size[1], "zlevel": 1, "predictor": 2}
    with rasterio.open(enlarged, "w", **profile) as image:
        image.write(pixels[: size[0], : size[1]], 1)
    return enlarged


def read_and_write(archive: Path, result: Path, threads: int, compression: dict[str, object]) -> tuple[float, float]:
    """GDAL alone: seconds, and seconds of all cores, to decode every file and to write the composite."""
    choice, _ = choose(archive)
    (items,) = choice.items.values()
    files = [asset["href"] for item in items for asset in item["assets"].values()]
    with rasterio.open(result) as image:
        pixels, profile = image.read(), {**image.profile, "driver": "GTiff"}
    start, before = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(_decode, files):
            pass
    for name in ("compress", "predictor", "interleave"):
        profile.pop(name, None)
    with MemoryFile() as memory:
        with memory.open(**profile) as plain:
            plain.write(pixels)
        with memory.open() as plain, tempfile.TemporaryDirectory() as folder:
            options = {"predictor": "yes", "num_threads": "all_cpus", "blocksize": 256, **compression}
            rasterio.shutil.copy(plain, f"{folder}/cog.tif", driver="COG", overview_resampling="average", **options)
    return time.perf_counter() - start, time.process_time() - before


def _decode(path: str) -> None:
    with rasterio.open(path) as source:
        source.read()


def main() -> int:
    """Print both, and whether the limits are kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--archive", type=Path, help="a simulated archive to use again, or to make")
    parser.add_argument("--block", type=int, default=CompositingSettings().block)
    parser.add_argument("--memory", action="store_true", help="measure memory with more dates and other sizes")
    parser.add_argument("--ours", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--dates", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--side", type=float, default=1, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.ours:
        composite(arguments.archive, arguments.ours, arguments.block, arguments.dates, arguments.side)
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        archive = arguments.archive or Path(temporary) / "archive"
        if not archive.exists():
            print(f"Simulating {SERIES.dates} dates of {SERIES.pixels} × {SERIES.pixels} pixels first.", flush=True)
            write_simulated_series(archive, SERIES)
        measure = measure_memory if arguments.memory else measure_time
        return int(not measure(archive, Path(temporary), arguments.block))


def run(archive: Path, folder: Path, block: int, dates: int = 1, side: float = 1) -> tuple[float, float, float]:
    """Run ours in a process of its own: seconds, seconds of all cores, and gigabytes."""
    given = {"archive": archive, "ours": folder, "block": block, "dates": dates, "side": side}
    options = [f"--{name}={value}" for name, value in given.items()]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", __file__, *options], check=True, capture_output=True, text=True
    )
    seconds, cores, gigabytes = map(float, done.stdout.split()[-3:])
    return seconds, cores, gigabytes


def measure_time(archive: Path, temporary: Path, block: int) -> bool:
    """Time ours and the rivals in turn; whether the limits are kept."""
    rivals = {"one thread": (1, USUAL), "two": (THREADS, USUAL), "two with our compression": (THREADS, LIGHT)}
    rounds, memory = [], 0.0
    for number in range(3):
        seconds, cores, gigabytes = run(archive, temporary / f"{number}", block)
        result = temporary / f"{number}" / f"{SERIES.provinces[0]}.tif"
        timed = [read_and_write(archive, result, threads, compression) for threads, compression in rivals.values()]
        rounds.append([(seconds, cores), *timed])
        memory = max(memory, gigabytes)
    best = np.min(rounds, axis=0)
    print(
        f"ours {best[0][0]:.1f} s ({best[0][1]:.1f} s of all cores), memory {memory:.2f} GB (limit {MEMORY_LIMIT_GB})"
    )
    for name, (seconds, cores) in zip(rivals, best[1:], strict=True):
        print(f"GDAL on {name}: {seconds:.1f} s ({cores:.1f} s of all cores): {best[0][0] / seconds:.2f} ×")
    print(f"Best of 3, in turn; at most {TIME_LIMIT} × of GDAL on two is wanted.")
    return bool(best[0][0] <= TIME_LIMIT * best[2][0]) and memory <= MEMORY_LIMIT_GB


def measure_memory(archive: Path, temporary: Path, block: int) -> bool:
    """Print the peak of memory for several numbers of dates and sizes; whether the limit is kept."""
    most = 0.0
    for dates, side in SIZES:
        seconds, _, gigabytes = run(archive, temporary / f"{dates}_{side}", block, dates, side)
        pixels = round(SERIES.pixels * side)
        print(f"{SERIES.dates * dates} dates, {pixels} × {pixels}: {gigabytes:.2f} GB, {seconds:.1f} s", flush=True)
        most = max(most, gigabytes)
    print(f"At most {MEMORY_LIMIT_GB} GB wanted.")
    return most <= MEMORY_LIMIT_GB


if __name__ == "__main__":
    sys.exit(main())
