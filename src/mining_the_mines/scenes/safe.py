"""Products of Copernicus on this disk as scenes: a STAC item per granule, made from metadata and headers of images.

After that, a product goes the way of every other archive's scene. Its numbers are decided by its own metadata:
quantification and offsets per band. Where these can't be read, the processing baseline in its name decides.

The library stactools-sentinel2 makes such items, too. It reads no ZIP, needs a complete ``manifest.safe``, believes the
metadata rather than the files about grids, and brings four packages.
"""

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path, PurePosixPath
from typing import Any, Final

import pystac
import rasterio
import shapely
from rasterio.errors import RasterioError
from rasterio.warp import transform_bounds

from mining_the_mines.core.errors import SceneError
from mining_the_mines.scenes.regions import Region
from mining_the_mines.scenes.safe_files import MANIFEST, SafeProduct, find_products, walk_products
from mining_the_mines.scenes.safe_metadata import (
    ProductMetadata,
    read_file_sizes,
    read_product_metadata,
    read_sensing_time,
)
from mining_the_mines.scenes.stac_documents import BrokenItem
from mining_the_mines.sentinel2.bands import BANDS
from mining_the_mines.sentinel2.baseline import SATURATED
from mining_the_mines.sentinel2.reflectance import NODATA

logger = logging.getLogger(__name__)

#: Collections by level, as catalogs call them.
COLLECTIONS: Final[Mapping[str, str]] = {"1C": "sentinel-2-l1c", "2A": "sentinel-2-l2a"}
#: Images of bands and of the scene classification; in products before 2017 the class stands in the middle of the name.
_IMAGE: Final = re.compile(
    r"(?:.*_)?(?:(B0?\d{1,2}|B8A|SCL)|(SCL)_L2A_\w+?)(?:_(10|20|60)m)?\.(jp2|tiff?)", re.IGNORECASE
)
#: Other rasters can serve as a cloud mask by the last part of their name.
_OTHER: Final = re.compile(
    r"(?:(?:L1C_|L2A_)?T\d{2}[A-Z]{3}_(?:A\d{6}_)?(?:\d{8}T\d{6}_)?)?(.+?)\.(jp2|tiff?)", re.IGNORECASE
)
_NO_MASK: Final = re.compile(r"MSK_(DETFOO|QUALIT)|(^|_)(TCI|AOT|WVP|PVI|VIS|DDV)(_|$)|preview|-ql$", re.IGNORECASE)
_LEVEL: Final = re.compile(r"MSIL(1C|2A)|SAFL(1C|2A)", re.IGNORECASE)
_GRANULE: Final = re.compile(r"GRANULE/([^/]+)/", re.IGNORECASE)
_TILE: Final = re.compile(r"_T(\d{2}[C-HJ-NP-X][A-HJ-NP-Z]{2})(?:_|\.|$)")
#: The first time in a name is that of sensing; before 2017 it followed a V.
_SENSED: Final = re.compile(r"(?:_|^.*_V)(\d{8}T\d{6})(?:_|$)")
_TIMES: Final = "%Y%m%dT%H%M%S"
_PLATFORM: Final = re.compile(r"S2([A-D])_")
_PROJECTION: Final = "https://stac-extensions.github.io/projection/v2.0.0/schema.json"
_RASTER: Final = "https://stac-extensions.github.io/raster/v1.1.0/schema.json"


@dataclass(frozen=True)
class SafeArchive:
    """A folder of products, or one product, as a catalog that can be searched.

    Attributes:
        name: Its path.
        collection: ``sentinel-2-l2a``, ``sentinel-2-l1c``, or ``None`` for both.
        paths: SAFE folders and ZIPs.
    """

    name: str
    collection: str | None
    paths: tuple[Path, ...]
    local: bool = True

    def search(self, region: Region, start: date | None, end: date | None) -> Iterator[pystac.Item | BrokenItem]:
        """Return all products; see :class:`~mining_the_mines.scenes.search.SceneSource`.

        Raises:
            SceneError: No product is of the collection.
        """
        del region, start, end  # whoever asks judges by the metadata, and says why a scene is left out
        others = set()
        found = False
        for path in self.paths:
            for item in _read_or_report(path):
                if isinstance(item, BrokenItem) or self.collection in (None, item.collection_id):
                    found = True
                    yield item
                else:
                    others.add(str(item.collection_id))
        if not found and others:
            raise SceneError(
                f"{self.name} holds no products of the collection {self.collection}, but of "
                f"{', '.join(sorted(others))}: name it in acquisition.collection."
            )


