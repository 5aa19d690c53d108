"""Search for scenes in STAC APIs and static STAC catalogs."""

import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pystac
from pystac_client import Client
from pystac_client.errors import ClientTypeError
from pystac_client.exceptions import APIError, ParametersError
from pystac_client.warnings import PystacClientWarning

from mining_the_mines.core.errors import SceneError
from mining_the_mines.core.redaction import without_secrets
from mining_the_mines.scenes.http import PLANETARY_COMPUTER
from mining_the_mines.scenes.regions import Bounds, Region
from mining_the_mines.scenes.safe import open_safe_archive, read_granules
from mining_the_mines.scenes.settings import AccessSettings
from mining_the_mines.scenes.stac_documents import (
    NO_STAC,
    BrokenItem,
    PatientIO,
    links_of,
    local_document,
    read_item,
    resolve,
)

logger = logging.getLogger(__name__)

#: STAC APIs by name.
PRESETS: Final[Mapping[str, str]] = {
    "earth-search": "https://earth-search.aws.element84.com/v1",
    PLANETARY_COMPUTER: "https://planetarycomputer.microsoft.com/api/stac/v1",
}
#: Items on a page of results. Items of Sentinel-2 are long, and servers time out on pages of thousands.
_PAGE_SIZE: Final = 100
#: Conformance class of an API that can be searched.
_ITEM_SEARCH: Final = "/item-search"

# Many APIs do not state their conformance classes. Set once: the state of warnings is shared by all threads.
warnings.filterwarnings("ignore", category=PystacClientWarning)


class SceneSource(Protocol):
    """A catalog that can be searched."""

    @property
    def name(self) -> str:
        """Name or address without secrets."""
        ...

    @property
    def local(self) -> bool:
        """Whether the catalog lies on this machine; only then may its items name files of this machine."""
        ...

    def search(self, region: Region, start: date | None, end: date | None) -> Iterator[pystac.Item | BrokenItem]:
        """Search for scenes. A catalog may return too many, and the same item twice.

        Args:
            region: Region of interest.
            start: First day; ``None`` for no limit.
            end: Last day; ``None`` for no limit.

        Yields:
            Items, with their own address in the ``self`` link, and broken items.

        Raises:
            SceneError: The catalog can't be searched.
        """
        ...


def open_source(access: AccessSettings, collection: str | None) -> SceneSource:
    """Open a catalog; its first document shows whether it is an API or static.

    Args:
        access: Address, time limits and retries.
        collection: Collection to search; ``None`` for all.

    Returns:
        The catalog.

    Raises:
        SceneError: There is no catalog, or it does not answer.
    """
    address = PRESETS.get(access.source, access.source)
    if urlsplit(address).scheme not in {"http", "https"}:
        return _open_local(address, collection, access)
    talk = PatientIO(access)
    landing = talk.document(address)
    if _is_api(landing):
        name = access.source if access.source in PRESETS else without_secrets(address)
        return StacApi(name, address, collection, talk)
    return StaticCatalog(address, collection, talk)


@dataclass(frozen=True)
class SingleItem:
    """A catalog of one scene: an item by its own address.

    Attributes:
        name: Address without secrets.
        local: Whether the item lies on this machine.
        item: The scene.
    """

    name: str
    local: bool
    item: pystac.Item

    def search(self, region: Region, start: date | None, end: date | None) -> Iterator[pystac.Item | BrokenItem]:
        """Return the scene; see :class:`SceneSource`."""
        del region, start, end
        yield self.item


def open_item(address: str, access: AccessSettings) -> SingleItem:
    """Open one scene by its address.

    Args:
        address: Path or URL of the item's JSON, or the path of a SAFE folder or ZIP of one granule.
        access: Time limits and retries.

    Returns:
        The scene, as a catalog of one item.

    Raises:
        SceneError: There is no item at the address, or it does not answer.
    """
    name = without_secrets(address)
    local = urlsplit(address).scheme not in {"http", "https"}
    granules = read_granules(Path(address)) if local else []
    if len(granules) > 1:
        raise SceneError(f"{name} holds {len(granules)} granules: name one of them.")
    if granules:
        return SingleItem(name, local, granules[0])
    at = str(Path(address).resolve()) if local else address
    item = read_item(local_document(at) if local else PatientIO(access).document(at), at)
    if isinstance(item, BrokenItem):
        raise SceneError(f"{name} is no STAC item ({item.reason}): name the JSON of one scene.")
    return SingleItem(name, local, item)


