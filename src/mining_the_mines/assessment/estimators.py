"""Estimators of areas and accuracies from a stratified sample.

Indicator estimators of Stehman (2014, doi 10.1080/01431161.2014.930207), which hold for strata of any kind. Those of
Olofsson et al. (2014, doi 10.1016/j.rse.2014.02.015) are the case in which strata are the map's classes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.stats import beta, norm

from mining_the_mines.core.errors import BadInputError

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

#: Standard errors on either side of a 95 % interval.
Z95: Final = float(norm.ppf(0.975))


@dataclass(frozen=True)
class Estimate:
    """An estimated figure.

    Attributes:
        value: The estimate; NaN where nothing can be estimated.
        standard_error: Its standard error.
        lower: Lower end of its 95 % interval.
        upper: Upper end.
    """

    value: float
    standard_error: float
    lower: float
    upper: float

    @classmethod
    def normal(cls, value: float, variance: float) -> "Estimate":
        """An estimate with a normal interval."""
        error = math.sqrt(max(variance, 0.0))
        return cls(value, error, value - Z95 * error, value + Z95 * error)

    def times(self, factor: float) -> "Estimate":
        """The figure in another unit."""
        ends = sorted((factor * self.lower, factor * self.upper))
        return Estimate(factor * self.value, abs(factor) * self.standard_error, *ends)

    @property
    def rest(self) -> "Estimate":
        """One minus a share."""
        return Estimate(1 - self.value, self.standard_error, 1 - self.upper, 1 - self.lower)

    def within(self, lowest: float, highest: float) -> "Estimate":
        """The figure with an interval that ends at bounds."""
        return Estimate(self.value, self.standard_error, max(self.lower, lowest), min(self.upper, highest))


NOTHING: Final = Estimate(math.nan, math.nan, math.nan, math.nan)


@dataclass(frozen=True, eq=False)
class StratifiedSample:
    """The judged places of a stratified random sample.

    Attributes:
        stratum: Number of each place's stratum, (places,).
        areas: Area of each stratum, (strata,).
        sampled: Share of the stratum's units that were judged, (strata,); 0 for a stratum without an end.
    """

    stratum: npt.NDArray[np.int64]
    areas: Floats
    sampled: Floats

    @classmethod
    def of(
        cls, strata: Sequence[str], areas: dict[str, float], pixels: dict[str, int] | None = None
    ) -> "StratifiedSample":
        """Make a sample of the strata's names.

        Args:
            strata: Stratum of each place.
            areas: Area of each stratum.
            pixels: Number of units of each stratum; without them strata count as large.

        Raises:
            BadInputError: A stratum has no area, or fewer than two places, although not all of its units were judged.
        """
        lacking = sorted(set(strata) - set(areas))
        if lacking:
            raise BadInputError(
                f"The sample has no area of the stratum {lacking[0]}, so that its places count for nothing known: take "
                "the table of strata that was written with the sample."
            )
        names = list(areas)
        stratum = np.array([names.index(name) for name in strata], dtype=np.int64)
        counts = np.bincount(stratum, minlength=len(names))
        units = np.array([math.inf if pixels is None else pixels[name] for name in names])
        for name, count, whole in zip(names, counts, units, strict=True):
            if count < min(2, whole):
                raise BadInputError(
                    f"The stratum {name} has {'one judged place' if count else 'no judged place'}, from which no "
                    "standard error can be computed: judge at least two of its places, or draw more."
                )
        return cls(stratum, np.array(list(areas.values()), dtype=np.float64), np.minimum(counts / units, 1.0))

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """Places of each stratum."""
        return np.bincount(self.stratum, minlength=len(self.areas))

    @property
    def total_area(self) -> float:
        """Area of all strata."""
        return float(self.areas.sum())

    def means(self, values: Floats | Flags) -> Floats:
        """Mean of each stratum."""
        return np.asarray(np.bincount(self.stratum, values, len(self.areas)) / self.counts)

    def total(self, values: Floats | Flags) -> Estimate:
        """Area-weighted total of a value, such as the area of places with a property, eq. 3 and 4 of Stehman (2014)."""
        return Estimate.normal(float(self.areas @ self.means(values)), self._variance(values, values))

    def ratio(self, above: Floats | Flags, below: Floats | Flags) -> Estimate:
        """Ratio of two totals, such as user's accuracy, eq. 27 and 28 of Stehman (2014)."""
        whole = float(self.areas @ self.means(below))
        if whole == 0:
            return NOTHING
        ratio = float(self.areas @ self.means(above)) / whole
        residuals = np.asarray(above, dtype=np.float64) - ratio * np.asarray(below, dtype=np.float64)
        return Estimate.normal(ratio, self._variance(residuals, residuals) / whole**2)

    def share(self, flags: Flags, within: Flags | None = None) -> Estimate:
        """Share of the ground, or of a part of it, that has a property; the interval holds for rare properties.

        Of all ground, Jeffreys' intervals of the strata are joined by the method of variance estimates recovery (Zou &
        Donner 2008, doi 10.1002/sim.3095): a stratum in which no place has the property still may hold some. Of a part
        that strata cut, it is Jeffreys' interval for the number of places that a simple random sample would need for
        the same standard error (Korn & Graubard 1998).

        Args:
            flags: Whether each place has the property.
            within: Whether each place lies in the part; ``None`` for all ground.
        """
        if within is not None and not within.all():
            return self._share_within(flags, within)
        direct = self.total(flags)
        weights = self.areas / self.total_area
        shares = self.means(flags)
        lower, upper = jeffreys(shares, self.counts / np.maximum(1 - self.sampled, 1e-12))
        low = math.sqrt(float(np.sum((weights * (shares - lower)) ** 2)))
        high = math.sqrt(float(np.sum((weights * (upper - shares)) ** 2)))
        value = direct.value / self.total_area
        return Estimate(value, direct.standard_error / self.total_area, value - low, value + high).within(0, 1)

    def _share_within(self, flags: Flags, within: Flags) -> Estimate:
        found = self.ratio(flags & within, within)
        if math.isnan(found.value):
            return found
        weights = (self.areas / self.counts)[self.stratum][within]
        places = float(weights.sum() ** 2 / np.sum(weights**2))
        if found.standard_error > 0:
            places = min(found.value * (1 - found.value) / found.standard_error**2, float(within.sum()))
        lower, upper = jeffreys(np.array([found.value]), np.array([places]))
        return Estimate(found.value, found.standard_error, float(lower[0]), float(upper[0]))

    def deviations(self, flags: Flags) -> Floats:
        """Deviation of each place from the mean of its stratum, in units of the estimated total, (places,).

        Squares of these, times one minus the sampled share, sum up to the variance of :meth:`total`.
        """
        counts = self.counts[self.stratum]
        spread = np.asarray(flags, dtype=np.float64) - self.means(flags)[self.stratum]
        return np.asarray(self.areas[self.stratum] * spread / np.sqrt(counts * np.maximum(counts - 1, 1)))

    def part(self, strata: Flags) -> "tuple[StratifiedSample, Flags]":
        """The sample of some strata, and whether each place belongs to it."""
        places = strata[self.stratum]
        numbers = np.cumsum(strata) - 1
        return StratifiedSample(numbers[self.stratum[places]], self.areas[strata], self.sampled[strata]), places

    def _variance(self, first: Floats | Flags, second: Floats | Flags) -> float:
        """Variance of a total."""
        ones = np.asarray(first, dtype=np.float64) - self.means(first)[self.stratum]
        others = np.asarray(second, dtype=np.float64) - self.means(second)[self.stratum]
        counts = self.counts
        spread = np.bincount(self.stratum, ones * others, len(self.areas)) / np.maximum(counts - 1, 1)
        return float(np.sum(self.areas**2 * (1 - self.sampled) * spread / counts))


