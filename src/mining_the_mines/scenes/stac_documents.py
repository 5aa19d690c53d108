"""Read STAC documents: links, items and addresses, from this machine or over HTTP, without trusting them."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
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
from mining_the_mines.scenes.settings import AccessSettings

logger = logging.getLogger(__name__)

#: Errors of pystac for JSON that is no STAC.
NO_STAC: Final = (pystac.STACError, pystac.STACTypeError, KeyError, TypeError, AttributeError)


@dataclass(frozen=True)
class BrokenItem:
    """An item of a catalog that can't be used.

    Attributes:
        item: Id, or the address where no id is known.
        reason: Fault of the item.
    """

    item: str
    reason: str


def resolve(href: str, base: str, *, local: bool) -> str:
    """Make the address of a link or an asset absolute.

    Args:
        href: Address in the catalog.
        base: Address of the document that holds it.
        local: Whether that document lies on this machine.

    Returns:
        An HTTP URL, or an absolute path.

    Raises:
        SceneError: The address is neither. A catalog on the web may not name a file of this machine: a stranger would
            choose which files are read.
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
    """HTTP of pystac-client, with our retries and without logging addresses."""

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
        """Send a request; see pystac-client."""
        request = (
            requests.Request("POST", href, headers=headers, json=parameters)
            if method == "POST"
            else requests.Request(method or "GET", href, headers=headers, params=parameters)
        )
        return self._patient.text(request)

    def document(self, address: str) -> dict[str, Any]:
        """Fetch a JSON object.

        Raises:
            SceneError: There is none at the address.
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
        SceneError: There is none at the path.
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
    """Parse an item; without a ``self`` link, its own address is that of the document."""
    named = str(fields.get("id") or without_secrets(address))
    links = links_of(fields)
    own = next((str(link.get("href")) for link in links if link.get("rel") == "self"), address)
    own = own if urlsplit(address).scheme and urlsplit(own).scheme in {"http", "https"} else address
    try:
        return pystac.Item.from_dict({**fields, "links": links}, href=own)
    except (*NO_STAC, ValueError) as error:
        return BrokenItem(named, f"no item: {type(error).__name__} in its JSON")
