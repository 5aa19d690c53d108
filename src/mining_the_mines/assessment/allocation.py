"""Number of places of a sample, and its division among strata."""

import logging
import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from mining_the_mines.assessment.settings import SamplingSettings

logger = logging.getLogger(__name__)

Floats = npt.NDArray[np.float64]


def sample_size(
    weights: Floats, deviations: Floats, standard_error: float, shares: Floats | None = None, units: float = math.inf
) -> int:
    """Compute the number of places that give a standard error.

    Equation 5.25 of Cochran (1977, *Sampling Techniques*), of which eq. 13 of Olofsson et al. (2014, doi
    10.1016/j.rse.2014.02.015) is the case of Neyman's allocation.

    Args:
        weights: Share of the ground of each stratum, (strata,), summing up to 1.
        deviations: Standard deviation of the indicator in each stratum, √(p (1 − p)).
        standard_error: Wanted standard error of the share of all ground.
        shares: Share of the places of each stratum; Neyman's by default.
        units: Number of pixels of all strata.

    Returns:
        Number of places, rounded up.
    """
    return math.ceil(
        _spread(weights, deviations, shares) / (standard_error**2 + weights @ deviations**2 / units) - 1e-9
    )


def allocate(strata: pd.DataFrame, settings: SamplingSettings) -> "pd.Series[int]":
    """Share places among the strata of one period.

    Args:
        strata: One row per stratum, by its name: ``ground``, ``pixels`` and ``hectares``.
        settings: Wanted exactness and allocation.

    Returns:
        Places of each stratum. A stratum with fewer pixels than the minimum gives all of them.
    """
    weights = (strata["hectares"] / strata["hectares"].sum()).to_numpy()
    expected: Mapping[str, float] = settings.expected.model_dump()
    means = np.array([expected[ground] for ground in strata["ground"]])
    deviations = np.sqrt(means * (1 - means))
    shares = _shares(weights, deviations, settings)
    places = np.ceil(_number(weights, means, shares, settings, float(strata["pixels"].sum())) * shares - 1e-9)
    for name, stated in settings.stated.items():
        rows = (strata["ground"] == name).to_numpy()
        places[rows] = np.ceil(stated * weights[rows] / weights[rows].sum()) if rows.any() else 0
    return pd.Series(np.maximum(places, settings.minimum), strata.index).clip(upper=strata["pixels"]).astype(np.int64)


def _number(weights: Floats, means: Floats, shares: Floats, settings: SamplingSettings, units: float) -> int:
    """Number of places of a period."""
    if settings.places is not None:
        return settings.places
    deviations = np.sqrt(means * (1 - means))
    expected = float(weights @ means)
    wanted = settings.standard_error or settings.coefficient_of_variation * expected
    if not wanted:
        return 0
    number = sample_size(weights, deviations, wanted, shares, units)
    if number > settings.maximum:
        reached = math.sqrt(_spread(weights, deviations, shares) / settings.maximum)
        logger.warning(
            "The wanted standard error would take %d places; sampling.maximum allows %d, with which %.0f %% of the "
            "area of mines are expected. Raise it, or give sampling.expected what is known of the map.",
            number, settings.maximum, 100 * reached / expected,
        )  # fmt: skip
    return min(number, settings.maximum)


def _spread(weights: Floats, deviations: Floats, shares: Floats | None) -> float:
    """Variance of the estimated share times the number of places."""
    parts = weights * deviations
    if shares is None:
        return float(parts.sum() ** 2)
    return float(np.sum(parts[parts > 0] ** 2 / shares[parts > 0]))


def _shares(weights: Floats, deviations: Floats, settings: SamplingSettings) -> Floats:
    parts = weights * deviations
    if settings.allocation == "neyman" and parts.any():
        return np.asarray(parts / parts.sum())
    if settings.allocation == "equal":
        return np.full(len(weights), 1 / len(weights))
    return weights
