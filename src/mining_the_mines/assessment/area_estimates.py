"""The table of estimated areas and accuracies."""

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import pandas as pd

from mining_the_mines.assessment.answers import CANNOT_TELL
from mining_the_mines.assessment.estimators import (
    NOTHING,
    Estimate,
    StratifiedSample,
    added,
    difference,
    paired_difference,
    share_of,
    shared_covariance,
)
from mining_the_mines.assessment.sample_table import MINE, NO_MINE
from mining_the_mines.assessment.settings import AreaSettings
from mining_the_mines.assessment.truth import SIMULATED_TRUTH
from mining_the_mines.assessment.verified_area import HASH_DIGITS
from mining_the_mines.core.errors import BadInputError

logger = logging.getLogger(__name__)

#: Columns of the table and their types: a row per figure.
#:
#: ``period``: name of the period, ``EARLIER to LATER`` for a change; empty where the maps have none.
#: ``domain``, ``name``: ``all``, ``region`` or ``unit``, and the name of the region or unit.
#: ``measure``: ``area``, ``pixel_count``, ``truth`` (known in a simulation), ``false_alarm_area`` (mapped, no mine),
#: ``omitted_area`` (mine, not mapped), ``users_accuracy``, ``producers_accuracy``, ``overall_accuracy``,
#: ``false_alarm_rate`` (hectares), ``false_alarms`` (mapped mines, each counted by its false share) or ``net_change``.
#: ``class``: ``mine``, ``no_mine``, or empty.
#: ``value``, ``standard_error``, ``lower``, ``upper``: estimate and 95 % interval; only the value where it is known.
#: ``least``, ``most``: the estimate if nothing unknown were a mine, and if all of it were. Unknown are places where
#: nobody can tell, and pending ground.
#: ``unit``: ``ha``, ``share``, ``ha per 1000 km²`` or ``per 1000 km²``.
#: ``places``, ``cannot_tell``: judged places in the domain, and those among them where nobody can tell.
#: ``pending``: hectares of strata with fewer than two judged places, which the estimate leaves out; while there are
#: any, it is provisional.
#: ``regions``, ``map_hashes``: regions of the domain, and the first digits of the hashes of the maps that were sampled.
#: ``reviewers``, ``judged_until``: number of people who judged its places (0 for a simulation), and the last ISO day.
AREA_COLUMNS: Final = {
    "period": "str", "domain": "str", "name": "str", "measure": "str", "class": "str", "value": "float64",
    "standard_error": "float64", "lower": "float64", "upper": "float64", "least": "float64", "most": "float64",
    "unit": "str", "places": "int64", "cannot_tell": "int64", "pending": "float64",
    "regions": "str", "map_hashes": "str", "reviewers": "int64", "judged_until": "str",
}  # fmt: skip
#: Hectares in 1 000 km².
_THOUSAND: Final = 100_000.0
ALL: Final = "all"
_NAN: Final = float("nan")


@dataclass(frozen=True)
class DomainEstimate:
    """Shares of the mapped mines and of the other ground of a domain that are mine.

    Both come from strata of their own, so they are independent.

    Attributes:
        mapped: Hectares that are mapped as mine, without pending ones.
        unmapped: Hectares that are not, without pending ones.
        right: Share of the mapped that is mine: user's accuracy.
        wrong: Share of the rest that is mine.
        mapped_pending: Hectares that are mapped as mine, of strata with too few judged places.
        unmapped_pending: Hectares that are not, of such strata.
    """

    mapped: float
    unmapped: float
    right: Estimate
    wrong: Estimate
    mapped_pending: float = 0.0
    unmapped_pending: float = 0.0

    @property
    def hectares(self) -> float:
        """Area of the domain that is estimated; NaN for none."""
        return self.mapped + self.unmapped or _NAN

    @property
    def pending(self) -> float:
        """Area of the domain that is left out."""
        return self.mapped_pending + self.unmapped_pending

    @property
    def found(self) -> Estimate:
        """Hectares that are mapped and mine."""
        return self.right.times(self.mapped)

    @property
    def missed(self) -> Estimate:
        """Hectares that are mine but not mapped."""
        return self.wrong.times(self.unmapped)

    @property
    def false(self) -> Estimate:
        """Hectares that are mapped but no mine."""
        return self.right.rest.times(self.mapped)

    @property
    def right_rest(self) -> Estimate:
        """Hectares that are neither."""
        return self.wrong.rest.times(self.unmapped)

    @property
    def area(self) -> Estimate:
        """Hectares of mines."""
        return added(self.found, self.missed)

    def figures(self) -> Iterator[tuple[str, str, Estimate, str]]:
        """Measure, class, estimate and unit."""
        hectares = self.hectares
        yield "area", MINE, self.area, "ha"
        yield "area", NO_MINE, added(self.false, self.right_rest), "ha"
        yield "pixel_count", MINE, _known(self.mapped + self.mapped_pending), "ha"
        yield "pixel_count", NO_MINE, _known(self.unmapped + self.unmapped_pending), "ha"
        yield "false_alarm_area", MINE, self.false, "ha"
        yield "omitted_area", MINE, self.missed, "ha"
        yield "users_accuracy", MINE, self.right if self.mapped else NOTHING, "share"
        yield "users_accuracy", NO_MINE, self.wrong.rest if self.unmapped else NOTHING, "share"
        yield "producers_accuracy", MINE, share_of(self.found, self.missed), "share"
        yield "producers_accuracy", NO_MINE, share_of(self.right_rest, self.false), "share"
        yield "overall_accuracy", "", added(self.found, self.right_rest).times(1 / hectares), "share"
        yield "false_alarm_rate", MINE, self.false.times(_THOUSAND / hectares), "ha per 1000 km²"


