"""Periods of a series of maps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from mining_the_mines.core.errors import BadInputError


@dataclass(frozen=True)
class Period:
    """A stretch of days that one composite and one map stand for.

    Attributes:
        name: Name, such as ``2024`` or ``2024-Q3``; a folder's name.
        start: First day.
        end: Last day, which belongs to the period.
    """

    name: str
    start: date
    end: date


def check_order(periods: Sequence[Period]) -> None:
    """Refuse periods that overlap, end before they begin, lie in the wrong order or share a name.

    Raises:
        BadInputError: The first fault; the message names both periods.
    """
    for period in periods:
        if period.end < period.start:
            raise BadInputError(
                f"monitoring.periods: {period.name} ends on {period.end}, before it starts on {period.start}: exchange "
                "the dates."
            )
    for earlier, later in pairwise(periods):
        if later.start <= earlier.start:
            raise BadInputError(
                f"monitoring.periods: {later.name} starts on {later.start}, not after {earlier.name} "
                f"({earlier.start}): list the periods from the earliest to the latest."
            )
        if later.start <= earlier.end:
            raise BadInputError(
                f"monitoring.periods: {later.name} starts on {later.start}, before {earlier.name} ends on "
                f"{earlier.end}: periods must not overlap."
            )
    names = [period.name for period in periods]
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled is not None:
        raise BadInputError(f"monitoring.periods: two periods are called {doubled}: give each a name of its own.")
