"""Masks of 1000 chips of 512 × 512 pixels from 50 000 polygons: at most 20 s and 1 GB.

Everything is counted: reading and judging the polygons (one GeoPackage), the chips' headers, drawing, writing. It
happens in a process of its own, whose peak is what counts. The rival draws as most scripts do: for each chip,
``geopandas.clip`` of all polygons, already in the chips' CRS, then the rasterisation. It is timed on a few of the same
chips, scaled up, and compared with drawing alone. The chips are headers without pixels: reading those is measured
elsewhere.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from affine import Affine
from rasterio.features import rasterize

from mining_the_mines.chips.folder import ChipFolder
from mining_the_mines.chips.masks import MaskSettings, burn_masks, describe_masks, draw_masks, place_chips
from mining_the_mines.chips.packing import PackedChips
from mining_the_mines.geo.grid import read_grid
from mining_the_mines.geo.mine_polygons import read_mine_polygons
from mining_the_mines.geo.polygon_index import PolygonIndex

LIMIT_SECONDS = 20.0
LIMIT_MB = 1000
CHIPS = 1000
POLYGONS = 50_000
SIZE = 512
RIVAL_CHIPS = 25
#: A checkerboard of chips of 5.12 km in UTM zone 21 S, with as much ground between them.
COLUMNS = 40
STEP = 2 * SIZE * 10
LEFT, TOP = 300_000.0, 9_500_000.0


def write_headers(folder: Path) -> None:
    """Write chips that are nothing but a header: GDAL leaves out blocks that nobody filled."""
    folder.mkdir()
    for number in range(CHIPS):
        row, column = divmod(number, COLUMNS)
        transform = Affine(10, 0, LEFT + column * STEP, 0, -10, TOP - row * STEP)
        profile = {"driver": "GTiff", "count": 1, "height": SIZE, "width": SIZE, "dtype": "uint16"}
        name = folder / f"chip_{number:04d}.tif"
        with rasterio.open(name, "w", crs="EPSG:32721", transform=transform, sparse_ok=True, **profile):
            pass


def write_polygons(path: Path) -> None:
    """Write ragged polygons with 40 corners and about 20 ha each, scattered over all of the ground, in degrees."""
    random = np.random.default_rng(0)
    across, along = COLUMNS * STEP, CHIPS // COLUMNS * STEP
    centres = np.array([LEFT, TOP - along]) + random.uniform(size=(POLYGONS, 2)) * [across, along]
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    radii = random.lognormal(np.log(220), 0.5, (POLYGONS, 1)) * random.uniform(0.7, 1.3, (POLYGONS, len(angles)))
    corners = np.stack([np.cos(angles) * radii, np.sin(angles) * radii], axis=2) + centres[:, None]
    frame = gpd.GeoDataFrame(geometry=shapely.polygons(corners), crs="EPSG:32721")
    frame.to_crs("EPSG:4326").to_file(path, engine="pyogrio")


def draw(folder: Path) -> None:
    """Draw and write all masks, and print seconds and this process' peak memory in megabytes."""
    # All chips share one that is read only: 1000 chips of real pixels would be 6 GB that have nothing to do with masks.
    pixels = np.broadcast_to(np.ones((1, 1, SIZE, SIZE), dtype=np.uint16), (CHIPS, 1, SIZE, SIZE))
    chips = ChipFolder(folder / "images")
    start = time.perf_counter()
    outlines = read_mine_polygons(folder / "polygons.gpkg")
    packed = PackedChips(pixels, chips.filenames, ("B4",), "")
    masks = draw_masks(packed, chips, outlines, MaskSettings(), folder / "masks")
    total = time.perf_counter() - start
    start = time.perf_counter()
    table = describe_masks(masks, outlines, MaskSettings())
    described = time.perf_counter() - start
    start = time.perf_counter()
    grids = place_chips(chips, chips.filenames).grids
    for _ in burn_masks(packed, grids.items(), PolygonIndex(outlines), MaskSettings()):
        pass
    drawn = time.perf_counter() - start
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    seconds = {"total": total, "described": described, "drawn": drawn}
    print(json.dumps(seconds | {"peak": int(peak) / 1024, "polygons": int(table["polygons"].sum())}))


def time_rival(folder: Path) -> float:
    """Clip all polygons by each chip and rasterise what is left, on a few chips; seconds for all of them."""
    chips = ChipFolder(folder / "images")
    names = chips.filenames[:: CHIPS // RIVAL_CHIPS][:RIVAL_CHIPS]
    polygons = gpd.read_file(folder / "polygons.gpkg").to_crs("EPSG:32721")
    start = time.perf_counter()
    for name in names:
        grid = read_grid(chips.path(name))
        clipped = gpd.clip(polygons, shapely.box(*grid.bounds))
        rasterize(clipped.geometry, (SIZE, SIZE), transform=grid.transform, dtype=np.uint8)
    return (time.perf_counter() - start) / len(names) * CHIPS


def main() -> int:
    """Write polygons and headers, draw in another process, and print its time and peak beside the rival's."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_headers(folder / "images")
        write_polygons(folder / "polygons.gpkg")
        command = [sys.executable, __file__, "--draw", str(folder)]
        facts = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        rival = time_rival(folder)
    print(f"{CHIPS} masks of {SIZE} × {SIZE} pixels from {POLYGONS} polygons, {facts['polygons']} times one on a chip")
    print(f"read, judge, draw, write with rasters: {facts['total']:6.1f} s (at most {LIMIT_SECONDS:.0f} s wanted)")
    print(f"describe:                              {facts['described']:6.1f} s")
    print(f"draw only:                             {facts['drawn']:6.1f} s")
    print(f"draw only, geopandas.clip by chip:     {rival:6.1f} s (from {RIVAL_CHIPS} chips)")
    print(f"ratio {facts['drawn'] / rival:.2f}; peak memory {facts['peak']:.0f} MB (at most {LIMIT_MB} wanted)")
    return 0 if facts["total"] <= LIMIT_SECONDS and facts["peak"] <= LIMIT_MB else 1


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--draw", type=Path, help=argparse.SUPPRESS)
    to_draw = arguments.parse_args().draw
    if to_draw:
        draw(to_draw)
    else:
        sys.exit(main())
