"""The rules by which a site counts as new, and by which it is confirmed.

Both ask for the mean probability of a site. The highest one tells little: most false sites have a pixel that is all but
certain.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import shapely
from scipy.special import expit, logit

from mining_the_mines.geo.vector_files import Geometries
from mining_the_mines.monitoring.settings import ConfirmationSettings

SECOND_LOOK: Final = "second_look"
PROBABILITY: Final = "probability"
NEIGHBOUR: Final = "neighbour"
#: Not confirmed: the site is provisional.
NOTHING: Final = ""


def must_wait(
    looks: npt.NDArray[np.int64],
    hectares: npt.NDArray[np.float64],
    probability: npt.NDArray[np.float64],
    ground: Geometries,
    settled: npt.NDArray[np.bool_],
    settings: ConfirmationSettings,
) -> npt.NDArray[np.bool_]:
    """Tell which sites are too small, or too faint while they stand alone, to count as new before a second look.

    Args:
        looks: Number of periods in which each was mapped, this one included, (sites,).
        hectares: Of its outline in this period.
        probability: Its mean probability in this period; NaN if it was not mapped.
        ground: Ground of each, in metres.
        settled: Whether it counted as a site before this period: known activity.
        settings: The rule.

    Returns:
        Whether each must wait, (sites,).
    """
    waits = (hectares < settings.waiting_hectares) | (probability < settings.waiting_probability)
    waits &= looks < settings.looks
    if settings.activity_metres:
        (found,) = np.nonzero(waits)
        near, _ = shapely.STRtree(ground[settled]).query(
            ground[found], predicate="dwithin", distance=settings.activity_metres
        )
        waits[found[near]] = False
    return waits


def confirm(
    confirmed_by: npt.NDArray[np.object_],
    looks: npt.NDArray[np.int64],
    probability: npt.NDArray[np.float64],
    periods: npt.NDArray[np.int64],
    ground: Geometries,
    settings: ConfirmationSettings,
) -> npt.NDArray[np.object_]:
    """Confirm sites by what is known at the end of a period.

    A site stays confirmed by the first reason. A neighbour confirms only if it is confirmed without one: otherwise two
    false sites side by side would confirm each other.

    Args:
        confirmed_by: Reason of each site so far, empty while it is provisional, (sites,).
        looks: Number of periods in which it was mapped, this one included.
        probability: Its mean probability in this period; NaN if it was not mapped.
        periods: Number of periods in which its ground was seen, this one included.
        ground: Ground of each, in metres.
        settings: The rule.

    Returns:
        The reason of each, (sites,); empty while it is provisional.
    """
    reasons = confirmed_by.copy()
    again = (looks >= settings.looks) & (probability >= needed(settings.second_look_probability, periods, settings))
    reasons[(reasons == NOTHING) & again] = SECOND_LOOK
    reasons[(reasons == NOTHING) & (probability >= needed(settings.probability, periods, settings))] = PROBABILITY
    likely = (reasons == NOTHING) & (probability >= needed(settings.neighbour_probability, periods, settings))
    sure = np.isin(reasons, (SECOND_LOOK, PROBABILITY))
    candidates = np.flatnonzero(likely)
    near, _ = shapely.STRtree(ground[sure]).query(
        ground[candidates], predicate="dwithin", distance=settings.neighbour_metres
    )
    reasons[candidates[near]] = NEIGHBOUR
    return reasons


def needed(
    probability: float, periods: npt.NDArray[np.int64], settings: ConfirmationSettings
) -> npt.NDArray[np.float64]:
    """Raise a probability by the number of maps that could have been wrong about a site.

    Args:
        probability: Needed after one period.
        periods: Number of periods in which the ground was seen, from 1, (sites,).
        settings: With the log-odds that a doubling adds.

    Returns:
        Needed probability of each site.
    """
    raised: npt.NDArray[np.float64] = expit(logit(probability) + settings.added_per_doubling * np.log2(periods))
    return raised
