"""Maps on disk made of given pixels, without a model."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio
import shapely
from affine import Affine
from rasterio.features import shapes

from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.hashing import hash_bytes
from mining_the_mines.geo.mine_polygons import place_pixels
from mining_the_mines.mapping.attributes import MapFacts
from mining_the_mines.mapping.map_files import write_mines
from mining_the_mines.mapping.scene_map import PROBABILITY, MapRecord, SceneMap, write_record
from mining_the_mines.rasters.scene import Scene
from support.scene_maps import EAST, NORTH, UTM, mines_of

#: Pixels of 10 m at a corner of the Tapajós.
TEN_METRES = Affine(10, 0, EAST, 0, -10, NORTH)


def make_map(
    folder: Path,
    probability: npt.NDArray[np.float32],
    name: str = "tapajos",
    crs: str = UTM,
    transform: Affine = TEN_METRES,
    confidence: Sequence[str] | None = None,
) -> SceneMap:
    """A map with these probabilities, whose mines are the connected pixels from 0.5 on."""
    place = folder / name
    place.mkdir(parents=True)
    height, width = probability.shape
    profile = {"driver": "GTiff", "height": height, "width": width, "count": 1, "dtype": "float32", "nodata": np.nan}
    with rasterio.open(place / PROBABILITY, "w", crs=crs, transform=transform, **profile) as target:
        target.write(probability, 1)
    likely = probability >= 0.5
    found = shapes(likely.astype(np.uint8), mask=likely, connectivity=4)
    polygons = [shapely.geometry.shape(shape) for shape, _ in found]
    placed = [shapely.transform(polygon, lambda pixels: place_pixels(transform, pixels)) for polygon in polygons]
    mines = mines_of(placed, confidence, crs, name)
    write_mines(mines, place, ["parquet"])
    record = MapRecord(
        scene=Scene(name, place / "scene.tif", str(place / "scene.tif")),
        facts=MapFacts(name, "segmenter", "3", lineage_id="scene_maps:0123456789ab"),
        chips=ChipSettings(),
        content_hash=hash_bytes(probability.tobytes()),
        probability_hash="",
        model_hash="",
        seed=0.5,
        grow=0.5,
        coarse=False,
        mines=len(mines),
        hectares=float(mines["area_ha"].sum()),
        mapped_hectares=0.0,
        mapped_share=float(np.isfinite(probability).mean()),
        reviews=None,
    )
    write_record(record, place)
    return SceneMap(record, place)


def probabilities(size: int = 60) -> npt.NDArray[np.float32]:
    """Two mines of 100 and 16 pixels, a faint field, and a corner without data."""
    ground = np.full((size, size), 0.01, np.float32)
    ground[5:15, 5:15] = 0.9
    ground[40:44, 10:14] = 0.8
    ground[20:30, 40:55] = 0.3
    ground[-10:, -10:] = np.nan
    return ground