@dataclass(frozen=True)
class _Domain:
    """A part of the ground of a period."""

    period: str
    kind: str
    name: str

    def lies_in(self, table: pd.DataFrame) -> pd.Series:
        """Rows of the sample or of the strata that lie in it."""
        here = table["period"] == self.period
        return here if self.kind == ALL else here & (table[self.kind] == self.name)

    @property
    def facts(self) -> dict[str, str]:
        return {"period": self.period, "domain": self.kind, "name": self.name}


def estimate_areas(
    judged: pd.DataFrame, strata: pd.DataFrame, settings: AreaSettings, truth: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Estimate the area of mines and the accuracy of the maps, by period, region and unit.

    Strata with fewer than two judged places are left out with a warning, so that half of a review gives a provisional
    estimate of the ground that it has reached. Changes are estimated between periods without such strata.

    Args:
        judged: Judged places: columns of the sample, ``answer``, ``reviewers`` (names) and ``answered`` (ISO day or
            empty).
        strata: Strata that they were drawn from, with a row per region, confidence and unit.
        settings: Rule for places where nobody can tell.
        truth: Known hectares of mines: ``period``, ``region``, ``unit``, ``hectares``; ``None`` if unknown.

    Returns:
        A row per figure; columns of :data:`AREA_COLUMNS`.

    Raises:
        BadInputError: No stratum has two judged places.
    """
    _tell_pending(judged, strata, settings)
    rows: list[dict[str, object]] = []
    areas: dict[tuple[str, str], list[tuple[str, Estimate]]] = {}
    for domain in _domains(strata, judged):
        found = _estimate(domain, judged, strata, settings.cannot_tell)
        bounds = [_estimate(domain, judged, strata, rule, share) for rule, share in ((NO_MINE, 0.0), (MINE, 1.0))]
        own = domain.lies_in(judged)
        counts = _sources(judged[own], strata[domain.lies_in(strata)]) | {"pending": found.pending}
        ends = [[figure.value for _, _, figure, _ in bound.figures()] for bound in bounds]
        for (measure, kind, figure, unit), *least_and_most in zip(found.figures(), *ends, strict=True):
            rows.append(_row(domain, measure, kind, figure, unit) | counts | _bounds(least_and_most))
        rows += [row | counts for row in _false_alarms(domain, found, judged)]
        if truth is not None:
            known = truth.loc[domain.lies_in(truth), "hectares"].sum()
            rows.append(_row(domain, "truth", MINE, _known(known), "ha") | counts)
        area = NOTHING if found.pending else found.area
        areas.setdefault((domain.kind, domain.name), []).append((domain.period, area))
    for (kind, name), series in areas.items():
        for (before, earlier), (after, later) in pairwise(series):
            change = _Domain(f"{before} to {after}", kind, name)
            grown, shared = _change(later, earlier, kind, (judged, strata, settings), (before, after))
            rows.append(_row(change, "net_change", MINE, grown, "ha") | shared)
    table = pd.DataFrame(rows, columns=list(AREA_COLUMNS))
    numbers = ("places", "cannot_tell", "pending", "reviewers")
    texts = ("regions", "map_hashes", "judged_until")
    return table.fillna(dict.fromkeys(numbers, 0) | dict.fromkeys(texts, "")).astype(AREA_COLUMNS)


def _change(
    later: Estimate,
    earlier: Estimate,
    kind: str,
    basis: tuple[pd.DataFrame, pd.DataFrame, AreaSettings],
    periods: tuple[str, str],
) -> tuple[Estimate, dict[str, object]]:
    """Change of the area of a domain, and the number of places that were judged in both periods.

    Parts that strata may cut are estimated as if no place were in both samples, which makes their intervals wider.
    """
    if kind != ALL or math.isnan(later.value + earlier.value):
        return difference(later, earlier), {}
    before, after = (_deviations(*basis, period) for period in periods)
    both = before.merge(after, left_index=True, right_index=True).to_numpy().T
    covariance = shared_covariance((both[0], both[1]), (both[2], both[3]))
    return paired_difference(later, earlier, covariance), {"places": both.shape[1]}


def _deviations(judged: pd.DataFrame, strata: pd.DataFrame, settings: AreaSettings, period: str) -> pd.DataFrame:
    """``deviation`` and ``sampled``, the judged share of the stratum, of each place of a period by its coordinates."""
    places = _counting(judged[judged["period"] == period], settings.cannot_tell)
    whole = strata[strata["period"] == period].groupby("stratum")[["hectares", "pixels"]].sum()
    sample = StratifiedSample.of(places["stratum"].tolist(), *_sizes(whole))
    mine = (places["answer"] == MINE) | ((places["answer"] == CANNOT_TELL) & (settings.cannot_tell == MINE))
    found = {"deviation": sample.deviations(mine.to_numpy()), "sampled": sample.sampled[sample.stratum]}
    return pd.DataFrame(found, pd.MultiIndex.from_frame(places[["region", "longitude", "latitude"]]))


def _sizes(strata: pd.DataFrame) -> tuple[dict[str, float], dict[str, int]]:
    """Hectares and pixels by stratum."""
    areas, pixels = (dict(zip(map(str, strata.index), strata[name], strict=True)) for name in ("hectares", "pixels"))
    return areas, pixels


def without_estimates() -> pd.DataFrame:
    """The table before any place is judged."""
    return pd.DataFrame(columns=list(AREA_COLUMNS)).astype(AREA_COLUMNS)


def explain_difference(estimates: pd.DataFrame, period: str, domain: str = ALL, name: str = "") -> str:
    """Say in a sentence why the pixel count and the estimated area differ."""
    rows = estimates[
        (estimates["period"] == period) & (estimates["domain"] == domain) & (estimates["name"] == name)
        & estimates["class"].isin([MINE, ""])
    ].set_index("measure")  # fmt: skip
    value, area = rows["value"], rows.loc["area"]
    if pd.isna(area["value"]):
        return f"The map counts {value['pixel_count']:,.1f} ha of mines. Too few places are judged to estimate any."
    missing = f" Provisional: strata with fewer than two judged places, {area['pending']:,.1f} ha, are left out."
    return (
        f"The map counts {value['pixel_count']:,.1f} ha of mines. Of these, {value['false_alarm_area']:,.1f} ha are no "
        f"mine, and {value['omitted_area']:,.1f} ha of mines are missing from it, so that {area['value']:,.1f} ha are "
        f"estimated (95 % interval {area['lower']:,.1f} to {area['upper']:,.1f} ha)."
        + (missing if area["pending"] else "")
    )


def _domains(strata: pd.DataFrame, judged: pd.DataFrame) -> Iterator[_Domain]:
    """Domains of each period, the earliest period first."""
    begun = judged.groupby("period")["first_date"].min().to_dict()
    for period in sorted(strata["period"].unique(), key=lambda name: (begun.get(name, name), name)):
        yield _Domain(period, ALL, "")
        here = strata[strata["period"] == period]
        for kind in ("region", "unit"):
            names = sorted(set(here[kind]) - {""})
            if len(names) > 1 or (kind == "unit" and names):
                yield from (_Domain(period, kind, name) for name in names)


def _sources(own: pd.DataFrame, strata: pd.DataFrame) -> dict[str, object]:
    """Places, people and maps behind the figures of a domain."""
    people = {name for names in own["reviewers"] for name in names.split("; ")} - {SIMULATED_TRUTH}
    return {
        "places": len(own), "cannot_tell": (own["answer"] == CANNOT_TELL).sum(),
        "regions": "; ".join(sorted(strata["region"].unique())),
        "map_hashes": "; ".join(sorted({name[:HASH_DIGITS] for name in own["map_hash"]})),
        "reviewers": len(people), "judged_until": max(own["answered"], default=""),
    }  # fmt: skip


def _counting(judged: pd.DataFrame, rule: str) -> pd.DataFrame:
    """Places that count under a rule for those where nobody can tell."""
    return judged[judged["answer"] != CANNOT_TELL] if rule == "leave_out" else judged


def _pending(judged: pd.DataFrame, strata: pd.DataFrame) -> pd.DataFrame:
    """Strata of which so few places count that no standard error can be computed: ``hectares``, by period and name."""
    sizes = strata.groupby(["period", "stratum"])[["hectares", "pixels"]].sum()
    counts = judged.groupby(["period", "stratum"]).size().reindex(sizes.index, fill_value=0)
    return sizes.loc[counts < sizes["pixels"].clip(upper=2), ["hectares"]]


def _tell_pending(judged: pd.DataFrame, strata: pd.DataFrame, settings: AreaSettings) -> None:
    """Warn of strata that are left out.

    Raises:
        BadInputError: No stratum is left.
    """
    pending = _pending(_counting(judged, settings.cannot_tell), strata)
    if len(pending) == len(strata[["period", "stratum"]].drop_duplicates()):
        raise BadInputError(
            "No stratum has two judged places yet, so that nothing can be estimated: judge more places with kedro "
            "review."
        )
    for period, rows in pending.groupby(level="period"):
        logger.warning(
            "Provisional%s: %s %s fewer than two judged places, so that %.1f ha are left out; judge more with kedro "
            "review.", f" in {period}" if period else "", " and ".join(rows.index.get_level_values("stratum")),
            "have" if len(rows) > 1 else "has", rows["hectares"].sum(),
        )  # fmt: skip


def _estimate(
    domain: _Domain, judged: pd.DataFrame, strata: pd.DataFrame, rule: str, unknown: float | None = None
) -> DomainEstimate:
    """Estimate a domain; ``unknown`` is the share of pending ground that counts as mine, ``None`` to leave it out."""
    period = strata[strata["period"] == domain.period]
    places = _counting(judged[judged["period"] == domain.period], rule)
    waiting = _pending(places, period).index.get_level_values("stratum")
    pending = domain.lies_in(strata) & strata["stratum"].isin(waiting)
    cells = strata[domain.lies_in(strata) & ~pending]
    shares, hectares, late = [], [], []
    for kind in (MINE, NO_MINE):
        of_kind = period[(period["map_class"] == kind) & ~period["stratum"].isin(waiting)]
        whole = of_kind.groupby("stratum")[["hectares", "pixels"]].sum()
        own = places[(places["map_class"] == kind) & ~places["stratum"].isin(waiting)]
        area = float(cells.loc[cells["map_class"] == kind, "hectares"].sum())
        share = _share_of_mines(domain, own, whole, rule) if area else _known(0.0) if len(cells) else NOTHING
        left = float(strata.loc[pending & (strata["map_class"] == kind), "hectares"].sum())
        if unknown is not None and left:
            value = (share.value * area if area else 0.0) + unknown * left
            share, area, left = _known(value / (area + left)), area + left, 0.0
        shares.append(share)
        hectares.append(area)
        late.append(left)
    return DomainEstimate(hectares[0], hectares[1], shares[0], shares[1], late[0], late[1])


def _share_of_mines(domain: _Domain, places: pd.DataFrame, strata: pd.DataFrame, rule: str) -> Estimate:
    sample = StratifiedSample.of(places["stratum"].tolist(), *_sizes(strata))
    here = domain.lies_in(places).to_numpy()
    mine = (places["answer"] == MINE).to_numpy() | ((places["answer"] == CANNOT_TELL).to_numpy() & (rule == MINE))
    # Strata that lie in the domain as a whole, and no other places of it, are a sample of their own.
    inside = np.bincount(sample.stratum, here, len(sample.areas)) == sample.counts
    if inside.any() and not here[~inside[sample.stratum]].any():
        part, own = sample.part(inside)
        return part.share(mine[own])
    return sample.share(mine, here)


def _false_alarms(domain: _Domain, found: DomainEstimate, judged: pd.DataFrame) -> Iterator[dict[str, object]]:
    """Mapped mines that are none, each counted by its false share (Horvitz & Thompson 1952)."""
    own = judged[domain.lies_in(judged) & (judged["map_class"] == MINE) & (judged["mapped_hectares"] > 0)]
    if own.empty or not found.mapped:
        return
    false = own[own["answer"] == NO_MINE]
    each = false if len(false) else own
    per_hectare = float(np.average(1 / each["mapped_hectares"], weights=each["weight"]))
    rate = found.false.times(per_hectare * _THOUSAND / found.hectares)
    yield _row(domain, "false_alarms", MINE, rate, "per 1000 km²")


def _known(value: float) -> Estimate:
    """A figure that is not estimated."""
    return Estimate(value, _NAN if value else 0.0, _NAN if value else 0.0, _NAN if value else 0.0)


def _bounds(ends: list[float]) -> dict[str, float]:
    return {"least": min(ends), "most": max(ends)} if not any(map(math.isnan, ends)) else {}


def _row(domain: _Domain, measure: str, kind: str, figure: Estimate, unit: str) -> dict[str, object]:
    return domain.facts | {
        "measure": measure, "class": kind, "value": figure.value, "standard_error": figure.standard_error,
        "lower": figure.lower, "upper": figure.upper, "unit": unit,
    }  # fmt: skip
