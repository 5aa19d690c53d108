"""Small scenes on disk, and the choice of them that composites are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pystac
import rasterio
import shapely
from rasterio.transform import Affine
from rasterio.warp import transform_bounds

from mining_the_mines.scenes.composites import RegionPlan, plan_composites
from mining_the_mines.scenes.regions import Region
from mining_the_mines.scenes.scene_list import SceneSelection, left_out_table
from mining_the_mines.scenes.settings import AccessSettings, CompositingSettings

#: Upper left corner of all scenes, in metres of EPSG:32721, a multiple of 60.
CORNER = (600_000, 9_300_000)
EPSG = 32721
IMPATIENT = AccessSettings(timeout_seconds=3, retries=0, back_off=0)
#: Of the codes of the scene classification.
VEGETATION, CLOUD = 4, 9
_PROJECTION = "https://stac-extensions.github.io/projection/v2.0.0/schema.json"


@dataclass(frozen=True)
class Observation:
    """What one scene shows.

    Attributes:
        bands: Digital numbers as in the file, by band; an edge of 96 is 10 m, one of 48 is 20 m, one of 16 is 60 m.
        scl: Scene classification at 20 m; ``None`` for a product without.
        moment: When, UTC.
        baseline: Processing baseline.
        epsg: UTM zone.
        corner: Upper left corner in metres.
        extra: Other assets, by key.
    """

    bands: Mapping[str, npt.NDArray[np.uint16]]
    scl: npt.NDArray[np.uint8] | None = None
    moment: datetime = datetime(2021, 7, 1, 14, tzinfo=UTC)
    baseline: str = "03.01"
    epsg: int = EPSG
    corner: tuple[float, float] = CORNER
    extra: Mapping[str, npt.NDArray[np.uint8]] = field(default_factory=dict)


def flat(value: int, edge: int = 96) -> npt.NDArray[np.uint16]:
    """A band of one number."""
    return np.full((edge, edge), value, np.uint16)


def clear(edge: int = 48) -> npt.NDArray[np.uint8]:
    """A scene classification without any cloud."""
    return np.full((edge, edge), VEGETATION, np.uint8)


def month(number: int) -> datetime:
    """The first of a month, in the middle of the day."""
    return datetime(2021, number, 1, 14, tzinfo=UTC)


def write_scene(folder: Path, name: str, seen: Observation, edge: float = 960) -> pystac.Item:
    """Write a scene's files.

    Args:
        folder: Where to.
        name: Its id.
        seen: What it shows.
        edge: Of the scene in metres.
    """
    left, top = seen.corner
    bounds = transform_bounds(f"EPSG:{seen.epsg}", "EPSG:4326", left, top - edge, left + edge, top)
    item = pystac.Item(
        name,
        shapely.geometry.mapping(shapely.box(*bounds)),
        list(bounds),
        seen.moment,
        {"proj:code": f"EPSG:{seen.epsg}", "s2:processing_baseline": seen.baseline, "platform": "sentinel-2a"},
    )
    item.stac_extensions = [_PROJECTION]
    layers: dict[str, npt.NDArray[Any]] = {**seen.bands, **seen.extra}
    if seen.scl is not None:
        layers["scl"] = seen.scl
    for key, pixels in layers.items():
        path = folder / name / f"{key}.tif"
        step = edge / pixels.shape[0]
        transform = Affine(step, 0, left, 0, -step, top)
        write_raster(path, pixels, transform, seen.epsg)
        fields = {"proj:shape": list(pixels.shape), "proj:transform": list(transform)[:6]}
        item.add_asset(
            key, pystac.Asset(str(path), media_type=pystac.MediaType.COG, roles=["data"], extra_fields=fields)
        )
    return item


def write_raster(path: Path, pixels: npt.NDArray[Any], transform: Affine, epsg: int) -> None:
    """Write one band as a GeoTIFF."""
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {"driver": "GTiff", "count": 1, "dtype": pixels.dtype, "compress": "deflate", "nodata": 0}
    size = {"height": pixels.shape[0], "width": pixels.shape[1]}
    with rasterio.open(path, "w", **profile, **size, crs=f"EPSG:{epsg}", transform=transform) as image:
        image.write(pixels, 1)


def choice_of(items: Sequence[pystac.Item], name: str = "somewhere", epsg: int | None = None) -> SceneSelection:
    """The choice of all these scenes, for the ground that they show."""
    boxes = np.array([item.bbox for item in items])
    west, south = boxes[:, :2].min(axis=0)
    east, north = boxes[:, 2:].max(axis=0)
    region = Region(name, (float(west), float(south), float(east), float(north)), epsg)
    written = tuple(item.to_dict(include_self_link=False, transform_hrefs=False) for item in items)
    return SceneSelection("somewhere/catalog.json", (region,), {name: written}, left_out_table([]))


def plan_of(items: Sequence[pystac.Item], bands: Sequence[str], **settings: Any) -> tuple[RegionPlan, ...]:
    """The plan of the composite of all these scenes."""
    compositing = CompositingSettings(**{"mask_asset": "scl", "block": 48, **settings})
    return plan_composites(choice_of(items), bands, compositing, IMPATIENT)
