"""Sites of a whole tile through eight periods: 20 000 squares that open, grow and fall idle below clouds.

Mines lie on a grid of 110 km, and clouds hide a tenth of it in each period. A run joins all periods from nothing; a
second one takes the ids from the first one's register. Then the KMZ and the vector tiles of as many sites, with
outlines of 35 points in eight periods, are written and compared with GDAL, which converts the same GeoPackage as
``ogr2ogr`` does, its tiles down to the same zoom. Each of ours may take a minute.

    python benchmarks/monitoring_sites.py [--sites NUMBER] [--periods NUMBER] [--part sites|files]
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from affine import Affine
from rasterio.crs import CRS

from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.monitoring.period_map import PeriodMap
from mining_the_mines.monitoring.periods import Period
from mining_the_mines.monitoring.settings import ConfirmationSettings, SiteSettings
from mining_the_mines.monitoring.site_files import write_sites
from mining_the_mines.monitoring.site_kmz import write_kmz
from mining_the_mines.monitoring.site_tiles import write_tiles
from mining_the_mines.monitoring.sites import join_sites
from site_page import make_sites

SITES = 20_000
PERIODS = 8
LIMIT_SECONDS = 60.0
GRID = ChipGrid(CRS.from_epsg(32721), Affine(10, 0, 600_000, 0, -10, 9_400_000), 10_980, 10_980)


def series(sites: int, periods: int) -> list[PeriodMap]:
    """Maps of all periods."""
    random = np.random.default_rng(0)
    cells = int(np.ceil(np.sqrt(sites)))
    pitch = GRID.width * 10 / cells
    column, row = np.divmod(np.arange(sites), cells)
    east, north = 600_000 + column * pitch + 50, 9_400_000 - row * pitch - pitch + 50
    opened = random.integers(-3, periods, sites)
    closed = np.maximum(opened, 0) + random.integers(1, 6, sites)
    side = random.integers(5, 20, sites) * 10.0
    maps = []
    for period in range(periods):
        worked = np.flatnonzero((opened <= period) & (period < closed))
        width = side[worked] + 10 * (period - np.maximum(opened[worked], 0))
        squares = shapely.box(east[worked], north[worked], east[worked] + width, north[worked] + side[worked])
        middle = random.uniform(0, 109_800, (200, 2)) * [1, -1] + [600_000, 9_400_000]
        clouds = shapely.union_all(shapely.buffer(shapely.points(middle), 1_400))
        seen = shapely.difference(shapely.box(*GRID.bounds), clouds)
        visible = ~shapely.intersects(squares, clouds)
        year = 2015 + period
        days = (date(year, 6, 1), date(year, 7, 1), date(year, 8, 1))
        whole_year = Period(str(year), date(year, 1, 1), date(year, 12, 31))
        maps.append(PeriodMap("tile", whole_year, mines(squares[visible], random), GRID, seen, days))
    return maps


def mines(squares: np.ndarray[tuple[int], np.dtype[np.object_]], random: np.random.Generator) -> gpd.GeoDataFrame:
    """A map of these mines, with the attributes that sites take over."""
    mean = random.uniform(0.5, 1, len(squares))
    table = pd.DataFrame(
        {
            "mean_probability": mean, "max_probability": np.sqrt(mean), "confidence": "high", "clear_dates": 3.0,
            "concession": "", "outside_concessions_ha": 1.0, "protected_area": "", "protected_ha": 0.0, "review": True,
        }
    )  # fmt: skip
    return gpd.GeoDataFrame(table, geometry=squares, crs=GRID.crs)


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds and seconds of processor of some work."""
    started, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - started, time.process_time() - processor


def convert(geopackage: Path, path: Path, driver: str, **options: dict[str, str]) -> None:
    """Convert the GeoPackage of sites by GDAL, with its defaults."""
    table = pyogrio.read_dataframe(geopackage, layer="sites", use_arrow=True, datetime_as_string=True)
    pyogrio.write_dataframe(table, path, driver=driver, layer="sites", **options)


def time_files(sites: int) -> float:
    """Compare the KMZ and the tiles with those of GDAL.

    Returns:
        Seconds of processor that the slower of ours took.
    """
    table = make_sites(sites)
    longest = 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        geopackage, _ = write_sites(table, folder)
        down_to = {"dataset_options": {"MAXZOOM": "12"}}
        files: dict[str, tuple[Callable[[Path], None], Callable[[Path], None]]] = {
            "pmtiles": (
                lambda path: write_tiles(table, path), lambda path: convert(geopackage, path, "PMTiles", **down_to)
            ),
            "kmz": (lambda path: write_kmz(table, [], path), lambda path: convert(geopackage, path, "LIBKML")),
        }  # fmt: skip
        for kind, (ours, theirs) in files.items():
            paths = folder / f"ours.{kind}", folder / f"theirs.{kind}"
            (seconds, used), (rival, rival_used) = timed(lambda: ours(paths[0])), timed(lambda: theirs(paths[1]))  # noqa: B023 - called at once
            longest = max(longest, used)
            size, rival_size = (path.stat().st_size / 1e6 for path in paths)
            print(
                f"{kind}: {len(table)} rows in {seconds:.1f} s ({used:.1f} s CPU, {size:.1f} MB); by GDAL "
                f"{rival:.1f} s ({rival_used:.1f} s CPU, {rival_size:.1f} MB): {rival_used / used:.1f} times as long"
            )
    return longest


def main() -> int:
    """Time both parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sites", type=int, default=SITES)
    parser.add_argument("--periods", type=int, default=PERIODS)
    parser.add_argument("--part", choices=["sites", "files"], help="By default both.")
    options = parser.parse_args()
    longest = 0.0
    if options.part != "files":
        longest = time_joining(options.sites, options.periods)
    if options.part != "sites":
        longest = max(longest, time_files(options.sites))
    return 0 if longest <= LIMIT_SECONDS else 1


def time_joining(sites: int, periods: int) -> float:
    """Join sites from nothing, and again with the register.

    Returns:
        Seconds that the slower run took.
    """
    known, longest = None, 0.0
    for run in ("first", "second"):
        maps = series(sites, periods)
        started, processor = time.perf_counter(), time.process_time()
        joined = join_sites(maps, SiteSettings(), ConfirmationSettings(), known)
        seconds, used = time.perf_counter() - started, time.process_time() - processor
        known, longest = joined.register, max(longest, seconds)
        print(
            f"{run} run: {len(joined.register)} sites, {len(joined.table)} rows in {seconds:.1f} s ({used:.1f} s CPU)"
        )
    return longest


if __name__ == "__main__":
    sys.exit(main())
