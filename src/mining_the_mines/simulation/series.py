"""A simulated archive of Sentinel-2 scenes: a static STAC catalog, its regions, mines and true ground."""

import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd
import pystac
import rasterio
import shapely
from numpy.typing import NDArray
from pydantic import ValidationError

from mining_the_mines.core.atomic import whole_folder
from mining_the_mines.core.code_hash import code_hash
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.progress import Progress, silent
from mining_the_mines.geo.geopackage import write_layer
from mining_the_mines.sentinel2.bands import COMPETITION_BANDS
from mining_the_mines.sentinel2.reflectance import NODATA, OFFSET, QUANTIFICATION, encode
from mining_the_mines.simulation.board import Plan
from mining_the_mines.simulation.landscape import Landscape, build_landscape
from mining_the_mines.simulation.pass_products import write_pass
from mining_the_mines.simulation.passes import plan_passes, typical_sky
from mining_the_mines.simulation.permits import write_permits
from mining_the_mines.simulation.places import place_in
from mining_the_mines.simulation.sensor import observe_truth
from mining_the_mines.simulation.settings import SeriesSettings
from mining_the_mines.simulation.stac_catalog import outline_of, write_catalog, write_features

#: Record of the settings and the code that a folder was made with.
RECORD: Final = "series.json"
#: Imported packages without any effect on the files.
NO_EFFECT: Final = ("mining_the_mines.core",)


#: The ground of a region, and its scenes.
RegionRecord = tuple[Landscape, list[pystac.Item]]
Region = TypeVar("Region")


def simulate_archive(folder: Path, settings: SeriesSettings, progress: Progress = silent) -> dict[str, Any]:
    """Simulate an archive, unless the folder holds it already, made by the same code with the same settings.

    Args:
        folder: Destination; an older simulated archive is replaced.
        settings: Settings of the simulation.
        progress: Shows the regions.

    Returns:
        The record of the archive: its settings, and a hash of the code that made it.

    Raises:
        BadInputError: The folder holds data that were not simulated, which are never replaced, or can't be written.
    """
    keep_or_write(folder, _record(settings), lambda: write_simulated_series(folder, settings, progress))
    return _record(settings)


def keep_or_write(folder: Path, record: dict[str, Any], write: Callable[[], None]) -> None:
    """Write an archive, unless the folder holds it already.

    Args:
        folder: Folder of the archive.
        record: Settings and code of the archive.
        write: Writes it.

    Raises:
        BadInputError: The folder holds data that were not simulated.
    """
    if _read_record(folder) == record:
        return
    if folder.is_dir() and any(_visible(folder)) and not (folder / RECORD).is_file():
        raise BadInputError(
            f"{folder} holds data that were not simulated, and they are not replaced: name the environment of your "
            f"own chips with --env, another folder in raw_root, or the source of your scenes in acquisition.source."
        )
    write()


def write_simulated_series(
    folder: Path, settings: SeriesSettings, progress: Progress = silent, threads: int = 2
) -> None:
    """Simulate regions as Sentinel-2 sees them on several dates.

    The folder appears complete or not at all, and replaces one that was there:

    - ``catalog.json``: a self-contained static STAC catalog with one collection, ``sentinel-2-l2a``; an item a product,
      in ``sentinel-2-l2a/<item>/`` with its bands as Cloud-Optimized GeoTIFFs at 10, 20 and 60 m.
    - ``regions.geojson``: polygons of the regions, with columns ``name`` and ``epsg``.
    - ``concessions.geojson``, ``protected_areas.geojson``: areas where mining is allowed and where it is not, with
      columns ``name`` and ``region``.
    - ``mines.gpkg``: true polygons of the mines in degrees of WGS 84, one row per mine: name, kind, region, area_m2.
    - ``truth/<region>.tif``: the ground as a perfect Sentinel-2 would see it in the middle of the season: under the
      mean sun and dryness of all dates, which gives the mean of all dates without clouds, haze and noise, in each
      band's own resolution and blur; 12 bands resampled to 10 m bilinearly, encoded as in
      :mod:`mining_the_mines.sentinel2.reflectance`.
    - ``series.json``: the settings, and a hash of the code.

    Args:
        folder: Destination.
        settings: Settings of the simulation.
        progress: Shows the regions.
        threads: Regions in work at once; the result does not depend on it.

    Raises:
        BadInputError: The folder can't be written, or is a file.
    """
    with archive_draft(folder) as draft:
        (draft / "truth").mkdir()
        regions = simulate_regions(
            settings.provinces, lambda province: _simulate_region(draft, province, settings), progress, threads
        )
        write_surroundings(draft, regions, settings.seed, _record(settings))
        _write_mines(draft / "mines.gpkg", regions)


