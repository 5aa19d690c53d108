"""The error of everything between a STAC catalog and a composite."""

from mining_the_mines.core.errors import BadInputError


class SceneError(BadInputError):
    """A catalog, a scene or a region can't be used; the message says which, why, and the way out."""
