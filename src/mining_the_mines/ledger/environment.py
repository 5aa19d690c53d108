"""Packages and machine that a run has."""

import hashlib
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Final

from mining_the_mines.ledger.records import Environment

#: The file that pins all packages.
LOCK: Final = "requirements.lock"
#: Packages whose versions can change figures.
PACKAGES: Final = (
    "mining_the_mines", "kedro", "torch", "timm", "segmentation-models-pytorch", "scikit-learn", "rasterio", "numpy",
    "scipy", "pandas", "shapely",
)  # fmt: skip


def read_environment(project: Path) -> Environment:
    """Read what the process runs on.

    Args:
        project: Folder of the project.
    """
    import torch  # not before a run: loading it takes long

    lock = project / LOCK
    return Environment(
        lock_hash=hashlib.sha256(lock.read_bytes()).hexdigest() if lock.is_file() else None,
        python=platform.python_version(),
        packages={package: version(package) for package in PACKAGES},
        platform=f"{platform.system()} {platform.machine()}",
        device=_device(),
        threads=torch.get_num_threads(),
    )


def _device() -> str:
    """What Lightning would choose."""
    import torch

    if not torch.accelerator.is_available():
        return "cpu"
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return str(torch.accelerator.current_accelerator())