@contextmanager
def archive_draft(folder: Path) -> Iterator[Path]:
    """Fill a folder beside the archive's, which takes its place when it is complete.

    Args:
        folder: Folder of the archive.

    Yields:
        The folder to fill.

    Raises:
        BadInputError: The folder can't be written, or is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise BadInputError(f"{folder} is a file, so no simulated series can be written there; name a folder.")
    with whole_folder(folder) as draft:
        yield draft


def write_surroundings(folder: Path, regions: Sequence[RegionRecord], seed: int, record: dict[str, Any]) -> None:
    """Write what lies around the scenes: the catalog, the regions, the permits and the record.

    Args:
        folder: Folder of the archive, with the files of the scenes.
        regions: Ground and scenes of each region.
        seed: Seed of the permits.
        record: Settings and code of the archive.
    """
    write_catalog(folder, [item for _, items in regions for item in items])
    _write_regions(folder / "regions.geojson", regions)
    write_permits(folder, [ground for ground, _ in regions], seed)
    (folder / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def read_series_settings(folder: Path) -> SeriesSettings | None:
    """Read the settings that a folder was simulated with.

    Args:
        folder: Folder of :func:`write_simulated_series`.

    Returns:
        The settings; ``None`` if the folder holds no simulated series, or one that another version of the code made.
    """
    record = _read_record(folder)
    try:
        return SeriesSettings(**record["settings"]) if record["code"] == _code() else None
    except (KeyError, TypeError, ValidationError):
        return None


def _read_record(folder: Path) -> Any:  # noqa: ANN401 - any JSON, if the file is damaged
    try:
        return json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return None


def _code() -> str:
    return code_hash(__name__, NO_EFFECT)


def _record(settings: SeriesSettings) -> dict[str, Any]:
    return {"code": _code(), "settings": settings.model_dump(mode="json")}


def _visible(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if not path.name.startswith("."))


def simulate_regions(
    provinces: Sequence[str], simulate: Callable[[str], Region], progress: Progress, threads: int
) -> list[Region]:
    """Simulate regions side by side; each has its own seed, so neither their order nor their number matters.

    Args:
        provinces: Names of the regions.
        simulate: Simulates the region of a name.
        progress: Shows the regions.
        threads: Regions in work at once.

    Returns:
        The regions, in the order of their names.
    """
    with ThreadPoolExecutor(threads) as pool:
        work = [pool.submit(simulate, province) for province in provinces]
        try:
            return [done.result() for done in progress(work, "Simulating regions")]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _simulate_region(folder: Path, province: str, settings: SeriesSettings) -> RegionRecord:
    seed = np.random.SeedSequence([settings.seed, zlib.crc32(province.encode())])
    ground, season, *dates = (np.random.default_rng(child) for child in seed.spawn(2 + settings.dates))
    plan = Plan(pixels=settings.pixels, slots=settings.slots, mines=settings.mines)
    landscape = build_landscape(place_in(province, ground), plan, ground)
    passes = plan_passes(landscape.place, settings, season)
    # One GDAL environment for the whole region, not a new one for every call.
    with rasterio.Env():
        truth = observe_truth(landscape, typical_sky(passes))
        _write_truth(folder / "truth" / f"{province}.tif", truth, landscape)
        items = [
            item for one, rng in zip(passes, dates, strict=True) for item in write_pass(folder, landscape, one, rng)
        ]
    return landscape, items


def _write_truth(path: Path, truth: NDArray[np.float32], landscape: Landscape) -> None:
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=truth.shape[1],
        width=truth.shape[2],
        count=truth.shape[0],
        dtype="uint16",
        nodata=NODATA,
        crs=landscape.crs,
        transform=landscape.transform,
        tiled=True,
        blockxsize=256,
        blockysize=256,
        compress="deflate",
        predictor=2,
        interleave="band",
    ) as raster:
        raster.descriptions = COMPETITION_BANDS
        raster.scales = [1 / QUANTIFICATION] * truth.shape[0]
        raster.offsets = [-OFFSET / QUANTIFICATION] * truth.shape[0]
        raster.write(encode(truth))


def _write_regions(path: Path, regions: Sequence[RegionRecord]) -> None:
    features = []
    for ground, _ in regions:
        outline = outline_of(ground.transform, (ground.pixels, ground.pixels), ground.place.epsg)
        features.append(
            {
                "type": "Feature",
                "properties": {"name": ground.place.name, "epsg": ground.place.epsg},
                "geometry": shapely.geometry.mapping(outline),
            }
        )
    write_features(path, features)


def _write_mines(path: Path, regions: Sequence[RegionRecord]) -> None:
    mines = pd.concat([_mines_of(ground) for ground, _ in regions], ignore_index=True)
    write_layer(gpd.GeoDataFrame(mines), path, "mines")


def _mines_of(ground: Landscape) -> gpd.GeoDataFrame:
    outlines = [ground.outline(mine) for mine in ground.mines]
    attributes = {
        "name": [f"{ground.place.name}_{number:02d}" for number in range(len(outlines))],
        "kind": [mine.kind.value for mine in ground.mines],
        "region": ground.place.name,
        "area_m2": [round(outline.area, 1) for outline in outlines],
    }
    return gpd.GeoDataFrame(attributes, geometry=outlines, crs=ground.crs).to_crs(4326)