def jeffreys(shares: Floats, counts: Floats) -> tuple[Floats, Floats]:
    """Jeffreys' 95 % interval of shares (Brown et al. 2001, doi 10.1214/ss/1009213286); counts may be effective ones.

    Args:
        shares: Observed shares.
        counts: Numbers of places behind them.

    Returns:
        Lower and upper ends; 0 and 1 where no place or every place has the property.
    """
    hits = shares * counts
    lower, upper = (beta.ppf(level, hits + 0.5, counts - hits + 0.5) for level in (0.025, 0.975))
    return np.where(shares > 0, np.minimum(lower, shares), 0.0), np.where(shares < 1, np.maximum(upper, shares), 1.0)


def share_of(part: Estimate, other: Estimate) -> Estimate:
    """Share of a part in the sum of two independent estimates, such as producer's accuracy.

    Donner & Zou (2012, doi 10.1177/0962280210383082), eq. 9, gives the interval of the ratio of both.

    Args:
        part: The part, such as the area that was found.
        other: The rest, such as the area that was missed.
    """
    whole = part.value + other.value
    if not whole > 0:
        return NOTHING
    share = part.value / whole
    variance = (other.value**2 * part.standard_error**2 + part.value**2 * other.standard_error**2) / whole**4
    return Estimate(
        share,
        math.sqrt(variance),
        _share(_ratio_limit(part, other, upper=False)),
        _share(_ratio_limit(part, other, upper=True)),
    )


