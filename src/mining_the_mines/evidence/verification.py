"""Whether an evidence sheet, its archive and the files that they stand on are as they were when the sheet was made."""

import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Final

from pydantic import ValidationError

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.hashing import hash_bytes, hash_file
from mining_the_mines.evidence.manifest import MANIFEST, ListedFile, Manifest, is_sealed

#: The copy of the manifest in a sheet.
_COPY: Final = re.compile(r'<script type="application/json" id="manifest">(.*?)</script>', re.DOTALL)


class Verdict(StrEnum):
    """State of a file against the manifest."""

    INTACT = "intact"
    CHANGED = "changed"
    MISSING = "missing"
    #: In the archive, and not in its manifest.
    ADDED = "added"


@dataclass(frozen=True)
class CheckedFile:
    """A file and its state.

    Attributes:
        name: Its name in the manifest.
        verdict: Its state.
        enclosed: Whether it belongs to the archive.
    """

    name: str
    verdict: Verdict
    enclosed: bool


@dataclass(frozen=True)
class Verification:
    """All files of a manifest with their states.

    Attributes:
        site: Id of the site.
        fingerprint: Of the manifest; the printed sheet shows the same.
        sha256: Hash of the file that was asked about, to compare with a number that came by another way.
        files: The files.
    """

    site: str
    fingerprint: str
    sha256: str
    files: tuple[CheckedFile, ...]

    @property
    def intact(self) -> bool:
        """Whether nothing was changed, added or lost."""
        return all(file.verdict == Verdict.INTACT for file in self.files)


def verify(path: Path, project: Path, *, enclosed_only: bool = False) -> Verification:
    """Compare files with the manifest of a sheet.

    Args:
        path: A sheet (HTML), an archive (ZIP), or the manifest of an unpacked archive (JSON). A sheet is compared with
            its own seal, and with the archive beside it if there is one.
        project: Folder that paths of large files start from.
        enclosed_only: Leave out the large files that stay with those who made the sheet.

    Returns:
        The state of each file.

    Raises:
        BadInputError: It is none of these, or can't be read.
    """
    if not path.is_file():
        raise BadInputError(f"{path} does not exist: name a sheet (.html), its archive (.zip) or its manifest (.json).")
    if zipfile.is_zipfile(path):
        manifest, checked = _check_archive(path)
    elif path.suffix.lower() in {".html", ".htm"}:
        manifest, checked = _check_sheet(path)
    else:
        manifest = _parse(path.read_bytes(), path)
        checked = list(_check_members(manifest, lambda name: _read_beside(path, name)))
    files = checked
    if not enclosed_only:
        files += [_check_in_project(file, project) for file in manifest.files if not file.enclosed]
    return Verification(manifest.site, manifest.fingerprint, hash_file(path), tuple(files))


def _check_archive(path: Path) -> tuple[Manifest, list[CheckedFile]]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if MANIFEST not in names:
                raise BadInputError(f"{path} holds no {MANIFEST}, so it is no archive of an evidence sheet: name one.")
            manifest = _parse(archive.read(MANIFEST), path)

            checked = list(_check_members(manifest, lambda name: _read_member(archive, name)))
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError) as error:
        raise BadInputError(f"{path} is damaged ({error}): fetch it again.") from error
    known = {MANIFEST, *(file.name for file in checked)}
    checked += [CheckedFile(name, Verdict.ADDED, enclosed=True) for name in sorted(set(names) - known)]
    checked += [CheckedFile(name, Verdict.ADDED, enclosed=True) for name in known if names.count(name) > 1]
    return manifest, checked


def _check_sheet(path: Path) -> tuple[Manifest, list[CheckedFile]]:
    content = path.read_bytes()
    manifest, verdict = _manifest_of(content), _seal_of(content)
    if manifest is None:
        raise BadInputError(
            f"{path} holds no manifest, so it is no evidence sheet, or was edited beyond recognition: compare it with "
            "the sheet in its archive."
        )
    archive = path.with_suffix(".zip")
    if not archive.is_file():
        absent = [CheckedFile(file.name, Verdict.MISSING, enclosed=True) for file in manifest.files if file.enclosed]
        return manifest, [CheckedFile(path.name, verdict, enclosed=True), *absent]
    of_archive, checked = _check_archive(archive)
    listed = of_archive.sheet
    same = of_archive.fingerprint == manifest.fingerprint and listed is not None
    if not (same and listed is not None and listed.sha256 == hash_bytes(content)):
        verdict = Verdict.CHANGED
    inside = [CheckedFile(f"{archive.name}: {file.name}", file.verdict, enclosed=True) for file in checked]
    return manifest, [CheckedFile(path.name, verdict, enclosed=True), *inside]


def _check_members(manifest: Manifest, read: Callable[[str], bytes | None]) -> Iterator[CheckedFile]:
    """Compare the files of an archive, and the sheet among them with its own seal and copy of the manifest, too."""
    sheet = manifest.sheet
    for file in (*((sheet,) if sheet else ()), *(file for file in manifest.files if file.enclosed)):
        content = read(file.name)
        verdict = Verdict.MISSING if content is None else _compare(file, hash_bytes(content))
        if file is sheet and content is not None and verdict == Verdict.INTACT:
            copy = _manifest_of(content)
            agrees = copy is not None and copy.fingerprint == manifest.fingerprint
            verdict = _seal_of(content) if agrees else Verdict.CHANGED
        yield CheckedFile(file.name, verdict, enclosed=True)


def _check_in_project(file: ListedFile, project: Path) -> CheckedFile:
    path = project / file.name
    verdict = _compare(file, hash_file(path)) if path.is_file() else Verdict.MISSING
    return CheckedFile(file.name, verdict, enclosed=False)


def _compare(file: ListedFile, held: str) -> Verdict:
    return Verdict.INTACT if held == file.sha256 else Verdict.CHANGED


def _seal_of(content: bytes) -> Verdict:
    return Verdict.INTACT if is_sealed(content.decode(errors="replace")) else Verdict.CHANGED


def _manifest_of(sheet: bytes) -> Manifest | None:
    """The manifest that a sheet holds; ``None`` if it holds none or several."""
    found = _COPY.findall(sheet.decode(errors="replace"))
    try:
        return Manifest.model_validate_json(found[0]) if len(found) == 1 else None
    except ValidationError:
        return None


def _parse(content: bytes, path: Path) -> Manifest:
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError as error:
        raise BadInputError(
            f"{path} holds no manifest that can be read: name the sheet (.html), its archive (.zip) or the "
            f"{MANIFEST} of an unpacked archive."
        ) from error
    if manifest.sheet is None:
        raise BadInputError(f"{path} names no sheet, so it is no whole manifest: fetch the archive again.")
    return manifest


def _read_member(archive: zipfile.ZipFile, name: str) -> bytes | None:
    try:
        return archive.read(name)
    except KeyError:
        return None
    except (zipfile.BadZipFile, zlib.error, EOFError):
        return b""  # damaged, so not the listed content


def _read_beside(manifest: Path, name: str) -> bytes | None:
    path = manifest.parent / name
    inside = PurePosixPath(name).name == name  # members have plain names
    return path.read_bytes() if inside and path.is_file() else None
