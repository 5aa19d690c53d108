"""How sure a map is of its mines, in colours that tell, and which mine deserves a look first.

The colours are yellow, sky blue and reddish purple, a little lightened, of Okabe and Ito, *Color Universal Design*
(2008): colour-blind people can tell them apart, and they are lighter than woods, water and most soils. What is to be
reviewed has a colour of its own, and thicker outlines too.
"""

from typing import Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mining_the_mines.reporting.overlay import Colour


class ConfidenceClass(NamedTuple):
    """A class of mines that share a colour."""

    name: str
    title: str
    colour: Colour

    @property
    def css(self) -> str:
        """The colour as a page writes it."""
        return css_colour(self.colour)


#: The surest first.
CONFIDENCE_CLASSES: Final = (
    ConfidenceClass("high", "High", (240, 228, 66)),
    ConfidenceClass("medium", "Medium", (86, 180, 233)),
    ConfidenceClass("low", "Low", (221, 138, 190)),
)
REVIEW_COLOUR: Final[Colour] = (255, 45, 45)


def css_colour(colour: Colour) -> str:
    """Write a colour as a page does."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def confidence_ranks(mines: pd.DataFrame) -> NDArray[np.int64]:
    """Say how sure each mine is, as a number.

    Args:
        mines: With the column ``confidence``.

    Returns:
        int64 (mines,): number of its class among :data:`CONFIDENCE_CLASSES`; 0 is the surest.
    """
    order = {found.name: rank for rank, found in enumerate(CONFIDENCE_CLASSES)}
    return np.array([order[str(name)] for name in mines["confidence"]], dtype=np.int64)


def review_flags(mines: pd.DataFrame) -> NDArray[np.bool_]:
    """Say which mines are to be reviewed.

    Args:
        mines: With the column ``review`` where permits are known.

    Returns:
        Boolean (mines,); none is where nothing is known of permits.
    """
    if "review" not in mines.columns:
        return np.zeros(len(mines), dtype=bool)
    return mines["review"].to_numpy(dtype=np.bool_)


def line_colours(mines: pd.DataFrame) -> list[Colour]:
    """Choose the colour that each mine is drawn in alone.

    Args:
        mines: With the columns ``confidence`` and, where permits are known, ``review``.

    Returns:
        A colour a mine.
    """
    pairs = zip(confidence_ranks(mines).tolist(), review_flags(mines).tolist(), strict=True)
    return [REVIEW_COLOUR if review else CONFIDENCE_CLASSES[rank].colour for rank, review in pairs]


def look_first(mines: pd.DataFrame) -> NDArray[np.int64]:
    """Put mines in the order in which they deserve a look.

    Args:
        mines: With the columns ``confidence``, ``area_ha`` and, where permits are known, ``review``.

    Returns:
        Rows, int64 (mines,): first those to be reviewed, then the surest, then the largest.
    """
    keys = (-mines["area_ha"].to_numpy(dtype=np.float64), confidence_ranks(mines), ~review_flags(mines))
    return np.lexsort(keys).astype(np.int64)