class StacApi:
    """A STAC API, searched with pystac-client.

    Args:
        name: Name or address without secrets.
        address: Address of the landing page.
        collection: Collection to search; ``None`` for all.
        talk: HTTP with retries.
    """

    local: Final = False

    def __init__(self, name: str, address: str, collection: str | None, talk: PatientIO) -> None:
        self.name = name
        self.collection = collection
        self._address = address
        try:
            self._client = Client.open(address, stac_io=talk)
        except (ClientTypeError, *NO_STAC) as error:
            raise SceneError(f"{name} is no STAC API: its landing page is no catalog; check the address.") from error

    def search(self, region: Region, start: date | None, end: date | None) -> Iterator[pystac.Item | BrokenItem]:
        """Search page by page; see :class:`SceneSource`."""
        try:
            found = self._client.search(
                collections=[self.collection] if self.collection else None,
                bbox=region.bounds,
                datetime=_interval(start, end),
                limit=_PAGE_SIZE,
            )
            seen: set[str] = set()
            for page in found.pages_as_dicts():
                ids = {str(item["id"]) for item in page["features"]}
                if ids <= seen:
                    # A server that links a page to itself would be asked for ever
                    logger.warning("%s gives the same page of results again: the search ends there.", self.name)
                    return
                seen |= ids
                yield from (read_item(fields, self._address) for fields in page["features"])
        except (APIError, ParametersError, NotImplementedError, json.JSONDecodeError, *NO_STAC) as error:
            raise SceneError(
                f"{self.name} can't be searched ({type(error).__name__}): its answer is no STAC; check the address."
            ) from error


class StaticCatalog:
    """A static STAC catalog, on disk or on a web server; collections outside the region are not read.

    Args:
        address: Absolute path or URL of its root.
        collection: Collection to search; ``None`` for all.
        talk: HTTP with retries.
    """

    def __init__(self, address: str, collection: str | None, talk: PatientIO) -> None:
        self.name = without_secrets(address)
        self.local = urlsplit(address).scheme not in {"http", "https"}
        self.collection = collection
        self._address = address
        self._talk = talk
        self._documents: dict[str, dict[str, Any]] = {}

    def search(self, region: Region, start: date | None, end: date | None) -> Iterator[pystac.Item | BrokenItem]:
        """Search by following links from the root; see :class:`SceneSource`."""
        collections: set[str] = set()
        wanted, unassigned = False, 0
        for fields, address in self._walk(self._address, region, set()):
            if isinstance(fields, BrokenItem):
                yield fields
            elif fields.get("type") == "Collection":
                collections.add(str(fields.get("id")))
            elif self.collection in (None, fields.get("collection")):
                wanted = True
                item = read_item(fields, address)
                if isinstance(item, BrokenItem) or _within(item, region, start, end):
                    yield item
            elif fields.get("collection") is None:
                unassigned += 1
        if not wanted and self.collection not in collections:
            self._explain(collections, unassigned)
        elif unassigned:
            logger.warning(
                "%s lists %d items that belong to no collection, and they are left out: set acquisition.collection to "
                "null to have them.",
                self.name,
                unassigned,
            )

    def _explain(self, collections: set[str], unassigned: int) -> None:
        """Raise if nothing was found because of the collection's name."""
        if unassigned:
            raise SceneError(
                f"{self.name} has no collection {self.collection}, but {unassigned} items that belong to none: set "
                "acquisition.collection to null to have all that it lists."
            )
        if collections and self.collection:
            raise SceneError(
                f"{self.name} has no collection {self.collection}; it has {', '.join(sorted(collections))}: name one "
                "of these in acquisition.collection."
            )

    def _walk(
        self, address: str, region: Region, visited: set[str], within: str | None = None
    ) -> Iterator[tuple[dict[str, Any] | BrokenItem, str]]:
        """Yield collections and items below a catalog, with their addresses. Circular links are followed once.

        Items that do not name their collection belong to the collection that lists them (``within``).
        """
        visited.add(address)
        catalog = self._read(address)
        if catalog.get("type") == "Collection":
            yield catalog, address
            if self.collection not in (None, catalog.get("id")) or not _may_hold(catalog, region):
                return
            within = str(catalog.get("id"))
        for link in links_of(catalog):
            if link.get("rel") not in ("child", "item"):
                continue
            try:
                target = resolve(str(link["href"]), address, local=self.local)
                if target in visited:
                    continue
                if link["rel"] == "child":
                    yield from self._walk(target, region, visited, within)
                else:
                    visited.add(target)
                    fields = self._read(target)
                    yield {**fields, "collection": fields.get("collection") or within}, target
            except (SceneError, KeyError) as error:
                yield BrokenItem(without_secrets(str(link.get("href", "a link without address"))), str(error)), address

    def _read(self, address: str) -> dict[str, Any]:
        """Read a document, once for all regions."""
        if address not in self._documents:
            self._documents[address] = self._talk.document(address) if not self.local else local_document(address)
        return self._documents[address]


