"""One recipe of hashing: SHA-256 of files, folders and plain values.

A file is hashed by its bytes, and the hash is kept as long as the file's stat signature stays. A folder is hashed by
the names and hashes of its visible files. Plain values are hashed as JSON with sorted keys.
"""

import hashlib
import json
import time
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from mining_the_mines.core.atomic import whole_file

#: Hash of a file or folder that does not exist.
NOTHING: Final = hashlib.sha256(b"nothing").hexdigest()
#: GDAL and QGIS write statistics beside a raster that they open; these files do not change its content.
_IGNORED_SUFFIXES: Final = (".aux.xml",)
#: A file changed within the last seconds may change again without a new time stamp (the resolution of coarse file
#: systems; git calls such entries of its index racy), so its hash is not kept.
_RACY_SECONDS: Final = 2.0

StatSignature = tuple[int, int, int, int]


def hash_bytes(content: bytes) -> str:
    """SHA-256 of bytes, as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def hash_values(values: Any) -> str:  # noqa: ANN401 - any JSON value
    """SHA-256 of plain values as JSON with sorted keys.

    Args:
        values: Mappings, lists and scalars; anything else counts by its ``str``.

    Returns:
        64 hexadecimal digits, independent of the order of keys.
    """
    return hash_bytes(json.dumps(values, sort_keys=True, default=str).encode())


def hash_file(path: Path) -> str:
    """SHA-256 of a file, read once in a process as long as its stat signature stays.

    Args:
        path: File to read.

    Returns:
        64 hexadecimal digits.

    Raises:
        OSError: The file can't be read.
    """
    signature = stat_signature(path)
    return _read_hash(path) if _is_racy(signature) else _kept_hash(path, signature)


def hash_folder(folder: Path) -> str:
    """SHA-256 of the names and contents of all visible files of a folder (see :func:`visible_files`).

    Args:
        folder: Folder to read; the hash does not depend on where it lies.

    Returns:
        64 hexadecimal digits.
    """
    return hash_files(visible_files(folder), folder)


def hash_files(paths: Iterable[Path], root: Path) -> str:
    """SHA-256 of the names and contents of some files.

    Args:
        paths: Files in any order.
        root: Folder that names are relative to.

    Returns:
        64 hexadecimal digits.
    """
    return ContentHashes().of_files(paths, root)


def stat_signature(path: Path) -> StatSignature:
    """Size in bytes, time of the content, time of the inode and number of the inode.

    A program can set the time of the content back, but not that of the inode (POSIX ``st_ctime``).

    Raises:
        OSError: The file does not exist.
    """
    facts = path.stat()
    return facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino


def visible_files(folder: Path) -> Iterator[Path]:
    """List the files of a folder and its sub-folders in order, without hidden files and without GDAL's statistics.

    Links to folders are followed, except back to a folder that contains the link.

    Args:
        folder: Folder to list; may be missing.

    Yields:
        Paths below ``folder``.
    """
    yield from _visible(folder, frozenset())


class ContentHashes:
    """Hashes of files and folders, kept from run to run by path and stat signature, as git's index does.

    Args:
        memory: JSON file that keeps the hashes; ``None`` to keep them for this process only.
    """

    def __init__(self, memory: Path | None = None) -> None:
        self._memory = memory
        self._known: dict[str, list[int | str]] = _read_memory(memory)
        self._changed = False

    def of(self, path: Path) -> str:
        """Hash a file or a folder.

        Args:
            path: File or folder.

        Returns:
            64 hexadecimal digits; :data:`NOTHING` if the path does not exist.
        """
        if path.is_dir():
            return self.of_files(visible_files(path), path)
        return self._of_file(path) if path.exists() else NOTHING

    def of_files(self, paths: Iterable[Path], root: Path) -> str:
        """Hash the names and contents of some files; see :func:`hash_files`."""
        content = hashlib.sha256()
        for path in sorted(paths):
            content.update(path.relative_to(root).as_posix().encode() + b"\0")
            content.update(bytes.fromhex(self._of_file(path)))
        return content.hexdigest()

    def remember(self) -> None:
        """Write the hashes to the memory for the next run."""
        if self._memory is None or not self._changed:
            return
        with whole_file(self._memory) as draft:
            draft.write_text(json.dumps(self._known), encoding="utf-8")
        self._changed = False

    def _of_file(self, path: Path) -> str:
        signature = stat_signature(path)
        name = str(path.absolute())
        known = self._known.get(name)
        if known is not None and known[:-1] == [*signature]:
            return str(known[-1])
        content_hash = hash_file(path)
        if not _is_racy(signature):
            self._known[name] = [*signature, content_hash]
            self._changed = True
        return content_hash


@lru_cache(maxsize=4096)  # scenes of neighbouring regions are the same files
def _kept_hash(path: Path, signature: StatSignature) -> str:  # noqa: ARG001 - a part of the cache's key
    return _read_hash(path)


def _read_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_racy(signature: StatSignature) -> bool:
    _, written, changed, _ = signature
    return time.time() - max(written, changed) / 1e9 <= _RACY_SECONDS


def _visible(folder: Path, above: frozenset[Path]) -> Iterator[Path]:
    place = folder.resolve()
    if place in above or not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            yield from _visible(path, above | {place})
        elif path.is_file() and not path.name.endswith(_IGNORED_SUFFIXES):
            yield path


def _read_memory(memory: Path | None) -> dict[str, list[int | str]]:
    try:
        return dict(json.loads(memory.read_text(encoding="utf-8"))) if memory is not None else {}
    except (FileNotFoundError, ValueError):  # a damaged memory is built anew
        return {}
