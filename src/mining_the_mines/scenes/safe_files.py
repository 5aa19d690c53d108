"""SAFE folders and their ZIPs, as Copernicus delivers Sentinel-2: where they lie, and the files in them.

Images are read file by file, not with GDAL's SENTINEL2 driver: the driver groups bands by resolution, applies no offset
and refuses products whose metadata are incomplete, while single files go the way of all other archives' assets.
"""

import os
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from mining_the_mines.core.errors import SceneError
from mining_the_mines.core.zip_members import member_address, open_member

_SUFFIX: Final = ".safe"
_ZIP: Final = ".zip"
#: Documents that a product's folder holds; until 2016 they were named after the product.
_DOCUMENT: Final = re.compile(r"MTD_MSIL(1C|2A)\.xml|S2[A-D]_\w+_MTD_SAFL(1C|2A)_\w+\.xml", re.IGNORECASE)
MANIFEST: Final = "manifest.safe"


@dataclass(frozen=True)
class SafeProduct:
    """A product on this disk.

    Attributes:
        path: Absolute path of its folder, or of the ZIP that holds it.
        inside: Path of its folder inside the ZIP; ``None`` for a folder.
        files: Sizes in bytes by path relative to the product's folder.
    """

    path: Path
    inside: PurePosixPath | None
    files: Mapping[str, int]

    @property
    def location(self) -> str:
        """Path of its folder, also where this lies inside a ZIP."""
        return str(self.path if self.inside is None else self.path / self.inside)

    @property
    def name(self) -> str:
        """Name of its folder without suffix, else that of its ZIP."""
        own = self.path.name if self.inside is None else self.inside.name or self.path.name
        return _stem(own)

    def address(self, file: str) -> str:
        """Address at which GDAL reads a file."""
        if self.inside is None:
            return str(self.path / file)
        return member_address(self.path, str(self.inside / file))

    def read(self, file: str) -> bytes:
        """Read a whole file.

        Raises:
            SceneError: It can't be read.
        """
        try:
            if self.inside is None:
                return (self.path / file).read_bytes()
            with open_member(self.path, str(self.inside / file)) as stream:
                return stream.read()
        except (OSError, zipfile.BadZipFile, RuntimeError) as error:
            raise SceneError(f"{self.location}/{file} can't be read ({error}): fetch the product again.") from error

    def document(self) -> str | None:
        """Name of the product's document; ``None`` if it is missing."""
        return next((file for file in sorted(self.files) if _DOCUMENT.fullmatch(file)), None)


def find_products(place: Path) -> list[SafeProduct]:
    """Find the products that a path names.

    Args:
        place: A SAFE folder, its document, or a folder inside it; a ZIP, or a folder inside it.

    Returns:
        The products; several of a ZIP that holds several; none if the path names no product.

    Raises:
        SceneError: A ZIP can't be read.
    """
    place = place.absolute()
    for folder in (place, *place.parents):
        if folder.is_file() and folder.suffix.lower() == _ZIP:
            wanted = place.relative_to(folder).as_posix()
            return [product for product in _in_zip(folder) if wanted == "." or _meets(product.inside, wanted)]
        if folder.is_dir() and is_safe_folder(folder):
            return [SafeProduct(folder, None, _listed(folder))] if _names_product(place, folder) else []
    return []


def walk_products(folder: Path, *, deep: bool = True) -> Iterator[Path]:
    """List the SAFE folders and ZIPs in a folder by name; a ZIP may hold something else.

    Args:
        folder: The folder.
        deep: Whether to look into its sub-folders, too.

    Yields:
        Paths. A ZIP beside the folder that it was unpacked to is left out.
    """
    for current, folders, files in os.walk(folder):
        here = Path(current)
        folders.sort()
        products = [name for name in folders if is_safe_folder(here / name)]
        yield from (here / name for name in products)
        folders[:] = [name for name in folders if name not in products and not name.startswith(".")]
        unpacked = {_stem(name) for name in products}
        zips = (name for name in sorted(files) if name.lower().endswith(_ZIP) and not name.startswith("."))
        yield from (here / name for name in zips if _stem(name) not in unpacked)
        if not deep:
            return


def is_safe_folder(folder: Path) -> bool:
    """Whether a folder is a product: by its suffix, or by its document where it was renamed."""
    try:
        documents = folder.is_dir() and any(_DOCUMENT.fullmatch(file.name) for file in folder.iterdir())
    except OSError:  # a folder above the product that may not be listed
        return False
    return documents or (folder.is_dir() and folder.suffix.lower() == _SUFFIX)


def _stem(name: str) -> str:
    """Name of a product's folder or ZIP without suffixes."""
    return re.sub(rf"(\{_SUFFIX}|\{_ZIP})+$", "", name, flags=re.IGNORECASE)


def _names_product(place: Path, folder: Path) -> bool:
    """Whether a path in a product stands for it: a folder or a document, but not an image."""
    document = _DOCUMENT.fullmatch(place.name) or place.name.lower() in {MANIFEST, "mtd_tl.xml"}
    return place == folder or place.is_dir() or bool(document)


def _meets(inside: PurePosixPath | None, wanted: str) -> bool:
    return inside is not None and (PurePosixPath(wanted) == inside or inside in PurePosixPath(wanted).parents)


def _listed(folder: Path) -> dict[str, int]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}


def _in_zip(path: Path) -> list[SafeProduct]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename: info.file_size for info in archive.infolist() if not info.is_dir()}
    except (OSError, zipfile.BadZipFile) as error:
        raise SceneError(
            f"{path} can't be read as a ZIP ({str(error).rstrip('.')}): the download is cut off or damaged; fetch it "
            "again."
        ) from error
    roots = {root for member in members if (root := _root(PurePosixPath(member))) is not None}
    return [SafeProduct(path, root, _below(members, root)) for root in sorted(roots)]


def _root(member: PurePosixPath) -> PurePosixPath | None:
    """Folder of the product that a file of a ZIP belongs to, as far as its path shows."""
    for folder in member.parents:
        if folder.suffix.lower() == _SUFFIX:
            return folder
    return member.parent if _DOCUMENT.fullmatch(member.name) else None


def _below(members: Mapping[str, int], root: PurePosixPath) -> dict[str, int]:
    return {
        PurePosixPath(member).relative_to(root).as_posix(): size
        for member, size in members.items()
        if root in PurePosixPath(member).parents
    }
