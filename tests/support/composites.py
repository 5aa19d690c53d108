"""Small composites, written as real files."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio

from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.scenes.composite_files import Composite
from support.chip_polygons import LEFT, TOP, utm_grid

BANDS = ("B2", "B3", "B4", "B8")
DATES = (date(2022, 1, 3), date(2022, 1, 13), date(2022, 2, 2))


def composite_at(
    folder: Path,
    region: str = "north",
    grid: ChipGrid | None = None,
    *,
    clear: int = 3,
    empty: npt.NDArray[np.bool_] | None = None,
    bands: Sequence[str | None] = BANDS,
) -> Composite:
    """A composite of random numbers, with as many clear dates everywhere; none where ``empty`` says so."""
    grid = grid or utm_grid(64, 80)
    shape = (grid.height, grid.width)
    rng = np.random.default_rng(len(region))
    numbers = rng.integers(1, 4000, (len(bands), *shape)).astype(np.uint16)
    counts = np.full(shape, clear, dtype=np.uint16)
    if empty is not None:
        numbers[:, empty] = 0
        counts[empty] = 0
    image, clear_dates = folder / f"{region}.tif", folder / "clear_dates" / f"{region}.tif"
    clear_dates.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    profile = {"height": shape[0], "width": shape[1], "dtype": "uint16", "crs": grid.crs, "transform": grid.transform}
    with rasterio.open(image, "w", count=len(bands), nodata=0, **profile) as file:
        file.write(numbers)
        file.scales, file.offsets = (0.0001,) * len(bands), (-0.1,) * len(bands)
        for index, band in enumerate(bands, start=1):
            if band is not None:
                file.set_band_description(index, band)
    with rasterio.open(clear_dates, "w", count=1, **profile) as file:
        file.write(counts, 1)
    return Composite(
        region=region,
        content_hash=f"hash of {region}",
        dates=DATES,
        baselines=("03.01", "04.00"),
        method="median",
        faults=(),
        notes=(),
        image=image,
        clear_dates=clear_dates,
    )


def at(column: float, row: float) -> tuple[float, float]:
    """Map coordinates of a pixel's upper left corner on the grid that composites have by default."""
    return LEFT + 10 * column, TOP - 10 * row
