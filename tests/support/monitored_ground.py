"""A series of small maps with their composites on disk, as evidence sheets stand on them."""

from pathlib import Path

import geopandas as gpd
import rasterio
from affine import Affine
from rasterio.crs import CRS

from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.hashing import hash_file
from mining_the_mines.evidence.looks import Look
from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.mapping.attributes import MapFacts
from mining_the_mines.mapping.scene_map import PROBABILITY, MapRecord, read_map, write_record
from mining_the_mines.monitoring.periods import Period
from mining_the_mines.rasters.scene import Scene
from support.composites import composite_at
from support.sites import YEARS

#: The hash of every map, whose first digits stand in the table of sites.
MAP_HASH = "0123456789ab" + "c" * 52
MODEL_HASH = "d" * 64
BANDS = ("B2", "B3", "B4", "B8A", "B12")
#: No layer was given.
AREAS = {"Concessions": None, "Protected areas": None}
#: Covers both sites of the tiny table.
GRID = ChipGrid(CRS.from_epsg(32721), Affine(10, 0, 610_350, 0, -10, 9_337_040), 290, 70)


def write_period(
    folder: Path,
    period: Period,
    region: str = "tapajos",
    bands: tuple[str, ...] = BANDS,
    content_hash: str = MAP_HASH,
    maps: Path | None = None,
) -> Look:
    """A composite of noise with a map of nothing, and a record as mapping writes it."""
    composite = composite_at(folder / "data/composites" / period.name, region, GRID, bands=bands)
    place = (maps or folder / "data/maps") / period.name / region
    place.mkdir(parents=True)
    profile = {"crs": GRID.crs, "transform": GRID.transform, "height": GRID.height, "width": GRID.width}
    with rasterio.open(place / PROBABILITY, "w", count=1, dtype="float32", **profile):
        pass
    gpd.GeoDataFrame({"id": [1]}, geometry=gpd.points_from_xy([0], [0]), crs=4326).to_parquet(place / "mines.parquet")
    days = tuple(day.replace(year=period.start.year) for day in composite.dates)
    files = {str(path): hash_file(path) for path in (composite.image, composite.clear_dates)}
    record = MapRecord(
        scene=Scene(region, composite.image, str(composite.image), composite.clear_dates, days),
        facts=MapFacts(region, "mine-segmenter", "3", days[0], days[-1], f"monitored_maps:{content_hash[:12]}"),
        chips=ChipSettings(bands=bands),
        content_hash=content_hash,
        probability_hash="e" * 64,
        model_hash=MODEL_HASH,
        seed=0.68,
        grow=0.37,
        coarse=False,
        mines=1,
        hectares=4.0,
        mapped_hectares=756.0,
        mapped_share=1.0,
        reviews=None,
        files=files,
    )
    write_record(record, place)
    found = read_map(place.parent, region)
    assert found is not None
    return Look(period, found)


def write_series(folder: Path, periods: tuple[Period, ...] = YEARS, maps: Path | None = None) -> list[Look]:
    """A project with a map a period, in a folder of maps."""
    (folder / "pyproject.toml").touch()
    return [write_period(folder, period, maps=maps) for period in periods]