def _open_local(address: str, collection: str | None, access: AccessSettings) -> SceneSource:
    path = Path(url2pathname(urlsplit(address).path) if address.startswith("file:") else address)
    catalog = path / "catalog.json" if path.is_dir() else path
    if not (path.is_dir() and catalog.is_file()):
        products = open_safe_archive(path, collection)
        if products is not None:
            return products
    if not catalog.is_file():
        raise SceneError(
            f"There is no catalog {catalog}: acquisition.source is {', '.join(PRESETS)}, the address of a STAC API, a "
            "static STAC catalog, or a folder of SAFE folders or ZIPs."
        )
    return StaticCatalog(str(catalog.resolve()), collection, PatientIO(access))


def _is_api(landing: Mapping[str, Any]) -> bool:
    """Whether a document is the landing page of an API that can be searched."""
    conforms = any(_ITEM_SEARCH in str(uri) for uri in landing.get("conformsTo") or [])
    return conforms or any(link.get("rel") == "search" for link in links_of(landing))


def _interval(start: date | None, end: date | None) -> str | None:
    if start is None and end is None:
        return None
    first = f"{start.isoformat()}T00:00:00Z" if start else ".."
    last = f"{end.isoformat()}T23:59:59Z" if end else ".."
    return f"{first}/{last}"


def _within(item: pystac.Item, region: Region, start: date | None, end: date | None) -> bool:
    box = item.bbox
    if box and not _overlap((box[0], box[1], box[len(box) // 2], box[len(box) // 2 + 1]), region.bounds):
        return False
    if item.datetime is None:
        return True
    day = item.datetime.date()
    return (start is None or day >= start) and (end is None or day <= end)


def _may_hold(collection: Mapping[str, Any], region: Region) -> bool:
    """Whether a collection's extent meets a region; a missing or broken extent counts as the whole world."""
    try:
        box = collection["extent"]["spatial"]["bbox"][0]
        half = len(box) // 2
        return _overlap((box[0], box[1], box[half], box[half + 1]), region.bounds)
    except (KeyError, IndexError, TypeError):
        return True


def _overlap(first: Bounds, second: Bounds) -> bool:
    """Whether two boxes meet; one that crosses the antimeridian (west beyond east) counts as all longitudes."""
    if first[0] >= 180:  # longitudes from 0 to 360
        first = (first[0] - 360, first[1], first[2] - 360, first[3])
    beside = first[0] <= first[2] and (first[0] > second[2] or first[2] < second[0])
    return not beside and first[1] <= second[3] and second[1] <= first[3]
