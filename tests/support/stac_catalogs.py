"""Tiny STAC catalogs of Sentinel-2, written as real files."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.transform import from_origin
from rasterio.warp import transform_bounds

from mining_the_mines.scenes.regions import Bounds, Region
from mining_the_mines.scenes.settings import AcquisitionSettings

BANDS = ("B2", "B3", "B4")
#: As Earth Search calls the bands, and as the Planetary Computer does.
EARTH_SEARCH = {"B2": "blue", "B3": "green", "B4": "red", "SCL": "scl"}
PLANETARY_COMPUTER = {"B2": "B02", "B3": "B03", "B4": "B04", "SCL": "SCL"}

_PIXELS = 64
_LEFT, _TOP, _ZONE = 500_000, 9_400_000, 32721
#: What a scene of this module shows, in degrees.
GROUND: Bounds = transform_bounds(f"EPSG:{_ZONE}", "EPSG:4326", _LEFT, _TOP - 10 * _PIXELS, _LEFT + 10 * _PIXELS, _TOP)
NOON = datetime(2022, 1, 3, 14, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Scene:
    """A scene as a catalog lists it.

    Attributes:
        day: Days since 3 January 2022.
        shift: Its footprint's distance from :data:`GROUND`, in degrees to the east.
    """

    day: int = 0
    baseline: str = "03.01"
    tile: str = "21MXM"
    cloud_cover: float | None = 10.0
    platform: str = "sentinel-2a"
    collection: str = "sentinel-2-l2a"
    keys: Mapping[str, str] = field(default_factory=lambda: EARTH_SEARCH)
    shift: float = 0.0
    name: str | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)

    @property
    def moment(self) -> datetime:
        """When it was taken."""
        return NOON + timedelta(days=self.day)

    @property
    def id(self) -> str:
        """As ESA names its products, shortened."""
        version = self.baseline.replace(".", "")
        platform = {"sentinel-2a": "S2A", "sentinel-2b": "S2B"}[self.platform]
        return self.name or f"{platform}_MSIL2A_{self.moment:%Y%m%dT%H%M%S}_N{version}_R067_T{self.tile}"

    def item(self) -> dict[str, Any]:
        """The item as JSON; its assets lie beside it."""
        west, south, east, north = (GROUND[0] + self.shift, GROUND[1], GROUND[2] + self.shift, GROUND[3])
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        return {
            "type": "Feature",
            "stac_version": "1.0.0",
            "stac_extensions": ["https://stac-extensions.github.io/projection/v1.1.0/schema.json"],
            "id": self.id,
            "collection": self.collection,
            "geometry": {"type": "Polygon", "coordinates": [ring]},
            "bbox": [west, south, east, north],
            "properties": {
                "datetime": f"{self.moment:%Y-%m-%dT%H:%M:%SZ}",
                "platform": self.platform,
                "s2:processing_baseline": self.baseline,
                "s2:mgrs_tile": self.tile,
                "proj:epsg": _ZONE,
                **({} if self.cloud_cover is None else {"eo:cloud_cover": self.cloud_cover}),
                **self.properties,
            },
            "links": [{"rel": "collection", "href": "../collection.json", "type": "application/json"}],
            "assets": {
                key: {
                    "href": f"./{key}.tif",
                    "type": "image/tiff; application=geotiff; profile=cloud-optimized",
                    "proj:shape": [_PIXELS, _PIXELS],
                    "proj:transform": [10, 0, _LEFT, 0, -10, _TOP],
                }
                for key in self.keys.values()
            },
        }


def series(days: int = 4, step: int = 5) -> list[Scene]:
    """One scene every few days."""
    return [Scene(day=step * number) for number in range(days)]


def region(name: str = "tapajos") -> Region:
    """The ground of the scenes."""
    return Region(name, GROUND)


def settings(source: Path | str, **changes: Any) -> AcquisitionSettings:
    """Settings that search a catalog for the scenes' ground, quickly impatient."""
    given: dict[str, Any] = {
        "source": str(source),
        "regions": {"tapajos": GROUND},
        "timeout_seconds": 2,
        "retries": 3,
        "back_off": 0.01,
    }
    return AcquisitionSettings(**(given | changes))


def write_raster(path: Path, seed: int = 0) -> Path:
    """Write what an asset is: one band, uint16, a Cloud-Optimized GeoTIFF of several blocks."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Noise: compressed, it stays long enough to be cut off in the middle.
    numbers = np.random.default_rng(seed).integers(1, 10_000, (1, _PIXELS, _PIXELS), dtype=np.uint16)
    profile = {"driver": "GTiff", "count": 1, "height": _PIXELS, "width": _PIXELS, "dtype": "uint16", "nodata": 0}
    grid = {"crs": f"EPSG:{_ZONE}", "transform": from_origin(_LEFT, _TOP, 10, 10)}
    with rasterio.open(path, "w", **profile, **grid, tiled=True, blockxsize=32, blockysize=32) as file:
        file.write(numbers)
    return path


def write_catalog(folder: Path, scenes: Sequence[Scene], *, checksums: bool = False) -> Path:
    """Write a static catalog of one collection, with all its assets; the path is that of its root."""
    collection = folder / "sentinel-2-l2a"
    for number, scene in enumerate(scenes):
        item = scene.item()
        for asset in item["assets"].values():
            path = write_raster(collection / scene.id / asset["href"], number)
            if checksums:
                content = path.read_bytes()
                asset |= {"file:size": len(content), "file:checksum": f"1220{hashlib.sha256(content).hexdigest()}"}
        write_json(collection / scene.id / f"{scene.id}.json", item)
    write_json(collection / "collection.json", collection_json([f"./{scene.id}/{scene.id}.json" for scene in scenes]))
    return write_json(folder / "catalog.json", catalog_json(["./sentinel-2-l2a/collection.json"]))


def catalog_json(children: Sequence[str]) -> dict[str, Any]:
    """The root of a catalog."""
    return {
        "type": "Catalog",
        "id": "archive",
        "stac_version": "1.0.0",
        "description": "An archive",
        "links": [{"rel": "child", "href": href} for href in children],
    }


def collection_json(items: Sequence[str], name: str = "sentinel-2-l2a") -> dict[str, Any]:
    """A collection of the whole world at all times."""
    return {
        "type": "Collection",
        "id": name,
        "stac_version": "1.0.0",
        "description": "Scenes",
        "license": "proprietary",
        "extent": {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}},
        "links": [{"rel": "item", "href": href} for href in items],
    }


def write_json(path: Path, content: Mapping[str, Any]) -> Path:
    """Write a document."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path
