"""Code, packages and machine that a run is made with."""

import importlib.util
import platform
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Final

from mining_the_mines.core.code_hash import PACKAGE, code_hash, is_own
from mining_the_mines.core.hashing import hash_bytes, hash_file, hash_files, hash_values
from mining_the_mines.ledger.git import GitState
from mining_the_mines.ledger.records import CodeState, Environment

#: The file that pins all packages.
LOCK: Final = "requirements.lock"
#: Packages whose versions can change figures.
PACKAGES: Final = (
    "mining_the_mines", "kedro", "torch", "timm", "segmentation-models-pytorch", "scikit-learn", "rasterio", "numpy",
    "scipy", "pandas", "shapely",
)  # fmt: skip
_COMPILED: Final = "__pycache__"
_DATASETS: Final = f"{PACKAGE}.datasets"
#: Datasets import reporting to draw previews for Kedro-Viz, which change no content.
_PREVIEWS: Final = (f"{PACKAGE}.reporting",)


def hash_modules(modules: Iterable[str]) -> str:
    """Hash the code that a node depends on: a change of the report's figures makes no model stale.

    Args:
        modules: Modules of the node's function and of its datasets; modules of other packages do not count, since the
            lock file pins them.

    Returns:
        SHA-256 as 64 hexadecimal digits.
    """
    own = sorted({module for module in modules if is_own(module)})
    return hash_values([code_hash(module, _PREVIEWS if module.startswith(_DATASETS) else ()) for module in own])


def package_hash() -> str:
    """SHA-256 of all files of the package."""
    root = Path(str(importlib.util.find_spec(PACKAGE).origin)).parent  # type: ignore[union-attr] # it is imported
    return hash_files((file for file in root.rglob("*") if file.is_file() and _COMPILED not in file.parts), root)


def code_state(git: GitState) -> CodeState:
    """Combine the state of git with the hash of the package's files."""
    return CodeState(
        commit=git.commit,
        dirty=git.dirty,
        diff_hash=hash_bytes(git.diff.encode()) if git.diff else None,
        package_hash=package_hash(),
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
