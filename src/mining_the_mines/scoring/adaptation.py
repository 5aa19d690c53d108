"""Adaptation of a classifier to a new region: calibration, threshold, intervals, and whether the labels suffice.

A threshold that is chosen on a few labels directly follows their noise. Here labels only move a calibration of two
numbers, and the threshold is that of the greatest expected F1 over all chips of the region, labelled or not.
"""

import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from scipy.special import logit

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.scoring.bootstrap import (
    BootstrapSettings,
    FloatArray,
    Interval,
    Scorer,
    bootstrap_intervals,
    paired_difference,
)
from mining_the_mines.scoring.calibration import (
    Calibration,
    HomeCalibration,
    best_expected_f1,
    calibrate,
    estimate_share,
    log_odds_of,
)
from mining_the_mines.scoring.metrics import weighted_scores

#: Figures of decisions, before and after.
METRICS: Final = ("f1", "precision", "recall")
SCORE_COLUMNS: Final = ("metric", "state", "value", "low", "high")


class AdaptationSettings(BaseModel):
    """How a classifier is adapted to a region."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    region: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$",
        description="Name of the region, which the adapted model carries; null for the name of the folder of chips.",
    )
    scale_deviation: float = Field(
        0.3,
        gt=0,
        description="Standard deviation of the prior of the log-odds' scale around 1; smaller trusts it more.",
    )
    shift_deviation: float = Field(
        1.0, gt=0, description="Standard deviation of the prior of the log-odds' shift around 0, in log-odds."
    )
    without_labels: Literal["home", "share"] = Field(
        "home",
        description="Calibration where there are no labels: home keeps that of the training chips; share moves it to "
        "the share of mines that Saerens et al. (2002) estimate from the predictions alone. That holds if only the "
        "share of mines differs, and does harm in another biome.",
    )
    distance_km: float = Field(
        2.0, gt=0, description="Chips nearer to each other than this are one place, where labels have no groups."
    )
    minimum_labels: int = Field(10, ge=2, description="Fewer labels than this are refused.")
    minimum_per_class: int = Field(
        5, ge=1, description="With fewer labels of a class, or fewer labelled places, labels do not suffice."
    )
    widest_interval: float = Field(
        0.2, gt=0, le=1, description="Labels suffice if the interval of F1 after adaptation is at most this wide."
    )
    bootstrap: BootstrapSettings = Field(BootstrapSettings(), description="Intervals, by resampling places.")


@dataclass(frozen=True)
class AdaptedThreshold:
    """A model's calibration and threshold in a region.

    Attributes:
        calibration: Of the model's own log-odds.
        threshold: Calibrated probability from which a chip counts as a mine, with its interval.
        share: Expected share of mines among the region's chips, with its interval.
        labels: Number of labels.
        mines: Number of them that say mine.
        places: Number of labelled places; of all places without labels.
        scores: ``metric``, ``state`` (before, after, difference), ``value``, ``low``, ``high``; empty without labels.
        suffices: Whether the labels suffice.
        reason: Why, in plain words.
    """

    calibration: Calibration
    threshold: Interval
    share: Interval
    labels: int
    mines: int
    places: int
    scores: pd.DataFrame
    suffices: bool
    reason: str


def adapt(
    chips: pd.DataFrame, threshold: float, home: HomeCalibration, settings: AdaptationSettings
) -> AdaptedThreshold:
    """Adapt a classifier to a region.

    Args:
        chips: One row per chip: ``label`` (missing where unknown), ``place``, and ``probability`` by the model.
        threshold: The model's threshold.
        home: The model's calibration on its training chips.
        settings: Priors, and what suffices.

    Returns:
        Calibration and threshold with intervals. Decisions are scored by calibrations that have not seen their place.

    Raises:
        BadInputError: Labels are too few, or of one class.
    """
    known = chips["label"].notna().to_numpy()
    check_labels(chips.loc[known, "label"], settings)
    fit = _RegionFit(chips, home, settings)
    ones = np.ones(len(chips))
    intervals = bootstrap_intervals(fit, chips["place"], settings.bootstrap)
    figures = _score(chips, threshold, fit, settings) if known.any() else {}
    labels, places = chips.loc[known, "label"], chips.loc[known if known.any() else slice(None), "place"]
    suffices, reason = _judge(labels, places.nunique(), figures, settings)
    return AdaptedThreshold(
        calibration=fit.calibration(ones).after(home),
        threshold=intervals["threshold"],
        share=intervals["share"],
        labels=len(labels),
        mines=int((labels == 1).sum()),
        places=places.nunique(),
        scores=pd.DataFrame(
            [(metric, state, *figure) for state, named in figures.items() for metric, figure in named.items()],
            columns=list(SCORE_COLUMNS),
        ),
        suffices=suffices,
        reason=reason,
    )


def check_labels(labels: "pd.Series[int]", settings: AdaptationSettings, place: str = "the region") -> None:
    """Refuse labels of a region from which nothing can be learnt; no label at all is fine.

    Args:
        labels: 1 for a mine.
        settings: How many are needed.
        place: Where the labels lie, for errors.

    Raises:
        BadInputError: They are too few, or of one class.
    """
    if labels.empty:
        return
    if len(labels) < settings.minimum_labels:
        raise BadInputError(
            f"{len(labels)} labels of {place} are too few to adapt a threshold to: label {settings.minimum_labels} "
            "chips at least, 20 to 50 if you can, or take the labels away, and the model is adapted from its "
            "predictions alone."
        )
    if labels.nunique() < 2:
        named = "a mine" if int(labels.iloc[0]) == 1 else "no mine"
        raise BadInputError(
            f"All {len(labels)} labels of {place} say {named}, and a threshold needs chips of both classes: label some "
            "of the other one, or take the labels away, and the model is adapted from its predictions alone."
        )


class _RegionFit(Scorer):
    """Calibration, threshold and share of mines of a region, under weightings of its chips."""

    def __init__(self, chips: pd.DataFrame, home: HomeCalibration, settings: AdaptationSettings) -> None:
        raw = log_odds_of(chips["probability"].to_numpy(dtype=np.float64))
        self.log_odds: FloatArray = home.scale * raw + home.shift
        self.labels = chips["label"].to_numpy(dtype=np.float64, na_value=np.nan)
        self.known = ~np.isnan(self.labels)
        self.home, self.settings = home, settings

    def calibration(self, weights: FloatArray) -> Calibration:
        """Calibration of log-odds that were calibrated at home, for weights (N,)."""
        if self.known.any():
            deviations = self.settings.scale_deviation, self.settings.shift_deviation
            known = self.known
            return calibrate(self.log_odds[known], self.labels[known], weights[known], *deviations)
        if self.settings.without_labels == "home":
            return Calibration()
        share = estimate_share(self.log_odds, weights, self.home.share)
        return Calibration(shift=float(logit(share) - logit(self.home.share)))

    def __call__(self, weights: FloatArray) -> dict[str, FloatArray]:
        figures = []
        for each in weights:
            chance = self.calibration(each).apply(self.log_odds)
            figures.append((best_expected_f1(chance, each), np.average(chance, weights=each)))
        threshold, share = np.array(figures, dtype=np.float64).T
        return {"threshold": threshold, "share": share}

    def without_own_place(self, places: NDArray[np.object_]) -> tuple[FloatArray, NDArray[np.bool_]]:
        """Calibrated probabilities and decisions, (N,), by labels of other places."""
        chance, calls = np.zeros(len(places)), np.zeros(len(places), dtype=bool)
        ones = np.ones(len(places))
        for place in pd.unique(places[self.known]):
            own = places == place
            fitted = self.calibration(np.where(own, 0.0, 1.0)).apply(self.log_odds)
            chance[own], calls[own] = fitted[own], (fitted >= best_expected_f1(fitted, ones))[own]
        return chance, calls


def _score(
    chips: pd.DataFrame, threshold: float, fit: _RegionFit, settings: AdaptationSettings
) -> dict[str, dict[str, Interval]]:
    """Score the decisions on labelled chips before and after; after, by labels of other places."""
    chance, calls = fit.without_own_place(chips["place"].to_numpy(dtype=object))
    known, rows = fit.known, chips[fit.known]
    before = weighted_scores(rows["label"], rows["probability"], threshold, (*METRICS, "log_loss"))
    after = weighted_scores(rows["label"], calls[known].astype(np.float64), 0.5, METRICS)
    odds = weighted_scores(rows["label"], chance[known], 0.5, ("log_loss",))
    drawn = rows["place"], settings.bootstrap
    return {
        "before": bootstrap_intervals(before, *drawn),
        "after": bootstrap_intervals(after, *drawn) | bootstrap_intervals(odds, *drawn),
        "difference": paired_difference(after, before, *drawn) | paired_difference(odds, before, *drawn),
    }


def _judge(
    labels: "pd.Series[int]", places: int, figures: dict[str, dict[str, Interval]], settings: AdaptationSettings
) -> tuple[bool, str]:
    """Say whether labels suffice, by the number of each class, of places, and by the interval of F1."""
    if labels.empty:
        return False, "There are no labels: nothing tells how well the model does in this region. Label 20 to 50 chips."
    rarer, least = int(labels.value_counts().min()), settings.minimum_per_class
    if min(rarer, places) < least:
        return False, (
            f"The labels do not suffice: {rarer} of the rarer class in {places} places, where {least} of each are "
            "needed. Label more chips of that class, and in other places."
        )
    _, low, high = figures["after"]["f1"]
    width = high - low
    told = f"F1 lies between {low:.2f} and {high:.2f}, an interval {width:.2f} wide"
    if width <= settings.widest_interval:
        return True, f"The labels suffice: {told}, where {settings.widest_interval:g} is allowed."
    needed = math.ceil(len(labels) * (width / settings.widest_interval) ** 2)
    return False, (
        f"The labels do not suffice: {told}, where {settings.widest_interval:g} is allowed. "
        f"About {needed} labels would."
    )
