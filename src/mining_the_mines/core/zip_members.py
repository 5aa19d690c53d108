"""Files inside a ZIP, by the addresses that GDAL reads them at, without unpacking."""

import hashlib
import re
import zipfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Final, cast

from mining_the_mines.core.hashing import StatSignature, stat_signature

#: The archive's path stands in braces, so that its own name does not matter: https://gdal.org/user/virtual_file_systems.html.
_ADDRESS: Final = re.compile(r"/vsizip/\{(.+)\}/(.+)")
_CHUNK: Final = 2**20
#: Time of all files of a ZIP that is written, so that the same files give the same bytes.
_LONG_AGO: Final = (1980, 1, 1, 0, 0, 0)


def member_address(archive: Path, member: str) -> str:
    """Return the address at which GDAL reads a file of a ZIP.

    Args:
        archive: Absolute path of the ZIP.
        member: Path of the file inside it.
    """
    return f"/vsizip/{{{archive}}}/{member}"


def split_address(address: str) -> tuple[Path, str] | None:
    """Split an address of :func:`member_address` into the ZIP and the path inside; ``None`` for any other address."""
    found = _ADDRESS.fullmatch(address)
    return (Path(found[1]), found[2]) if found else None


def open_member(archive: Path, member: str) -> BinaryIO:
    """Open a file of a ZIP for reading.

    Raises:
        KeyError: The ZIP holds no such file.
        OSError: The ZIP can't be read.
        BadZipFile: It is no ZIP, or cut off.
    """
    # The file of the archive stays open until the stream is closed, too.
    with zipfile.ZipFile(archive) as opened:
        return cast("BinaryIO", opened.open(member))


def hash_member(archive: Path, member: str) -> str:
    """SHA-256 of a file of a ZIP, read once in a process as long as the ZIP's stat signature stays.

    Raises:
        KeyError: The ZIP holds no such file.
        OSError: The ZIP can't be read.
        BadZipFile: It is no ZIP, or cut off.
    """
    return _kept_hash(archive, member, stat_signature(archive))


@lru_cache(maxsize=4096)
def _kept_hash(archive: Path, member: str, _signature: StatSignature) -> str:
    digest = hashlib.sha256()
    with open_member(archive, member) as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def write_zip(path: Path, members: Mapping[str, bytes]) -> None:
    """Write a ZIP of small files; the same files give the same bytes.

    Args:
        path: The ZIP.
        members: Content of each file by its path inside.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members.items():
            archive.writestr(zipfile.ZipInfo(member, _LONG_AGO), content, zipfile.ZIP_DEFLATED)
