"""Code, packages and machine that a run is made with."""

import importlib.util
import platform
from collections.abc import Iterable, Iterator
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Final

import grimp

from mining_the_mines.core.hashing import hash_bytes, hash_file, hash_files
from mining_the_mines.ledger.git import GitState
from mining_the_mines.ledger.records import CodeState, Environment

#: The package whose code counts.
PACKAGE: Final = "mining_the_mines"
#: The file that pins all packages.
LOCK: Final = "requirements.lock"
#: Packages whose versions can change figures.
PACKAGES: Final = (
    "mining_the_mines", "kedro", "torch", "timm", "segmentation-models-pytorch", "scikit-learn", "rasterio", "numpy",
    "scipy", "pandas", "shapely",
)  # fmt: skip
_COMPILED: Final = "__pycache__"


class CodeHashes:
    """Hashes of modules with all modules of the package that they import, directly or indirectly.

    A change of the report's figures therefore makes no model stale. Files beside a module that are no Python, such as
    templates, count for all modules of their folder.
    """

    def of(self, modules: Iterable[str]) -> str:
        """Hash the code of modules.

        Args:
            modules: Names; modules of other packages do not count, since the lock file pins them.

        Returns:
            SHA-256 as 64 hexadecimal digits.
        """
        own = {module for module in modules if module in self._graph.modules}
        needed = own.union(*(self._graph.find_upstream_modules(module) for module in own))
        return hash_files({file for module in needed for file in self._files(module)}, self._root)

    @cached_property
    def package_hash(self) -> str:
        """SHA-256 of all files of the package."""
        return hash_files(_source_files(self._root), self._root)

    @cached_property
    def _graph(self) -> grimp.ImportGraph:
        graph = grimp.build_graph(PACKAGE, cache_dir=None)
        # Datasets import reporting to draw previews for Kedro-Viz, which change no content.
        previews = [
            (module, imported)
            for module in graph.find_descendants(f"{PACKAGE}.datasets")
            for imported in graph.find_modules_directly_imported_by(module)
            if imported.startswith(f"{PACKAGE}.reporting")
        ]
        for module, imported in previews:
            graph.remove_import(importer=module, imported=imported)
        return graph

    @cached_property
    def _root(self) -> Path:
        found = importlib.util.find_spec(PACKAGE)
        if found is None or found.origin is None:
            raise ModuleNotFoundError(PACKAGE)
        return Path(found.origin).parent

    def _files(self, module: str) -> Iterator[Path]:
        place = self._root.joinpath(*module.split(".")[1:])
        if place.is_dir():
            yield place / "__init__.py"
        else:
            yield place.with_suffix(".py")
            place = place.parent
        if place != self._root:
            yield from (file for file in _source_files(place) if file.suffix != ".py")


def code_state(git: GitState, hashes: CodeHashes) -> CodeState:
    """Combine the state of git with the hash of the package's files."""
    return CodeState(
        commit=git.commit,
        dirty=git.dirty,
        diff_hash=hash_bytes(git.diff.encode()) if git.diff else None,
        package_hash=hashes.package_hash,
    )


def read_environment(project: Path) -> Environment:
    """Read versions and machine of this process.

    Args:
        project: Folder of the project, with the lock file.
    """
    import torch  # only when a run begins: it loads slowly

    lock = project / LOCK
    return Environment(
        lock_hash=hash_file(lock) if lock.is_file() else None,
        python=platform.python_version(),
        packages={package: version(package) for package in PACKAGES},
        platform=f"{platform.system()} {platform.machine()}",
        device=_device(),
        threads=torch.get_num_threads(),
    )


def _device() -> str:
    """The device that Lightning would choose."""
    import torch

    if not torch.accelerator.is_available():
        return "cpu"
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return str(torch.accelerator.current_accelerator())


def _source_files(folder: Path) -> set[Path]:
    return {file for file in folder.rglob("*") if file.is_file() and _COMPILED not in file.parts}
