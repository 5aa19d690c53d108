"""Scenes that were chosen and then could not be read."""

from dataclasses import dataclass

from mining_the_mines.scenes.errors import SceneError


@dataclass(frozen=True)
class Fault:
    """A scene that could not be read, or not all of it.

    Attributes:
        item: The scene's id.
        reason: What went wrong.
    """

    item: str
    reason: str


@dataclass(frozen=True)
class BlockFault(Fault):
    """A scene that could not be read everywhere; elsewhere it went into the composite.

    Attributes:
        blocks: How many blocks it could not be read for.
        of: How many blocks there are.
    """

    blocks: int
    of: int


class NoCompositeError(SceneError):
    """Of a region no composite can be made; the message says why."""
