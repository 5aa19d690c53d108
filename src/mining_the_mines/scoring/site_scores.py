"""Scores of sites through time, with intervals by site, beside rivals on the same periods.

Sites are drawn with replacement, each with its mine and all claims that touch it, whatever their method: so the
difference of two methods is paired. A rate of 0 gets the exact upper bound of a Poisson count (Garwood 1936,
*Biometrika* 28, 437), since resampling nothing but zeros tells nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from mining_the_mines.scoring.bootstrap import (
    BootstrapSettings,
    Bound,
    FloatArray,
    Interval,
    Scorer,
    bootstrap_intervals,
    paired_difference,
)
from mining_the_mines.scoring.change_matching import CLAIM, GROWTH, MINE, ChangeComparison, ChangeMatchSettings
from mining_the_mines.scoring.change_rivals import IndexDifference, MapDifference
from mining_the_mines.scoring.map_scores import harmonic_mean
from mining_the_mines.scoring.metrics import ratio

#: Name of this project's method, and of its rivals.
SITES: Final = "sites"
MAP_DIFFERENCE: Final = "map_difference"
INDEX_DIFFERENCE: Final = "index_difference"
METHOD_TITLES = MappingProxyType(
    {SITES: "Sites", MAP_DIFFERENCE: "Difference of two maps", INDEX_DIFFERENCE: "Difference of indices"}
)
#: Figures and their titles, the most telling ones first.
SITE_METRICS = MappingProxyType(
    {
        "new_f1": "F1 of new sites",
        "new_precision": "Precision of new sites",
        "new_recall": "Recall of new sites, in time",
        "new_recall_ever": "Recall of new sites, sooner or later",
        "strict_f1": "F1 of new sites, growth counted as false",
        "strict_precision": "Precision of new sites, growth counted as false",
        "false_per_1000_km2": "False new sites per 1 000 km² and period",
        "confirmed_precision": "Precision of confirmed new sites",
        "confirmed_recall": "Share of new mines that were confirmed",
        "confirmed_false_per_1000_km2": "Confirmed false new sites per 1 000 km² and period",
        "days_to_detection": "Days from opening to detection",
        "days_to_confirmation": "Days from opening to confirmation",
        "onset_held": "Onset intervals that hold the opening",
        "growth_error_hectares": "Absolute error of growth in hectares",
        "growth_bias_hectares": "Bias of growth in hectares",
    }
)
#: Figures by period; the others are too few there.
BY_PERIOD: Final = ("new_f1", "new_precision", "new_recall", "false_per_1000_km2")
#: Columns of the table of scores and their types. ``rival`` is empty, or names the method that is subtracted;
#: ``region`` and ``period`` are empty for all together. ``objects``: number of mines, claims and changes of area;
#: ``places``: number of sites that they lie at.
SITE_SCORE_COLUMNS: Final = {
    "method": "str", "rival": "str", "region": "str", "period": "str", "metric": "str", "value": "float64",
    "low": "float64", "high": "float64", "objects": "int64", "places": "int64",
}  # fmt: skip


class SiteEvaluation(BaseModel):
    """Scores of sites against mines with known dates, beside two rivals."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    matching: ChangeMatchSettings = Field(ChangeMatchSettings(), description="When a claim is of a mine that opened.")
    map_difference: MapDifference = Field(MapDifference(), description="Difference of two maps, pixel by pixel.")
    index_difference: IndexDifference = Field(IndexDifference(), description="Difference of indices of two images.")
    bootstrap: BootstrapSettings = Field(BootstrapSettings(), description="Intervals of the scores.")


