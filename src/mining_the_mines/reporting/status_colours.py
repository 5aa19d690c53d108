"""Colours and titles of the statuses of a site, the same in a GIS, on pages and on sheets.

Colours of Okabe and Ito, *Color Universal Design* (2008), which colour-blind people can tell apart: warm ones where
something happens, cold ones where mining lets up or has yet to be proved, grey where nothing was seen: a light one,
since a darker one looks like the purple to some people.
"""

from types import MappingProxyType
from typing import Final

from mining_the_mines.reporting.pictures import Colour

#: Colour of each status, in the order of legends.
STATUS_COLOURS: Final[MappingProxyType[str, Colour]] = MappingProxyType(
    {
        "new": (213, 94, 0),
        "grown": (230, 159, 0),
        "unchanged": (240, 228, 66),
        "baseline": (204, 121, 167),
        "candidate": (0, 158, 115),
        "smaller": (86, 180, 233),
        "inactive": (0, 114, 178),
        "not_seen": (205, 205, 205),
    }
)
#: Title of each status in legends.
STATUS_TITLES: Final = MappingProxyType(
    {
        "new": "New",
        "grown": "Grown",
        "unchanged": "Unchanged",
        "baseline": "Present from the first look",
        "candidate": "Waits for a second look",
        "smaller": "Smaller",
        "inactive": "Inactive",
        "not_seen": "Not seen",
    }
)
