"""Where a model was read from, so that others can read the same one and say which it was."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mining_the_mines.core.hashing import ContentHashes

#: Digits of its content hash that a model without a registered version is called by.
_DIGITS: Final = 12


@dataclass(frozen=True)
class ModelSource:
    """A model's place.

    Attributes:
        folder: Its files.
        registered: Its name and version in a registry, such as ``mine-segmenter 3``; ``None`` if it was taken from a
            folder.
        registered_by: The run that registered it; ``None`` where nobody knows.
    """

    folder: Path
    registered: str | None = None
    registered_by: str | None = None

    @property
    def version(self) -> str:
        """What to call it: its registered version, else the first digits of its content hash.

        The same model is called the same wherever and whenever it was trained.
        """
        return self.registered or self.content_hash()[:_DIGITS]

    def content_hash(self) -> str:
        """SHA-256 of the names and bytes of all its files but hidden ones."""
        return ContentHashes().of(self.folder)
