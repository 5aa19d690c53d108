"""What goes wrong between a run and where it is tracked."""

from mining_the_mines.core.errors import BadInputError


class TrackingError(BadInputError):
    """A run can't be tracked as it was asked for."""


class UnsentError(Exception):
    """The tracking server did not take something now; it may later."""


class RefusedError(Exception):
    """The tracking server answered that it will never take something."""
