"""Where scenes are found: STAC APIs and static STAC catalogs."""

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
from mining_the_mines.scenes.regions import Region
from mining_the_mines.scenes.settings import AccessSettings
from mining_the_mines.scenes.static_catalog import (
    NO_STAC,
    BrokenItem,
    PatientIO,
    StaticCatalog,
    links_of,
    local_document,
    read_item,
)

logger = logging.getLogger(__name__)

#: STAC APIs that are known by name.
PRESETS: Final[Mapping[str, str]] = {
    "earth-search": "https://earth-search.aws.element84.com/v1",
    PLANETARY_COMPUTER: "https://planetarycomputer.microsoft.com/api/stac/v1",
}
#: Items on a page of results. Items of Sentinel-2 are long, and servers give up on pages of thousands.
_PAGE_SIZE: Final = 100
#: Said by an API of itself: it can be searched.
_ITEM_SEARCH: Final = "/item-search"

# APIs that say less of themselves than they can do are welcome. Set once: warnings' state is shared by all threads.
warnings.filterwarnings("ignore", category=PystacClientWarning)


class SceneSource(Protocol):
    """A catalog that can be searched."""

    @property
    def name(self) -> str:
        """What it is called, fit to be written down."""
        ...

    @property
    def local(self) -> bool:
        """Whether it lies on this machine; only then may its items name files of this machine."""
        ...

    def search(self, region: Region, start: date | None, end: date | None) -> Iterator[pystac.Item | BrokenItem]:
        """Look for scenes. The catalog's word is taken roughly: it may give too many, and the same twice.

        Args:
            region: Where.
            start: First day; ``None`` for no limit.
            end: Last day; ``None`` for no limit.

        Yields:
            Items, with their own address in the ``self`` link, and those that are broken.

        Raises:
            SceneError: If the catalog can't be asked.
        """
        ...


def open_source(access: AccessSettings, collection: str | None) -> SceneSource:
    """Open a catalog; its first page tells whether it is an API or static.

    Args:
        access: Where it is, and how patient to be.
        collection: Which of its collections to search; ``None`` for all.

    Returns:
        The catalog.

    Raises:
        SceneError: If there is none, or it does not answer.
    """
    address = PRESETS.get(access.source, access.source)
    if urlsplit(address).scheme not in {"http", "https"}:
        return StaticCatalog(_local_catalog(address), collection, PatientIO(access))
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
        name: Its address, fit to be written down.
        local: Whether it lies on this machine.
        item: The scene.
    """

    name: str
    local: bool
    item: pystac.Item

    def search(self, region: Region, start: date | None, end: date | None) -> Iterator[pystac.Item | BrokenItem]:
        """Give the scene; see :class:`SceneSource`."""
        del region, start, end
        yield self.item


def open_item(address: str, access: AccessSettings) -> SingleItem:
    """Open one scene by its address.

    Args:
        address: Of the item's JSON: a path, or a URL.
        access: How patient to be.

    Returns:
        The scene, as a catalog that holds nothing else.

    Raises:
        SceneError: If there is no item at the address, or it does not answer.
    """
    name = without_secrets(address)
    local = urlsplit(address).scheme not in {"http", "https"}
    at = str(Path(address).resolve()) if local else address
    item = read_item(local_document(at) if local else PatientIO(access).document(at), at)
    if isinstance(item, BrokenItem):
        raise SceneError(f"{name} is no STAC item ({item.reason}): name the JSON of one scene.")
    return SingleItem(name, local, item)


class StacApi:
    """A STAC API, asked through pystac-client.

    Args:
        name: What it is called, fit to be written down.
        address: Of its landing page.
        collection: Which collection to search; ``None`` for all.
        talk: How to ask.
    """

    local: Final = False

    def __init__(self, name: str, address: str, collection: str | None, talk: "PatientIO") -> None:
        self.name = name
        self.collection = collection
        self._address = address
        try:
            self._client = Client.open(address, stac_io=talk)
        except (ClientTypeError, *NO_STAC) as error:
            raise SceneError(f"{name} is no STAC API: its landing page is no catalog; check the address.") from error

    def search(self, region: Region, start: date | None, end: date | None) -> Iterator[pystac.Item | BrokenItem]:
        """Look for scenes, page by page; see :class:`SceneSource`."""
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
                    # A server that links a page to itself would be asked for ever.
                    logger.warning("%s gives the same page of results again: the search ends there.", self.name)
                    return
                seen |= ids
                yield from (read_item(fields, self._address) for fields in page["features"])
        except (APIError, ParametersError, NotImplementedError, json.JSONDecodeError, *NO_STAC) as error:
            raise SceneError(
                f"{self.name} can't be searched ({type(error).__name__}): its answer is no STAC; check the address."
            ) from error


def _local_catalog(address: str) -> str:
    path = Path(url2pathname(urlsplit(address).path) if address.startswith("file:") else address)
    if path.is_dir():
        path /= "catalog.json"
    if not path.is_file():
        raise SceneError(
            f"There is no catalog {path}: acquisition.source is {', '.join(PRESETS)}, the address of a STAC API, or a "
            "static STAC catalog."
        )
    return str(path.resolve())


def _is_api(landing: Mapping[str, Any]) -> bool:
    """Whether a landing page is that of an API that can be searched."""
    conforms = any(_ITEM_SEARCH in str(uri) for uri in landing.get("conformsTo") or [])
    return conforms or any(link.get("rel") == "search" for link in links_of(landing))


def _interval(start: date | None, end: date | None) -> str | None:
    if start is None and end is None:
        return None
    first = f"{start.isoformat()}T00:00:00Z" if start else ".."
    last = f"{end.isoformat()}T23:59:59Z" if end else ".."
    return f"{first}/{last}"