@dataclass(frozen=True, eq=False)
class WeightedSiteScores(Scorer):
    """All of :data:`SITE_METRICS` of a method under many weightings of the same objects at once.

    Precision asks of each claim whether it is of a new mine; growth of known mines is set aside, or, in the strict
    figures, false. Recall asks of each mine that was due whether it was found in time; F1 is their harmonic mean.
    Claims count as confirmed if they were by the end of the series.

    Attributes:
        objects: From :class:`~mining_the_mines.scoring.change_matching.ChangeComparison`, of all methods.
        method: The method that is scored.
        exposure: Square kilometres seen, summed over periods.
    """

    objects: pd.DataFrame
    method: str
    exposure: float

    def __call__(self, weights: FloatArray) -> dict[str, FloatArray]:
        """Compute all of :data:`SITE_METRICS` for each weighting."""
        claims, due = weights * self._of(CLAIM), weights * self._of(MINE)
        right, ever, confirmed = (self.objects[name].to_numpy(np.float64) for name in ("right", "ever", "confirmed"))
        sure, no_sure = claims * confirmed, np.nan if not (confirmed * self._of(MINE)).any() else 1.0
        precision, recall = ratio(claims @ right, claims.sum(axis=1)), ratio(due @ right, due.sum(axis=1))
        all_claims = weights * self._all(CLAIM)
        strict = ratio(all_claims @ right, all_claims.sum(axis=1))
        error = self.objects["error"].fillna(0).to_numpy()
        growth = weights * self._of(GROWTH)
        return {
            "new_f1": harmonic_mean(precision, recall),
            "new_precision": precision,
            "new_recall": recall,
            "new_recall_ever": ratio(due @ ever, due.sum(axis=1)),
            "strict_f1": harmonic_mean(strict, recall),
            "strict_precision": strict,
            "false_per_1000_km2": self._rate(claims @ (1 - right)),
            "confirmed_precision": ratio(sure @ right, sure.sum(axis=1)),
            "confirmed_recall": ratio(due @ confirmed, due.sum(axis=1)) * no_sure,
            "confirmed_false_per_1000_km2": self._rate(sure @ (1 - right)) * no_sure,
            "days_to_detection": self._mean(due, "days"),
            "days_to_confirmation": self._mean(due, "confirmed_days"),
            "onset_held": self._mean(due, "onset_held"),
            "growth_error_hectares": ratio(growth @ np.abs(error), growth.sum(axis=1)),
            "growth_bias_hectares": ratio(growth @ error, growth.sum(axis=1)),
        }

    def bounds(self) -> dict[str, Bound]:
        """Ranges of the shares, each with the objects that it is about."""
        claims, due, known = self._of(CLAIM), self._of(MINE), self.objects["onset_held"].notna().to_numpy()
        return {
            "new_f1": Bound(claims | due), "strict_f1": Bound(self._all(CLAIM) | due),
            "strict_precision": Bound(self._all(CLAIM)), "new_precision": Bound(claims), "new_recall": Bound(due),
            "new_recall_ever": Bound(due), "confirmed_precision": Bound(claims & self.objects["confirmed"].to_numpy()),
            "confirmed_recall": Bound(due), "onset_held": Bound(due & known),
        }  # fmt: skip

    def _of(self, side: str) -> NDArray[np.bool_]:
        return np.asarray(self._all(side) & self.objects["counted"], dtype=np.bool_)

    def _all(self, side: str) -> NDArray[np.bool_]:
        chosen = (self.objects["method"] == self.method) & (self.objects["side"] == side)
        return np.asarray(chosen, dtype=np.bool_)

    def _rate(self, false: FloatArray) -> FloatArray:
        return ratio(1000 * false, np.full(false.shape, self.exposure))

    def _mean(self, weights: FloatArray, column: str) -> FloatArray:
        values = self.objects[column].to_numpy()
        known = weights * ~np.isnan(values)
        return ratio(known @ np.nan_to_num(values), known.sum(axis=1))


def score_changes(comparison: ChangeComparison, settings: BootstrapSettings) -> pd.DataFrame:
    """Score all methods of a comparison, and compare the first one with the others.

    Args:
        comparison: Claims beside the truth.
        settings: Number of resamples, level and seed.

    Returns:
        Table with the columns :data:`SITE_SCORE_COLUMNS`: figures of each method for all regions and periods, by region
        (if there are several) and by period, then the differences of the first method and each rival.
    """
    objects, rows = comparison.objects, []
    methods = comparison.methods
    regions = list(dict.fromkeys(region for region, _ in comparison.exposure))
    periods = list(dict.fromkeys(period for _, period in comparison.exposure))
    scopes = [("", "")] + [(region, "") for region in regions if len(regions) > 1] + [("", each) for each in periods]
    for region, period in scopes:
        chosen = _within(objects, region, period)
        exposure = _exposure(comparison.exposure, region, period)
        for method in methods:
            figures = _figures(WeightedSiteScores(chosen, method, exposure), settings)
            kept = {name: figure for name, figure in figures.items() if not period or name in BY_PERIOD}
            rows += _rows(method, "", region, period, kept, chosen[chosen["method"] == method])
    scorers = [WeightedSiteScores(objects, method, _exposure(comparison.exposure)) for method in methods]
    for scorer in scorers[1:]:
        differences = paired_difference(scorers[0], scorer, objects["place"], settings)
        rows += _rows(methods[0], scorer.method, "", "", differences, objects)
    table = pd.DataFrame(rows, columns=list(SITE_SCORE_COLUMNS)).astype(SITE_SCORE_COLUMNS)
    return table.dropna(subset="value").reset_index(drop=True)


def select_site_scores(table: pd.DataFrame, rival: str = "", region: str = "", period: str = "") -> pd.DataFrame:
    """Select the rows of a table of site scores; without arguments, the figures of all regions and periods together."""
    return table[(table["rival"] == rival) & (table["region"] == region) & (table["period"] == period)]


def _within(objects: pd.DataFrame, region: str, period: str) -> pd.DataFrame:
    inside = pd.Series(data=True, index=objects.index)
    for column, value in (("region", region), ("period", period)):
        if value:
            inside &= objects[column] == value
    return objects[inside]


def _exposure(exposure: Mapping[tuple[str, str], float], region: str = "", period: str = "") -> float:
    return sum(area for (here, when), area in exposure.items() if region in ("", here) and period in ("", when))


def _figures(scorer: WeightedSiteScores, settings: BootstrapSettings) -> dict[str, Interval]:
    if scorer.objects.empty:
        return {}
    figures = bootstrap_intervals(scorer, scorer.objects["place"], settings)
    most = -1000 * np.log((1 - settings.level) / 2) / scorer.exposure if scorer.exposure else np.nan
    for name in ("false_per_1000_km2", "confirmed_false_per_1000_km2"):
        if figures[name].value == 0:
            figures[name] = Interval(0.0, 0.0, float(most))
    return figures


def _rows(
    method: str, rival: str, region: str, period: str, figures: Mapping[str, Interval], objects: pd.DataFrame
) -> list[tuple[object, ...]]:
    size = (len(objects), objects["place"].nunique())
    return [(method, rival, region, period, name, *figure, *size) for name, figure in figures.items()]
