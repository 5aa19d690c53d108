"""Zip archives of chips, as competitions hand them out: unpacked once, and only if nothing in them is a trap."""

import re
import stat
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path, PurePosixPath
from typing import IO, Final
from zipfile import BadZipFile, ZipFile, ZipInfo
from zlib import error as ZlibError  # noqa: N812 - a class, whatever its name

from pydantic import BaseModel, ConfigDict, Field

from mining_the_mines.core.atomic import whole_folder
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.hashing import file_hash

#: What the name of an archive ends with.
SUFFIX: Final = ".zip"
#: Digits of an archive's hash that its folder is called by.
_DIGITS: Final = 16
_CHUNK_BYTES: Final = 2**20
#: Bit of a ZIP entry's flags that says it is encrypted (PKWARE, *APPNOTE.TXT*, section 4.4.4).
_ENCRYPTED: Final = 0x1
#: What systems and archivers add for themselves.
_LITTER: Final = frozenset({"__MACOSX", "Thumbs.db", "desktop.ini"})
#: Bytes that a file's name may have on the usual file systems, and a path within the folder; macOS knows no longer one.
_NAME_BYTES: Final = 255
_PATH_BYTES: Final = 1024
#: Windows would take the beginning for a drive, and the rest for something else than a name.
_ELSEWHERE: Final = re.compile(r"[\\:]")
_NO_NAME: Final = re.compile(r"[\x00-\x1f]")


class ArchiveLimits(BaseModel):
    """What an archive may become at most; more is taken for a bomb."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: int = Field(1_000_000, ge=1, description="Files in an archive.")
    total_bytes: int = Field(200 * 2**30, ge=1, description="Bytes of all of its files together, unpacked.")
    ratio: float = Field(
        100.0,
        ge=1,
        description="How many times larger than itself an archive may become. Chips shrink to a half or a tenth; "
        "deflate could shrink zeros to a thousandth.",
    )
    harmless_bytes: int = Field(2**26, ge=0, description="Up to so many bytes, the ratio does not count.")

    def check(self, path: Path, files: int, size: int) -> None:
        """Compare an archive with the limits.

        Args:
            path: The archive.
            files: How many files it holds.
            size: Bytes that they have, unpacked.

        Raises:
            BadInputError: If it is beyond one of them.
        """
        packed = path.stat().st_size
        if files > self.files:
            raise _refused(path, f"it holds {files} files where {self.files} are allowed")
        if size > self.total_bytes:
            raise _refused(path, f"it holds more than {self.total_bytes} bytes, unpacked")
        if size > max(self.harmless_bytes, self.ratio * packed):
            raise _refused(path, f"it would become more than {self.ratio:g} times as large as it is")


#: As the fields say.
USUAL_LIMITS: Final = ArchiveLimits()


def unpack_chips(path: Path, folder: Path, limits: ArchiveLimits = USUAL_LIMITS) -> Path:
    """Unpack an archive, unless it has been.

    Args:
        path: A ZIP archive.
        folder: Where to; a folder in it, called by the archive's content, appears whole or not at all.
        limits: What the archive may become.

    Returns:
        The folder with its files; where all of them lie in one folder of the archive, that one.

    Raises:
        BadInputError: The file is no archive, damaged or encrypted; it holds names that lead out of the folder or that
            no file can have, links, devices, two files of one name, a file and a folder of one name, or more than the
            limits allow; or the disk is full or the folder not writable.
    """
    try:
        place = folder / file_hash(path)[:_DIGITS]
        if not place.is_dir():
            with ZipFile(path) as archive, whole_folder(place) as draft:
                _unpack(path, archive, draft, limits)
    except FileNotFoundError:
        raise BadInputError(f"There is no archive {path}: check raw_root (or chips, for inference).") from None
    # NotImplementedError is zipfile's answer to a compression that it does not know.
    except (BadZipFile, NotImplementedError, EOFError, ZlibError) as error:
        raise BadInputError(f"{path} is no ZIP archive that can be unpacked ({error}): fetch it again.") from error
    return _innermost(place)


def _unpack(path: Path, archive: ZipFile, draft: Path, limits: ArchiveLimits) -> None:
    entries = list(_files(path, archive))
    limits.check(path, len(entries), sum(entry.file_size for entry, _ in entries))
    size = 0
    for entry, name in entries:
        target = draft / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(entry) as packed, target.open("xb") as file:
            for chunk in _chunks(packed):
                size += len(chunk)  # what an entry says of its size may be a lie
                limits.check(path, len(entries), size)
                file.write(chunk)


def _files(path: Path, archive: ZipFile) -> Iterator[tuple[ZipInfo, PurePosixPath]]:
    """The entries that are files, with their names; all are looked at before the first is unpacked."""
    taken: set[str] = set()
    folders: set[str] = set()
    for entry in archive.infolist():
        name = _name(path, entry)
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise _refused(path, f"{entry.filename!r} in it is a link or a device, and no file")
        if entry.flag_bits & _ENCRYPTED:
            raise BadInputError(f"{path} is encrypted: unpack it yourself, and name its folder.")
        if entry.is_dir() or _LITTER & set(name.parts):
            continue
        if str(name).casefold() in taken:
            raise _refused(path, f"two files in it are called {entry.filename!r}")
        taken.add(str(name).casefold())
        folders.update(str(parent).casefold() for parent in name.parents)
        yield entry, name
    if both := sorted(taken & folders):
        raise _refused(path, f"{both[0]!r} in it is both a file and a folder")


def _name(path: Path, entry: ZipInfo) -> PurePosixPath:
    written = entry.orig_filename
    name = PurePosixPath(written)
    if name.is_absolute() or _climbs(name) or _ELSEWHERE.search(written):
        raise _refused(path, f"the name {written!r} in it leads out of the folder that it is unpacked to")
    if not name.parts or ".." in name.parts or _NO_NAME.search(written):
        raise _refused(path, f"a file in it has the odd name {written!r}")
    if _bytes(name) > _PATH_BYTES or any(_bytes(part) > _NAME_BYTES for part in name.parts):
        raise _refused(path, f"a file in it has an overlong name, which begins with {written[:40]!r}")
    return name


def _climbs(name: PurePosixPath) -> bool:
    """Whether following a name leads above where it begins."""
    depths = accumulate(-1 if part == ".." else 1 for part in name.parts)
    return min(depths, default=0) < 0


def _bytes(name: PurePosixPath | str) -> int:
    return len(str(name).encode(errors="replace"))


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK_BYTES):
        yield chunk


def _innermost(folder: Path) -> Path:
    """Archives often hold one folder that holds all the rest."""
    inside = list(folder.iterdir())
    return _innermost(inside[0]) if len(inside) == 1 and inside[0].is_dir() else folder


def _refused(path: Path, reason: str) -> BadInputError:
    return BadInputError(
        f"{path} is not unpacked: {reason}, which no archive of chips needs; if you trust it, unpack it yourself, and "
        "name its folder."
    )
