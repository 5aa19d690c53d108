"""A simulated archive of Sentinel-2 scenes: a static STAC catalog, its regions, mines and true ground."""

import json
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

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
from mining_the_mines.sentinel2.bands import BANDS, COMPETITION_BANDS
from mining_the_mines.sentinel2.reflectance import NODATA, OFFSET, QUANTIFICATION, encode
from mining_the_mines.simulation.clouds import classify, grow_clouds
from mining_the_mines.simulation.landscape import Landscape, Plan, build_landscape
from mining_the_mines.simulation.passes import BASELINE_AGAIN, Pass, plan_passes, typical_sky
from mining_the_mines.simulation.permits import write_permits
from mining_the_mines.simulation.places import place_in
from mining_the_mines.simulation.products import (
    SCENE_CLASSIFICATION,
    Granule,
    Image,
    Product,
    granules_of,
    processed,
    relative_orbit,
    seen,
    to_digital_numbers,
    write_cog,
)
from mining_the_mines.simulation.sensor import observe_native, observe_truth
from mining_the_mines.simulation.settings import SeriesSettings
from mining_the_mines.simulation.stac_catalog import (
    COLLECTION,
    Band,
    band_files,
    describe_scene,
    outline_of,
    write_catalog,
    write_features,
)

#: Record of the settings and the code that a folder was made with.
RECORD: Final = "series.json"
#: Imported packages without any effect on the files.
_NO_EFFECT: Final = ("mining_the_mines.core",)


#: The ground of a region, and its scenes.
RegionRecord = tuple[Landscape, list[pystac.Item]]


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
    if read_series_settings(folder) == settings:
        return _record(settings)
    if folder.is_dir() and any(_visible(folder)) and not (folder / RECORD).is_file():
        raise BadInputError(
            f"{folder} holds data that were not simulated, and they are not replaced: name the environment of your "
            f"own chips with --env, another folder in raw_root, or the source of your scenes in acquisition.source."
        )
    write_simulated_series(folder, settings, progress)
    return _record(settings)


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
    if folder.exists() and not folder.is_dir():
        raise BadInputError(f"{folder} is a file, so no simulated series can be written there; name a folder.")
    with whole_folder(folder) as draft:
        (draft / "truth").mkdir()
        regions = _simulate_regions(draft, settings, progress, threads)
        write_catalog(draft, [item for _, items in regions for item in items])
        _write_regions(draft / "regions.geojson", regions)
        write_permits(draft, [ground for ground, _ in regions], settings.seed)
        _write_mines(draft / "mines.gpkg", regions)
        (draft / RECORD).write_text(json.dumps(_record(settings), indent=2) + "\n", encoding="utf-8")


def read_series_settings(folder: Path) -> SeriesSettings | None:
    """Read the settings that a folder was simulated with.

    Args:
        folder: Folder of :func:`write_simulated_series`.

    Returns:
        The settings; ``None`` if the folder holds no simulated series, or one that another version of the code made.
    """
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return SeriesSettings(**record["settings"]) if record["code"] == _code() else None
    except (OSError, json.JSONDecodeError, KeyError, TypeError, ValidationError):
        return None


def _code() -> str:
    return code_hash(__name__, _NO_EFFECT)


def _record(settings: SeriesSettings) -> dict[str, Any]:
    return {"code": _code(), "settings": settings.model_dump(mode="json")}


def _visible(folder: Path) -> Iterator[Path]:
    return (path for path in folder.iterdir() if not path.name.startswith("."))


def _simulate_regions(folder: Path, settings: SeriesSettings, progress: Progress, threads: int) -> list[RegionRecord]:
    """Simulate regions side by side; each has its own seed, so neither their order nor their number matters."""
    with ThreadPoolExecutor(threads) as pool:
        work = [pool.submit(_simulate_region, folder, province, settings) for province in settings.provinces]
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
            item for one, rng in zip(passes, dates, strict=True) for item in _write_pass(folder, landscape, one, rng)
        ]
    return landscape, items


def _write_pass(folder: Path, landscape: Landscape, one: Pass, rng: np.random.Generator) -> list[pystac.Item]:
    """Observe a region once and write all products of it."""
    clouds = grow_clouds(landscape.pixels, one.weather, one.sky.sun, rng)
    bands = observe_native(landscape, one.sky, rng, clouds)
    items = []
    for baseline in one.baselines:
        classes = classify(bands, clouds, rng)
        if one.edge is not None:
            classes[~seen(one.edge, classes.shape[0])] = NODATA
        for granule in granules_of(landscape, one.split):
            product = Product(
                moment=one.moment,
                platform=one.platform,
                baseline=baseline,
                orbit=relative_orbit(landscape.place),
                tile=granule.tile,
                created=processed(one.moment, baseline, again=baseline == BASELINE_AGAIN),
            )
            images: dict[str, Image] = {name: _as_numbers(image, one, product.offset) for name, image in bands.items()}
            images[SCENE_CLASSIFICATION] = classes
            items.append(_write_product(folder, landscape, product, granule, images, one))
    return items


def _as_numbers(image: NDArray[np.float32], one: Pass, offset: int) -> NDArray[np.uint16]:
    numbers = to_digital_numbers(image, offset)
    if one.edge is not None:
        numbers[~seen(one.edge, image.shape[0])] = NODATA
    return numbers


def _write_product(
    folder: Path,
    landscape: Landscape,
    product: Product,
    granule: Granule,
    images: dict[str, Image],
    one: Pass,
) -> pystac.Item:
    home = folder / COLLECTION / product.name
    home.mkdir(parents=True)
    files = []
    for name, filename in band_files().items():
        resolution = 20 if name == SCENE_CLASSIFICATION else BANDS[name].resolution
        image = granule.cut(images[name], resolution)
        transform = granule.transform(landscape.transform, resolution)
        write_cog(home / filename, image, landscape.crs, transform)
        files.append(Band(name, home / filename, (image.shape[0], image.shape[1]), transform))
    classes = granule.cut(images[SCENE_CLASSIFICATION], 20)
    return describe_scene(product, landscape.place.epsg, one.sky.sun, classes.astype(np.uint8), files)


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


def _write_regions(path: Path, regions: list[RegionRecord]) -> None:
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


def _write_mines(path: Path, regions: list[RegionRecord]) -> None:
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
