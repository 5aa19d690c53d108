"""A static STAC catalog of simulated scenes, with the fields that Earth Search gives to real ones.

STAC 1.1 with the extensions eo 1.1, raster 1.1, projection 1.2, view 1.0, grid 1.1, file 2.1, and the ``s2:``
properties.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pystac
import shapely
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.transform import Affine
from rasterio.warp import transform as reproject
from shapely import Polygon

from mining_the_mines.core.hashing import hash_bytes
from mining_the_mines.geo.grid import wgs84
from mining_the_mines.sentinel2.bands import BANDS, COMPETITION_BANDS
from mining_the_mines.sentinel2.reflectance import NODATA, QUANTIFICATION
from mining_the_mines.sentinel2.scene_classification import SceneClass
from mining_the_mines.simulation.products import SCENE_CLASSIFICATION, Product
from mining_the_mines.simulation.relief import Sun

COLLECTION: Final = "sentinel-2-l2a"
EXTENSIONS: Final = tuple(
    f"https://stac-extensions.github.io/{name}/v{version}/schema.json"
    for name, version in (
        ("eo", "1.1.0"),
        ("raster", "1.1.0"),
        ("projection", "1.2.0"),
        ("view", "1.0.0"),
        ("grid", "1.1.0"),
        ("file", "2.1.0"),
    )
)
#: Asset and eo common name of each band, as in Earth Search.
ASSETS: Final = MappingProxyType(
    {
        "B1": ("coastal", "coastal"),
        "B2": ("blue", "blue"),
        "B3": ("green", "green"),
        "B4": ("red", "red"),
        "B5": ("rededge1", "rededge"),
        "B6": ("rededge2", "rededge"),
        "B7": ("rededge3", "rededge"),
        "B8": ("nir", "nir"),
        "B8A": ("nir08", "nir08"),
        "B9": ("nir09", "nir09"),
        "B11": ("swir16", "swir16"),
        "B12": ("swir22", "swir22"),
    }
)
CLASSIFICATION_ASSET: Final = "scl"
#: ``s2:`` properties that say how much of a scene's data falls into which class.
_CLASS_SHARES: Final = MappingProxyType(
    {
        "s2:dark_features_percentage": SceneClass.DARK_AREA,
        "s2:cloud_shadow_percentage": SceneClass.CLOUD_SHADOW,
        "s2:vegetation_percentage": SceneClass.VEGETATION,
        "s2:not_vegetated_percentage": SceneClass.NOT_VEGETATED,
        "s2:water_percentage": SceneClass.WATER,
        "s2:unclassified_percentage": SceneClass.UNCLASSIFIED,
        "s2:medium_proba_clouds_percentage": SceneClass.CLOUD_MEDIUM_PROBABILITY,
        "s2:high_proba_clouds_percentage": SceneClass.CLOUD_HIGH_PROBABILITY,
        "s2:thin_cirrus_percentage": SceneClass.THIN_CIRRUS,
    }
)
_CLOUDS: Final = (
    SceneClass.CLOUD_MEDIUM_PROBABILITY,
    SceneClass.CLOUD_HIGH_PROBABILITY,
    SceneClass.THIN_CIRRUS,
)


@dataclass(frozen=True)
class Band:
    """A file of a product.

    Attributes:
        name: ``B1`` … ``B12``, or ``SCL``.
        path: Path of the file.
        shape: Rows and columns.
        transform: Transform of its grid.
    """

    name: str
    path: Path
    shape: tuple[int, int]
    transform: Affine


def describe_scene(product: Product, epsg: int, sun: Sun, classes: NDArray[np.uint8], bands: list[Band]) -> pystac.Item:
    """Describe a product as a STAC item.

    Args:
        product: The product.
        epsg: EPSG code of its UTM zone.
        sun: Position of the sun.
        classes: Its scene classification, 0 where there is no data.
        bands: Its files, all in one folder.

    Returns:
        The item, with the hrefs of its assets relative to the files' folder.
    """
    outline = outline_of(bands[0].transform, bands[0].shape, epsg)
    item = pystac.Item(
        id=product.name,
        geometry=shapely.geometry.mapping(outline),
        bbox=list(outline.bounds),
        datetime=product.moment,
        collection=COLLECTION,
        stac_extensions=list(EXTENSIONS),
        properties={
            "created": f"{product.created:%Y-%m-%dT%H:%M:%SZ}",
            "platform": product.platform,
            "constellation": "sentinel-2",
            "instruments": ["msi"],
            "proj:code": f"EPSG:{epsg}",
            "proj:epsg": epsg,
            "grid:code": f"MGRS-{product.tile}",
            "view:sun_azimuth": sun.azimuth,
            "view:sun_elevation": sun.elevation,
            "s2:mgrs_tile": product.tile,
            "s2:product_uri": f"{product.name}.SAFE",
            "s2:product_type": "S2MSI2A",
            "s2:processing_baseline": product.baseline,
            **class_shares(classes),
        },
    )
    for band in bands:
        key = CLASSIFICATION_ASSET if band.name == SCENE_CLASSIFICATION else ASSETS[band.name][0]
        item.add_asset(key, _asset(band, product))
    return item


def class_shares(classes: NDArray[np.uint8]) -> dict[str, float]:
    """Compute a product's statement of how much of it is cloud, water and so on, in per cent of its data.

    Args:
        classes: Its scene classification.

    Returns:
        ``eo:cloud_cover`` (clouds of medium and high probability, and cirrus), ``s2:nodata_pixel_percentage`` (of all
        pixels) and ``s2:…_percentage`` of each class.
    """
    counts = np.bincount(classes.ravel(), minlength=len(SceneClass)).tolist()
    seen = max(sum(counts[1:]), 1)
    shares = {name: round(100 * counts[code] / seen, 6) for name, code in _CLASS_SHARES.items()}
    return {
        "eo:cloud_cover": round(100 * sum(counts[code] for code in _CLOUDS) / seen, 6),
        "s2:nodata_pixel_percentage": round(100 * counts[SceneClass.NO_DATA] / classes.size, 6),
        **shares,
    }


def write_catalog(folder: Path, items: list[pystac.Item]) -> None:
    """Write the catalog around items whose files are there already.

    ``catalog.json``, ``sentinel-2-l2a/collection.json`` and ``sentinel-2-l2a/<item>/<item>.json``, with relative links.

    Args:
        folder: Folder of the catalog.
        items: All scenes.
    """
    catalog = pystac.Catalog(
        id="simulated-sentinel-2", description="Made-up landscapes with mines, as a simulated Sentinel-2 sees them."
    )
    boxes = np.array([item.bbox for item in items])
    moments = [item.datetime.astimezone(UTC) for item in items if item.datetime is not None]
    collection = pystac.Collection(
        id=COLLECTION,
        title="Simulated Sentinel-2 Level-2A",
        description="Surface reflectance and scene classification; nothing in it was ever seen by a satellite.",
        license="CC0-1.0",
        extent=pystac.Extent(
            pystac.SpatialExtent([[*boxes[:, :2].min(axis=0).tolist(), *boxes[:, 2:].max(axis=0).tolist()]]),
            pystac.TemporalExtent([[min(moments), max(moments)]]),
        ),
        stac_extensions=[extension for extension in EXTENSIONS if "/eo/" in extension or "/raster/" in extension],
    )
    for name, (key, _) in ASSETS.items():
        collection.item_assets[key] = _asset_definition(name)
    collection.item_assets[CLASSIFICATION_ASSET] = _asset_definition(SCENE_CLASSIFICATION)
    collection.summaries.add("gsd", [10, 20, 60])
    collection.add_items(items)
    catalog.add_child(collection)
    # Given the folder alone, pystac would take one with a dot in its name for a file, and write beside it.
    catalog.normalize_and_save(str(folder / catalog.DEFAULT_FILE_NAME), pystac.CatalogType.SELF_CONTAINED)


def outline_of(transform: Affine, shape: tuple[int, int], epsg: int) -> Polygon:
    """Draw the outline of a grid in degrees of WGS 84.

    Args:
        transform: Transform of the grid.
        shape: Rows and columns.
        epsg: EPSG code of the grid.

    Returns:
        The polygon, longitude first, counter-clockwise.
    """
    rows, columns = shape
    corners = [transform @ corner for corner in ((0, rows), (columns, rows), (columns, 0), (0, 0))]
    xs, ys = zip(*corners, strict=True)
    longitudes, latitudes = reproject(CRS.from_epsg(epsg), wgs84(), list(xs), list(ys))
    return Polygon([(round(x, 7), round(y, 7)) for x, y in zip(longitudes, latitudes, strict=True)])


def write_features(path: Path, features: Sequence[dict[str, Any]]) -> None:
    """Write GeoJSON.

    Args:
        path: Destination.
        features: As GeoJSON has them.
    """
    collection = {"type": "FeatureCollection", "features": features}
    path.write_text(json.dumps(collection, indent=2) + "\n", encoding="utf-8")


def _asset(band: Band, product: Product) -> pystac.Asset:
    content = band.path.read_bytes()
    fields = _band_fields(band.name, product.offset)
    fields |= {
        "proj:shape": list(band.shape),
        "proj:transform": list(band.transform)[:6],
        "file:size": len(content),
        # A multihash: 0x12 stands for SHA-256, 0x20 for its 32 bytes.
        "file:checksum": "1220" + hash_bytes(content),
    }
    return pystac.Asset(
        href=f"./{band.path.name}",
        title=_title(band.name),
        media_type=pystac.MediaType.COG,
        roles=_roles(band.name),
        extra_fields=fields,
    )


def _asset_definition(name: str) -> pystac.ItemAssetDefinition:
    return pystac.ItemAssetDefinition(
        {
            "type": str(pystac.MediaType.COG),
            "title": _title(name),
            "roles": _roles(name),
            **_band_fields(name, None),
        }
    )


def _title(name: str) -> str:
    return "Scene classification map (SCL)" if name == SCENE_CLASSIFICATION else f"{name}, {BANDS[name].resolution} m"


def _roles(name: str) -> list[str]:
    return ["data"] if name == SCENE_CLASSIFICATION else ["data", "reflectance"]


def _band_fields(name: str, offset: int | None) -> dict[str, Any]:
    """Fields of the eo and raster extensions; the collection, whose items differ, names no offset."""
    if name == SCENE_CLASSIFICATION:
        return {"gsd": 20, "raster:bands": [{"nodata": NODATA, "data_type": "uint8", "spatial_resolution": 20}]}
    band = BANDS[name]
    key, common_name = ASSETS[name]
    raster: dict[str, Any] = {"nodata": NODATA, "data_type": "uint16", "spatial_resolution": band.resolution}
    if offset is not None:
        raster |= {"scale": 1 / QUANTIFICATION, "offset": -offset / QUANTIFICATION}
    described = {
        "name": key,
        "common_name": common_name,
        "description": f"Band {name.removeprefix('B')}",
        "center_wavelength": round(band.wavelength / 1000, 4),
        "full_width_half_max": round(band.width / 1000, 4),
    }
    return {"gsd": band.resolution, "eo:bands": [described], "raster:bands": [raster]}


def band_files() -> dict[str, str]:
    """Name the file of each band, as in Earth Search.

    Returns:
        File by band, the scene classification's last.
    """
    files = {name: f"B{name.removeprefix('B').zfill(2)}.tif" for name in COMPETITION_BANDS}
    return files | {SCENE_CLASSIFICATION: "SCL.tif"}
