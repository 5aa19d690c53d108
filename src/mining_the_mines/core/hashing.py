"""What a file holds, as a number that tells it from all others."""

import hashlib
from functools import lru_cache
from pathlib import Path


def hash_file(path: Path) -> str:
    """Read a file and hash it.

    Args:
        path: Of the file.

    Returns:
        SHA-256 of its bytes, as 64 hexadecimal digits.

    Raises:
        OSError: If it can't be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def stat_signature(path: Path) -> tuple[int, int, int, int]:
    """What changes when a file does: its size, its dates and its number on the disk.

    The date of its contents can be set back by anybody, that of its entry on the disk (POSIX's ``st_ctime``) can not.

    Raises:
        OSError: If there is none.
    """
    facts = path.stat()
    return facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, facts.st_ino


def file_hash(path: Path) -> str:
    """Hash a file, once as long as its marks stay.

    Args:
        path: Of the file.

    Returns:
        SHA-256 of its bytes, as 64 hexadecimal digits.

    Raises:
        OSError: If it can't be read.
    """
    return _digest(path, stat_signature(path))


@lru_cache(maxsize=4096)  # scenes of neighbouring regions are the same files
def _digest(path: Path, marks: tuple[int, ...]) -> str:  # noqa: ARG001 - they tell whether it is still the same
    return hash_file(path)
