"""Static STAC catalogs, on disk or on a web server, and the reading of STAC documents."""

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin, urlsplit
from urllib.request import url2pathname

import pystac
import requests
from pystac_client.stac_api_io import StacApiIO

from mining_the_mines.core.errors import SceneError
from mining_the_mines.core.redaction import without_secrets
from mining_the_mines.scenes.http import PatientSession
from mining_the_mines.scenes.regions import Bounds, Region
from mining_the_mines.scenes.settings import AccessSettings

logger = logging.getLogger(__name__)

#: What comes of JSON that is not the STAC it should be.
NO_STAC: Final = (pystac.STACError, pystac.STACTypeError, KeyError, TypeError, AttributeError)


@dataclass(frozen=True)
class BrokenItem:
    """An item that a catalog names and that can't be used.

    Attributes:
        item: Its id, or its address where that is all that is known.
        reason: What is wrong with it.
    """

    item: str
    reason: str


class StaticCatalog:
    """A static STAC catalog, on disk or on a web server, read as far as need be.

    Args:
        address: Of its root; an absolute path, or a URL.
        collection: Which of its collections to search; ``None`` for all.
        talk: How to ask.
    """

    def __init__(self, address: str, collection: str | None, talk: "PatientIO") -> None:
        self.name = without_secrets(address)
        self.local = urlsplit(address).scheme not in {"http", "https"}
        self.collection = collection
        self._address = address
        self._talk = talk
        self._documents: dict[str, dict[str, Any]] = {}

    def search(self, region: Region, start: date | None, end: date | None) -> Iterator[pystac.Item | BrokenItem]:
        """Look for scenes, following links from the root; see :class:`SceneSource`."""
        collections: set[str] = set()
        wanted, homeless = False, 0
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
                homeless += 1
        if not wanted and self.collection not in collections:
            self._explain(collections, homeless)
        elif homeless:
            logger.warning(
                "%s lists %d items that belong to no collection, and they are left out: set acquisition.collection to "
                "null to have them.",
                self.name,
                homeless,
            )

    def _explain(self, collections: set[str], homeless: int) -> None:
        """Say why nothing was found, if it is because of the collection's name."""
        if homeless:
            raise SceneError(
                f"{self.name} has no collection {self.collection}, but {homeless} items that belong to none: set "
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
        """Collections and items below a catalog, with their addresses. Links in a circle are followed once.

        Items that don't name their collection belong to the one that they are found in (``within``).
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
        """Each document is read once, however many regions are searched."""
        if address not in self._documents:
            self._documents[address] = self._talk.document(address) if not self.local else local_document(address)
        return self._documents[address]


def resolve(href: str, base: str, *, local: bool) -> str:
    """Make the address of a link or an asset absolute.

    Args:
        href: As the catalog gives it.
        base: Address of the document that gives it.
        local: Whether that document lies on this machine.

    Returns:
        A URL of HTTP, or an absolute path.

    Raises:
        SceneError: If it names anything else. A catalog on the web may not name a file of this machine: reading it
            would let a stranger choose what is read here.
    """
    scheme = urlsplit(href).scheme.lower()
    if scheme in {"http", "https"}:
        return href
    if local:
        if scheme == "file":
            return url2pathname(urlsplit(href).path)
        if not scheme:
            return str((Path(base).parent / href).resolve())
    else:
        joined = urljoin(base, href)
        if urlsplit(joined).scheme in {"http", "https"}:
            return joined
    if scheme == "s3":
        raise SceneError(
            f"The address {without_secrets(href)} can't be used: files in buckets (s3://), such as those of the "
            "Copernicus Data Space, are not read; name an archive that gives addresses with https:// in "
            "acquisition.source, such as earth-search."
        )
    raise SceneError(
        f"The address {without_secrets(href)} can't be used: a catalog on the web may only name addresses that begin "
        "with https:// or http://."
        if not local
        else f"The address {without_secrets(href)} can't be used: only files and addresses of HTTP can be read."
    )


class PatientIO(StacApiIO):
    """How pystac-client asks: as patiently as everything else here, and without logging addresses."""

    def __init__(self, access: AccessSettings) -> None:
        super().__init__(max_retries=None)
        self._patient = PatientSession(access)

    def request(
        self,
        href: str,
        method: str | None = None,
        headers: dict[str, str] | None = None,
        parameters: dict[str, Any] | None = None,
    ) -> str:
        """Ask once, as pystac-client wants it; see there."""
        request = (
            requests.Request("POST", href, headers=headers, json=parameters)
            if method == "POST"
            else requests.Request(method or "GET", href, headers=headers, params=parameters)
        )
        return self._patient.text(request)

    def document(self, address: str) -> dict[str, Any]:
        """Fetch a JSON object.

        Raises:
            SceneError: If there is none at the address.
        """
        return _parsed(self.request(address), without_secrets(address))


def _parsed(text: str, address: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise SceneError(f"{address} is no JSON, and so no part of a STAC catalog: check the address.") from error
    if not isinstance(document, dict):
        raise SceneError(f"{address} is no part of a STAC catalog: check the address.")
    return document


def local_document(address: str) -> dict[str, Any]:
    """Read a JSON object from a file of this machine.

    Raises:
        SceneError: If there is none at the path.
    """
    try:
        text = Path(address).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SceneError(f"{address} can't be read: it is missing, or no text in UTF-8.") from error
    return _parsed(text, address)


def links_of(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The links of a document; entries that are no links are passed over."""
    links = document.get("links")
    return [link for link in links if isinstance(link, dict)] if isinstance(links, list) else []


def read_item(fields: Mapping[str, Any], address: str) -> pystac.Item | BrokenItem:
    """An item; where it does not say its own address, it is taken to be where it was found."""
    named = str(fields.get("id") or without_secrets(address))
    links = links_of(fields)
    own = next((str(link.get("href")) for link in links if link.get("rel") == "self"), address)
    own = own if urlsplit(address).scheme and urlsplit(own).scheme in {"http", "https"} else address
    try:
        return pystac.Item.from_dict({**fields, "links": links}, href=own)
    except (*NO_STAC, ValueError) as error:
        return BrokenItem(named, f"no item: {type(error).__name__} in its JSON")


def _within(item: pystac.Item, region: Region, start: date | None, end: date | None) -> bool:
    box = item.bbox
    if box and not _overlap((box[0], box[1], box[len(box) // 2], box[len(box) // 2 + 1]), region.bounds):
        return False
    if item.datetime is None:
        return True
    day = item.datetime.date()
    return (start is None or day >= start) and (end is None or day <= end)


def _may_hold(collection: Mapping[str, Any], region: Region) -> bool:
    """Whether a collection's extent meets a region; one that says nothing, or nonsense, may hold anything."""
    try:
        box = collection["extent"]["spatial"]["bbox"][0]
        half = len(box) // 2
        return _overlap((box[0], box[1], box[half], box[half + 1]), region.bounds)
    except (KeyError, IndexError, TypeError):
        return True


def _overlap(first: Bounds, second: Bounds) -> bool:
    """Whether two boxes meet; one that crosses the antimeridian, west beyond east, may reach anywhere."""
    beside = first[0] <= first[2] and (first[0] > second[2] or first[2] < second[0])
    return not beside and first[1] <= second[3] and second[1] <= first[3]