def open_safe_archive(folder: Path, collection: str | None) -> SafeArchive | None:
    """Open a folder of SAFE folders and ZIPs, also in sub-folders, or one of them.

    Args:
        folder: The folder, or a ZIP.
        collection: Collection to search; ``None`` for all.

    Returns:
        The archive; ``None`` if there is no product.
    """
    paths = (folder,) if find_products(folder) else tuple(walk_products(folder)) if folder.is_dir() else ()
    return SafeArchive(str(folder.absolute()), collection, paths) if paths else None


def find_granules(place: Path) -> list[tuple[str, str]]:
    """Find the granules of the products at a path, without reading images.

    Args:
        place: A SAFE folder or a ZIP.

    Returns:
        Name and address of each granule, the latter for :func:`read_granules`; empty if the path names no product.

    Raises:
        SceneError: The product or ZIP can't be read, or holds no image.
    """
    found = []
    for product in find_products(place):
        metadata, granules = _metadata(product), _granules(product)
        several = len(granules) > 1
        for folder in _asked(granules, place):
            address = f"{product.location}/{folder}" if several else product.location
            found.append((_identify(product, metadata, granules[folder], several=several), address))
    return found


def read_granules(place: Path) -> list[pystac.Item]:
    """Read the granules at a path as STAC items.

    Args:
        place: A SAFE folder or a ZIP, or an address of :func:`find_granules`.

    Returns:
        An item per granule: products before 2017 hold several. Its assets are the finest image of each band and of the
        scene classification, with grid, scale and offset, and other rasters that may serve as a cloud mask by name.

    Raises:
        SceneError: The product can't be read, or holds no image.
    """
    return [item for product in find_products(place) for item in _items(product, place)]


def _read_or_report(path: Path) -> Iterator[pystac.Item | BrokenItem]:
    try:
        yield from read_granules(path)
    except SceneError as error:
        logger.warning("%s", error)
        yield BrokenItem(path.name, str(error))


def _items(product: SafeProduct, place: Path) -> Iterator[pystac.Item]:
    metadata, granules = _metadata(product), _granules(product)
    _check_special(product, metadata)
    sizes = read_file_sizes(product.read(MANIFEST)) if MANIFEST in product.files else {}
    for folder in _asked(granules, place):
        yield _Granule(product, folder, granules[folder], metadata, sizes).item(several=len(granules) > 1)


def _granules(product: SafeProduct) -> dict[str, tuple[str, ...]]:
    """Files of each granule by its folder, which is empty where images lie elsewhere."""
    granules: dict[str, list[str]] = {}
    for file in sorted(product.files):
        found = _GRANULE.match(file)
        granules.setdefault(found[0].rstrip("/") if found else "", []).append(file)
    elsewhere = granules.get("", [])
    own = {folder: tuple(files) for folder, files in granules.items() if any(map(_image, files))}
    if not own:
        raise SceneError(
            f"{product.location} holds no image of a band: the download is incomplete; fetch the product again."
        )
    if len(own) == 1 and "" not in own:  # a mask that somebody put beside the only granule
        return {folder: (*files, *elsewhere) for folder, files in own.items()}
    return own


def _asked(granules: Mapping[str, tuple[str, ...]], place: Path) -> list[str]:
    """Folders of the granules that a path means: one inside a granule means that alone."""
    address = f"{place.absolute().as_posix()}/"
    return [folder for folder in granules if folder and f"/{folder}/" in address] or list(granules)


