"""Old name of :mod:`mining_the_mines.core.hashing`."""

from mining_the_mines.core.hashing import NOTHING, ContentHashes, visible_files

__all__ = ["NOTHING", "ContentHashes", "visible_files"]
