"""The manifest of an evidence sheet: every file that the sheet stands on, by name and SHA-256."""

import re
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

from mining_the_mines.core.hashing import hash_bytes, hash_values

MANIFEST: Final = "manifest.json"
#: The element with the seal, and the seal while the hash of the page is computed.
_SEAL: Final = re.compile(r'(?<=<code id="seal">)[0-9a-f]{64}(?=</code>)')
OPEN_SEAL: Final = "0" * 64


class ListedFile(BaseModel):
    """A file of a manifest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="Name in the archive, or path from the project's folder.")
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="SHA-256 of its bytes.")
    size: int = Field(ge=0, description="Bytes.")
    enclosed: bool = Field(description="Whether the archive holds it; larger files stay in the project.")


class Manifest(BaseModel):
    """Every file that a sheet stands on, and in the archive the sheet itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    site: str = Field(description="Id of the site.")
    files: tuple[ListedFile, ...] = Field(description="Files that the sheet stands on.")
    sheet: ListedFile | None = Field(None, description="The sheet; null in the copy that the sheet itself holds.")

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the site and of all names and hashes but the sheet's; the sheet shows it on paper."""
        return hash_values([self.site, *(file.model_dump() for file in self.files)])


def list_bytes(name: str, content: bytes) -> ListedFile:
    """List a file of the archive."""
    return ListedFile(name=name, sha256=hash_bytes(content), size=len(content), enclosed=True)


def seal_page(page: str) -> str:
    """Put the hash of a page into the page.

    Args:
        page: With :data:`OPEN_SEAL` in the element ``seal``.

    Returns:
        The page with the SHA-256 of all its other bytes, which :func:`is_sealed` computes again.
    """
    return _SEAL.sub(hash_bytes(page.encode()), page)


def is_sealed(page: str) -> bool:
    """Whether a page has one seal, and it is the hash of the page."""
    found = _SEAL.findall(page)
    return len(found) == 1 and found[0] == hash_bytes(_SEAL.sub(OPEN_SEAL, page).encode())
