"""What a file holds, as a number that tells it from all others."""

import hashlib
from functools import lru_cache
from pathlib import Path


def file_digest(path: Path) -> str:
    """Hash a file, once as long as its size and date stay.

    Args:
        path: Of the file.

    Returns:
        SHA-256 of its bytes, as 64 hexadecimal digits.

    Raises:
        OSError: If it can't be read.
    """
    facts = path.stat()
    return _digest(path, facts.st_size, facts.st_mtime_ns)


@lru_cache(maxsize=4096)  # scenes of neighbouring regions are the same files
def _digest(path: Path, size: int, changed: int) -> str:  # noqa: ARG001 - they tell whether it is still the same
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
