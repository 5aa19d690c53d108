"""Where a model was read from, so that others can read the same one and say which it was."""

import hashlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ModelOrigin:
    """A model's place.

    Attributes:
        folder: Its files.
        version: What its catalog calls it; empty where it has no versions.
    """

    folder: Path
    version: str

    def content_hash(self) -> str:
        """SHA-256 of the names and bytes of all its files."""
        content = hashlib.sha256()
        for path in sorted(self.folder.rglob("*")):
            if path.is_file():
                content.update(path.relative_to(self.folder).as_posix().encode() + b"\0")
                content.update(hashlib.sha256(path.read_bytes()).digest())
        return content.hexdigest()