def added(first: Estimate, second: Estimate) -> Estimate:
    """Sum of two independent estimates; the interval keeps their skewness (Zou & Donner 2008)."""
    value = first.value + second.value
    low = math.hypot(first.value - first.lower, second.value - second.lower)
    high = math.hypot(first.upper - first.value, second.upper - second.value)
    return Estimate(value, math.hypot(first.standard_error, second.standard_error), value - low, value + high)


def difference(later: Estimate, earlier: Estimate) -> Estimate:
    """Difference of two independent estimates."""
    return added(later, earlier.times(-1))


def shared_covariance(first: tuple[Floats, Floats], second: tuple[Floats, Floats]) -> float:
    """Covariance of two estimated totals from samples that share places.

    A place with a permanent random number is in both samples with the smaller of its two sampled shares, so the
    covariance is the sum over shared places of the product of their deviations, times one minus the larger share
    (Berger 2004, *Canadian Journal of Statistics* 32, 451–467). Where strata are those of both samples this is the
    covariance of Tam (1984, *The American Statistician* 38, 288–289).

    Args:
        first: Deviations of the shared places (:meth:`StratifiedSample.deviations`) and the sampled shares of their
            strata in one sample, (places,) each.
        second: The same in the other sample, in the same order.
    """
    return float(np.sum((1 - np.maximum(first[1], second[1])) * first[0] * second[0]))


def paired_difference(later: Estimate, earlier: Estimate, covariance: float) -> Estimate:
    """Difference of two estimates from samples that share places.

    The variance is that of a difference. The interval is that of independent estimates (Zou & Donner 2008), narrower by
    the ratio of both standard errors, the design effect of pairing. That of Zou (2007, doi 10.1037/1082-989X.12.4.399)
    for correlated estimates is much too wide where both are skewed and alike.

    Args:
        later: The later estimate.
        earlier: The earlier one.
        covariance: Covariance of both.
    """
    apart = difference(later, earlier)
    if not apart.standard_error > 0:
        return apart
    error = math.sqrt(max(apart.standard_error**2 - 2 * covariance, 0.0))
    ratio = error / apart.standard_error
    low, high = ratio * (apart.value - apart.lower), ratio * (apart.upper - apart.value)
    return Estimate(apart.value, error, apart.value - low, apart.value + high)


def _share(ratio: float) -> float:
    return 1.0 if math.isinf(ratio) else ratio / (1 + ratio)


def _ratio_limit(part: Estimate, other: Estimate, *, upper: bool) -> float:
    """A limit of the ratio of two independent estimates."""
    near, far = (part.upper, other.lower) if upper else (part.lower, other.upper)
    product = part.value * other.value
    above, below = near * (2 * part.value - near), far * (2 * other.value - far)
    if below == 0:
        return math.inf if upper or far == 0 else above / (2 * product)
    root = math.sqrt(max(product**2 - above * below, 0.0))
    return max((product + (root if upper else -root)) / below, 0.0)
