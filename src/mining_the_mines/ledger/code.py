"""The state of the code: of git's, of the package's files, and of what a function stands on."""

import hashlib
import importlib.util
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Final

import grimp

from mining_the_mines.core.hashing import hash_file
from mining_the_mines.ledger.git import GitState
from mining_the_mines.ledger.records import CodeState

#: The package whose code is looked at.
PACKAGE: Final = "mining_the_mines"
#: What Python leaves beside code.
_COMPILED: Final = "__pycache__"


class CodeHashes:
    """Hashes of modules with all that they import from the package, directly or through others.

    So a change of how figures are drawn makes no model stale. Files beside modules, such as templates, count for all
    modules of their folder.
    """

    def of(self, modules: Iterable[str]) -> str:
        """Hash the code of modules.

        Args:
            modules: Their names; those of other packages don't count, since the lock file pins them.

        Returns:
            64 hexadecimal digits.
        """
        own = {module for module in modules if module in self._graph.modules}
        needed = own.union(*(self._graph.find_upstream_modules(module) for module in own))
        return _hash_files({file for module in needed for file in self._files(module)}, self._root)

    @cached_property
    def package_hash(self) -> str:
        """SHA-256 of all files of the package."""
        return _hash_files(_package_files(self._root), self._root)

    @cached_property
    def _graph(self) -> grimp.ImportGraph:
        graph = grimp.build_graph(PACKAGE, cache_dir=None)
        # Datasets draw previews of what they hold, which changes nothing in it.
        previews = [
            (module, drawing)
            for module in graph.find_descendants(f"{PACKAGE}.datasets")
            for drawing in graph.find_modules_directly_imported_by(module)
            if drawing.startswith(f"{PACKAGE}.reporting")
        ]
        for module, drawing in previews:
            graph.remove_import(importer=module, imported=drawing)
        return graph

    @cached_property
    def _root(self) -> Path:
        found = importlib.util.find_spec(PACKAGE)
        if found is None or found.origin is None:
            raise ModuleNotFoundError(PACKAGE)
        return Path(found.origin).parent

    def _files(self, module: str) -> Iterator[Path]:
        place = self._root.joinpath(*module.split(".")[1:])
        if not place.is_dir():
            yield place.with_suffix(".py")
            place = place.parent
        else:
            yield place / "__init__.py"
        if place != self._root:
            yield from (file for file in _package_files(place) if file.suffix != ".py")


def code_state(git: GitState, hashes: CodeHashes) -> CodeState:
    """Tell the state of the code.

    Args:
        git: What git says of it.
        hashes: Of the package.
    """
    return CodeState(
        commit=git.commit,
        dirty=git.dirty,
        diff_hash=hashlib.sha256(git.diff.encode()).hexdigest() if git.diff else None,
        package_hash=hashes.package_hash,
    )


def _package_files(folder: Path) -> set[Path]:
    return {file for file in folder.rglob("*") if file.is_file() and _COMPILED not in file.parts}


def _hash_files(files: Iterable[Path], root: Path) -> str:
    content = hashlib.sha256()
    for file in sorted(files):
        content.update(file.relative_to(root).as_posix().encode() + b"\0")
        content.update(bytes.fromhex(hash_file(file)))
    return content.hexdigest()