def _image(file: str) -> tuple[str, int | None] | None:
    """Band, or ``SCL``, and resolution of an image by its name; ``None`` for other files."""
    path = PurePosixPath(file)
    found = _IMAGE.fullmatch(path.name)
    if found is None or path.name.upper().startswith("MSK_") or "_MSK_" in path.name.upper():
        return None
    name = (found[1] or found[2]).upper()
    band = name if name in {"SCL", "B8A"} else f"B{int(name[1:])}"
    return (band, int(found[3]) if found[3] else None) if band == "SCL" or band in BANDS else None


def _metadata(product: SafeProduct) -> ProductMetadata | None:
    document = product.document()
    return None if document is None else read_product_metadata(product.read(document))


def _check_special(product: SafeProduct, metadata: ProductMetadata | None) -> None:
    usual = {"NODATA": NODATA, "SATURATED": SATURATED}
    for name, number in (metadata.special if metadata else {}).items():
        if usual.get(name, number) != number:
            raise SceneError(
                f"{product.location} marks {name} by the number {number} where Sentinel-2's products use "
                f"{usual[name]}: it can't be read; convert it, or use the original product."
            )


def _identify(product: SafeProduct, metadata: ProductMetadata | None, files: tuple[str, ...], *, several: bool) -> str:
    name = re.sub(r"\.SAFE$", "", (metadata and metadata.uri) or product.name, flags=re.IGNORECASE)
    tile = _tile(files)
    return f"{name}_T{tile}" if several and tile else name


def _tile(files: tuple[str, ...]) -> str | None:
    found = (match for file in files if _image(file) and (match := _TILE.search(file)))
    return next((match[1] for match in found), None)


