"""ZIP archives of chips, as competitions publish them: unpacked once, and refused if an entry is dangerous."""

import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path, PurePosixPath
from typing import IO, Final
from zipfile import BadZipFile, ZipFile, ZipInfo
from zlib import error as ZlibError  # noqa: N812 - a class, whatever its name

from pydantic import BaseModel, ConfigDict, Field

from mining_the_mines.chips.folder import ChipFolder, LabelFormat, read_labels
from mining_the_mines.core.atomic import whole_folder
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.hashing import hash_file

#: Suffix of an archive.
SUFFIX: Final = ".zip"
#: Digits of an archive's hash that name its folder.
_DIGITS: Final = 16
_CHUNK_BYTES: Final = 2**20
#: Bit of a ZIP entry's flags that says it is encrypted (PKWARE, *APPNOTE.TXT*, section 4.4.4).
_ENCRYPTED: Final = 0x1
#: Entries that operating systems and archivers add.
_LITTER: Final = frozenset({"__MACOSX", "Thumbs.db", "desktop.ini"})
#: Longest name of a file in bytes on the usual file systems, and longest path within the folder (that of macOS).
_NAME_BYTES: Final = 255
_PATH_BYTES: Final = 1024
#: Windows would take these for a drive or a separator.
_ELSEWHERE: Final = re.compile(r"[\\:]")
_NO_NAME: Final = re.compile(r"[\x00-\x1f]")


@dataclass(frozen=True)
class ZippedChips:
    """Chips of which some files are in an archive.

    Attributes:
        root: Folder with the chips' archive in it, or an archive of the whole folder.
        images: Sub-folder of the chips, or the name of their archive without suffix; empty for the root itself.
        labels: Table of labels in the root; ``None`` for unlabelled chips.
        label_format: Layout of that table.
    """

    root: Path
    images: str
    labels: str | None
    label_format: LabelFormat


class ArchiveLimits(BaseModel):
    """Limits of an unpacked archive; a larger one is taken for a ZIP bomb."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: int = Field(1_000_000, ge=1, description="Files in an archive.")
    total_bytes: int = Field(200 * 2**30, ge=1, description="Bytes of all of its files together, unpacked.")
    ratio: float = Field(
        100.0,
        ge=1,
        description="How many times larger than itself an archive may become. Chips shrink to a half or a tenth; "
        "deflate could shrink zeros to a thousandth.",
    )
    harmless_bytes: int = Field(2**26, ge=0, description="Up to this many bytes the ratio does not count.")

    def check(self, path: Path, files: int, size: int) -> None:
        """Compare an archive with the limits.

        Args:
            path: The archive.
            files: Number of files in it.
            size: Their bytes, unpacked.

        Raises:
            BadInputError: It exceeds a limit.
        """
        packed = path.stat().st_size
        if files > self.files:
            raise _refused(path, f"it holds {files} files where {self.files} are allowed")
        if size > self.total_bytes:
            raise _refused(path, f"it holds more than {self.total_bytes} bytes, unpacked")
        if size > max(self.harmless_bytes, self.ratio * packed):
            raise _refused(path, f"it would become more than {self.ratio:g} times as large as it is")


USUAL_LIMITS: Final = ArchiveLimits()


def open_chips(chips: ChipFolder | ZippedChips, unpacked: Path) -> ChipFolder:
    """Unpack chips that are in an archive.

    Args:
        chips: The chips; a folder is returned unchanged.
        unpacked: Folder for unpacked archives; each archive is unpacked once.

    Returns:
        The chips as a folder, with their labels.

    Raises:
        BadInputError: An archive can't be unpacked, or the table of labels is missing or can't be read.
    """
    if isinstance(chips, ChipFolder):
        return chips
    root = unpack_chips(chips.root, unpacked) if is_archive(chips.root) else chips.root
    images = root / chips.images
    if chips.images and not images.is_dir() and is_archive(images.with_suffix(SUFFIX)):
        images = unpack_chips(images.with_suffix(SUFFIX), unpacked)
    labels = None if chips.labels is None else read_labels(root / chips.labels, chips.label_format)
    return ChipFolder(images, labels)


def is_archive(path: Path) -> bool:
    """Return whether a path is a file with the suffix of an archive."""
    return path.suffix.lower() == SUFFIX and path.is_file()


def unpack_chips(path: Path, folder: Path, limits: ArchiveLimits = USUAL_LIMITS) -> Path:
    """Unpack an archive, unless it was unpacked before.

    Args:
        path: A ZIP archive.
        folder: Folder for all archives; a sub-folder named by the archive's hash appears whole or not at all.
        limits: Limits of the unpacked archive.

    Returns:
        The folder with its files; where all of them lie in one folder of the archive, that folder.

    Raises:
        BadInputError: The file is no archive, damaged or encrypted; it holds names that lead out of the folder or that
            no file can have, links, devices, two files of one name, a file and a folder of one name, or more than the
            limits allow; or the disk is full or the folder not writable.
    """
    try:
        place = folder / hash_file(path)[:_DIGITS]
        if not place.is_dir():
            with ZipFile(path) as archive, whole_folder(place) as draft:
                _unpack(path, archive, draft, limits)
    except FileNotFoundError:
        raise BadInputError(f"There is no archive {path}: check raw_root (or chips, for inference).") from None
    # zipfile raises NotImplementedError for an unknown compression.
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
                size += len(chunk)  # the declared size of an entry may be wrong
                limits.check(path, len(entries), size)
                file.write(chunk)


def _files(path: Path, archive: ZipFile) -> Iterator[tuple[ZipInfo, PurePosixPath]]:
    """List the entries that are files, with their names; all are checked before the first is unpacked."""
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
    """Return whether a name leads above its start."""
    depths = accumulate(-1 if part == ".." else 1 for part in name.parts)
    return min(depths, default=0) < 0


def _bytes(name: PurePosixPath | str) -> int:
    return len(str(name).encode(errors="replace"))


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK_BYTES):
        yield chunk


def _innermost(folder: Path) -> Path:
    """Go into folders that hold nothing but another folder."""
    inside = list(folder.iterdir())
    return _innermost(inside[0]) if len(inside) == 1 and inside[0].is_dir() else folder


def _refused(path: Path, reason: str) -> BadInputError:
    return BadInputError(
        f"{path} is not unpacked: {reason}, which no archive of chips needs; if you trust it, unpack it yourself, and "
        "name its folder."
    )
