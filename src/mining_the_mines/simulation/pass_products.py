"""Products of one pass over a region: the bands that a simulated Sentinel-2 sees, as files of a catalog."""

from pathlib import Path

import numpy as np
import pystac
from numpy.typing import NDArray

from mining_the_mines.sentinel2.bands import BANDS
from mining_the_mines.sentinel2.reflectance import NODATA
from mining_the_mines.simulation.clouds import classify, grow_clouds
from mining_the_mines.simulation.landscape import Landscape
from mining_the_mines.simulation.passes import BASELINE_AGAIN, Pass
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
from mining_the_mines.simulation.sensor import observe_native
from mining_the_mines.simulation.stac_catalog import COLLECTION, Band, band_files, describe_scene


def write_pass(folder: Path, landscape: Landscape, one: Pass, rng: np.random.Generator) -> list[pystac.Item]:
    """Observe a region once and write all products of it.

    Args:
        folder: Folder of the catalog.
        landscape: The ground.
        one: The pass.
        rng: Random number generator, for clouds, haze and noise.

    Returns:
        An item a product.
    """
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