@dataclass(frozen=True)
class _Granule:
    """One tile of a product.

    Attributes:
        product: The product.
        folder: Folder of the granule, relative to the product; empty if images lie elsewhere.
        files: Its files, relative to the product.
        metadata: Facts of the product, if its document can be read.
        sizes: Sizes in bytes that the manifest states.
    """

    product: SafeProduct
    folder: str
    files: tuple[str, ...]
    metadata: ProductMetadata | None
    sizes: Mapping[str, int]

    def item(self, *, several: bool) -> pystac.Item:
        """Make the STAC item; ``several`` if it shares its product's name with others."""
        name = _identify(self.product, self.metadata, self.files, several=several)
        assets = {key: self._asset(file, band) for key, (file, band) in self._keys().items()}
        placed = [asset for asset in assets.values() if "proj:code" in asset]
        if not placed:
            raise SceneError(f"{self.product.location} holds no image that can be read: fetch the product again.")
        box = _degrees(placed[0])
        drawn = self.metadata.footprint if self.metadata else None
        drawn = drawn if drawn is not None and not several else shapely.box(*box) if box[0] < box[2] else None
        level = self._level()
        fields = {
            "type": "Feature", "stac_version": "1.0.0", "stac_extensions": [_PROJECTION, _RASTER], "id": name,
            "collection": COLLECTIONS.get(level or ""), "links": [], "bbox": list(box),
            "geometry": None if drawn is None else shapely.geometry.mapping(drawn),
            "properties": {**self._properties(name, level), "proj:code": placed[0]["proj:code"]},
            "assets": assets,
        }  # fmt: skip
        if self.metadata is None:
            logger.warning(
                "%s has no metadata that can be read: scale and offset of its numbers are taken from the processing "
                "baseline in its name.",
                self.product.location,
            )
        return pystac.Item.from_dict(fields, href=f"{self.product.location}/{name}.json", preserve_dict=False)

    def _keys(self) -> dict[str, tuple[str, str | None]]:
        """File and band of each asset by key: of each band the finest image, and rasters that are no bands."""
        finest: dict[str, tuple[float, str]] = {}
        others: dict[str, tuple[str, str | None]] = {}
        for file in (*self.files, *self._missing()):
            image = _image(file)
            if image is not None:
                band, metres = image
                finest[band] = min(finest.get(band, (float("inf"), file)), (metres or 0, file))
                continue
            other = _OTHER.fullmatch(PurePosixPath(file).name)
            if other and not _NO_MASK.search(other[1]):
                others[other[1]] = (file, None)
        named = {f"{band}_{metres:.0f}m" if metres else band: (file, band) for band, (metres, file) in finest.items()}
        return {**named, **others}

    def _missing(self) -> Iterator[str]:
        """Images that the metadata list and that are not there, of bands that are not there in any resolution."""
        there = {image[0] for file in self.files if (image := _image(file))}
        for listed in self.metadata.images if self.metadata else ():
            name = listed if "/" in listed else f"{self.folder}/IMG_DATA/{listed}"
            image = _image(f"{name}.jp2")
            if image and image[0] not in there and self.folder.lower() in name.lower():
                yield f"{name}.jp2"

    def _asset(self, file: str, band: str | None) -> dict[str, Any]:
        address = self.product.address(file)
        fields: dict[str, Any] = {
            "href": address,
            "type": "image/jp2" if file.lower().endswith("jp2") else "image/tiff; application=geotiff",
            "roles": ["data"] if band else ["metadata"],  # a mask is found by its key alone, and is no band
        }
        if file in self.sizes:
            fields["file:size"] = self.sizes[file]
        if band is not None and band in BANDS and self.metadata and self.metadata.quantification:
            scale = 1 / self.metadata.quantification
            fields["raster:bands"] = [{"scale": scale, "offset": self.metadata.offsets.get(band, 0.0) * scale}]
        try:
            with rasterio.open(address) as image:
                if image.crs is not None:
                    fields |= {
                        "proj:code": f"EPSG:{image.crs.to_epsg()}",
                        "proj:shape": list(image.shape),
                        "proj:transform": list(image.transform)[:6],
                    }
        except RasterioError:
            pass  # whether it is needed shows later, and its fault is told then
        return fields

    def _level(self) -> str | None:
        names = (self.metadata and self.metadata.uri, self.product.document(), self.product.name, *self.files)
        found = next((match for name in names if name and (match := _LEVEL.search(name))), None)
        return (found[1] or found[2]).upper() if found else None

    def _properties(self, name: str, level: str | None) -> dict[str, Any]:
        """Properties of the item, from the documents, else from the product's name."""
        facts = self.metadata or ProductMetadata()
        platform = _PLATFORM.match(name)
        given = {
            "datetime": self._sensed(name),
            "platform": facts.platform or (f"sentinel-2{platform[1].lower()}" if platform else None),
            "eo:cloud_cover": facts.cloud_cover,
            "processing:level": f"L{level}" if level else None,
            "s2:processing_baseline": facts.baseline,
            "s2:product_uri": facts.uri or f"{self.product.name}.SAFE",
            "s2:mgrs_tile": _tile(self.files),
            "s2:generation_time": facts.generated,
        }
        return {key: value for key, value in given.items() if value is not None}

    def _sensed(self, name: str) -> str:
        """Time of the granule, else of the datatake, else the one in names.

        Raises:
            SceneError: Nothing says.
        """
        document = next((file for file in self.files if re.search(r"MTD_(TL|L1C_TL_\w+|L2A_TL_\w+)\.xml$", file)), None)
        told = read_sensing_time(self.product.read(document)) if document else None
        told = told or (self.metadata.start if self.metadata else None)
        if told:
            return told
        found = next((match for text in (name, *self.files) if (match := _SENSED.search(text))), None)
        if found is None:
            raise SceneError(
                f"{self.product.location} does not say when it was taken, neither in its metadata nor in its name: "
                "give it the name that it was delivered under."
            )
        return f"{datetime.strptime(found[1], _TIMES):%Y-%m-%dT%H:%M:%SZ}"


def _degrees(asset: Mapping[str, Any]) -> tuple[float, float, float, float]:
    """West, south, east and north of an image; west lies beyond east across the antimeridian."""
    (height, width), (a, _, c, _, e, f) = asset["proj:shape"], asset["proj:transform"]
    west, south, east, north = transform_bounds(asset["proj:code"], "EPSG:4326", c, f + e * height, c + a * width, f)
    return west, south, east, north
