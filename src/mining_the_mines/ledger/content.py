"""What a file or folder holds, as one hash."""

import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mining_the_mines.core.atomic import whole_file
from mining_the_mines.core.hashing import hash_file, stat_signature

#: Written beside rasters by whoever looks at them: statistics change nothing.
_BESIDE: Final = (".aux.xml",)
#: Files younger than this, in seconds, may change again without their time telling so (the granularity of coarse file
#: systems); git calls such entries of its index racy.
_RACY: Final = 2.0
#: Hash of what is not there.
NOTHING: Final = hashlib.sha256(b"nothing").hexdigest()


class ContentHashes:
    """SHA-256 of files and folders, remembered by path, size, and times of change, as git's index does.

    Args:
        memory: Where hashes are remembered from run to run; ``None`` for not at all.
    """

    def __init__(self, memory: Path | None = None) -> None:
        self._memory = memory
        self._known: dict[str, list[int | str]] = _read(memory)
        self._changed = False

    def of(self, path: Path) -> str:
        """Hash a file, or all files of a folder with their names.

        Drafts and other hidden files are left out, and what looking at a raster leaves beside it.

        Args:
            path: The file or folder.

        Returns:
            64 hexadecimal digits; :data:`NOTHING` if there is nothing.
        """
        if path.is_dir():
            return self._of_folder(path)
        return self._of_file(path) if path.exists() else NOTHING

    def of_files(self, paths: list[Path], root: Path) -> str:
        """Hash some files with their names.

        Args:
            paths: The files; their order does not matter.
            root: Folder that names are relative to.
        """
        content = hashlib.sha256()
        for path in sorted(paths):
            content.update(path.relative_to(root).as_posix().encode() + b"\0")
            content.update(bytes.fromhex(self._of_file(path)))
        return content.hexdigest()

    def remember(self) -> None:
        """Write down what was hashed, for the next run."""
        if self._memory is None or not self._changed:
            return
        with whole_file(self._memory) as draft:
            draft.write_text(json.dumps(self._known), encoding="utf-8")
        self._changed = False

    def _of_folder(self, folder: Path) -> str:
        return self.of_files(list(visible_files(folder)), folder)

    def _of_file(self, path: Path) -> str:
        marks = stat_signature(path)
        name = str(path.absolute())
        known = self._known.get(name)
        if known is not None and known[:-1] == [*marks]:
            return str(known[-1])
        digest = hash_file(path)
        _, written, changed, _ = marks
        if time.time() - max(written, changed) / 1e9 > _RACY:
            self._known[name] = [*marks, digest]
            self._changed = True
        return digest


def visible_files(folder: Path) -> Iterator[Path]:
    """Files of a folder and of those in it, in order, without hidden ones and without what looking at rasters leaves.

    Links to folders are followed, but not back to one that they lie in.

    Args:
        folder: The folder, which need not be there.
    """
    yield from _visible(folder, frozenset())


def _visible(folder: Path, above: frozenset[Path]) -> Iterator[Path]:
    place = folder.resolve()
    if place in above or not folder.is_dir():
        return
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            yield from _visible(path, above | {place})
        elif path.is_file() and not path.name.endswith(_BESIDE):
            yield path


def _read(memory: Path | None) -> dict[str, list[int | str]]:
    try:
        return dict(json.loads(memory.read_text(encoding="utf-8"))) if memory is not None else {}
    except (FileNotFoundError, ValueError):  # a memory can be made again
        return {}
