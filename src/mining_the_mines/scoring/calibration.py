"""Calibration of probabilities by a scale and a shift of their log-odds, and what follows from calibrated ones.

The scale and shift are those of J. Platt, "Probabilistic outputs for support vector machines", *Advances in Large
Margin Classifiers* (1999), held near a guess by Gaussian priors (maximum a posteriori), so that few labels move them
little.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from scipy.special import expit, logit

FloatArray = NDArray[np.float64]

#: Probabilities are kept this far from 0 and 1, where log-odds are infinite.
CLOSEST: Final = 1e-4
#: Newton's method on a convex function of two numbers is done after a few steps.
_STEPS: Final = 50
_DONE: Final = 1e-9
#: Nothing is known at home: these deviations leave the fit to the labels.
_LOOSE: Final = 10.0
#: Shares of mines that the search for a prior stays within.
_SHARES: Final = (0.001, 0.999)


class Calibration(BaseModel):
    """Log-odds of a mine = scale × the model's log-odds + shift."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scale: float = Field(1.0, description="Factor of the model's log-odds.")
    shift: float = Field(0.0, description="Added to them.")

    def apply(self, log_odds: FloatArray) -> FloatArray:
        """Calibrated probability, for log-odds of any shape."""
        calibrated: FloatArray = expit(self.scale * log_odds + self.shift)
        return calibrated

    def after(self, first: "Calibration") -> "Calibration":
        """Return the calibration that applies another one first."""
        return Calibration(scale=self.scale * first.scale, shift=self.scale * first.shift + self.shift)


class HomeCalibration(Calibration):
    """Calibration of a model on its own out-of-fold predictions, and the share of mines that it holds for."""

    share: float = Field(0.5, gt=0, lt=1, description="Share of mines among the training chips.")


class Adaptation(BaseModel):
    """A model's adaptation to a region, as it is stored with the model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    region: str = Field(..., description="Name of the region.")
    calibration: Calibration = Field(..., description="Of the model's own log-odds there.")
    labels: int = Field(..., description="Labels that it was fitted to; 0 if it was made from predictions alone.")
    home_threshold: float = Field(..., description="The model's threshold before.")


def log_odds_of(probabilities: NDArray[np.floating]) -> FloatArray:
    """Log-odds of probabilities, which are kept from 0 and 1."""
    odds: FloatArray = logit(np.clip(probabilities.astype(np.float64), CLOSEST, 1 - CLOSEST))
    return odds


def calibrate(
    log_odds: FloatArray, labels: FloatArray, weights: FloatArray, scale_deviation: float, shift_deviation: float
) -> Calibration:
    """Fit scale and shift to labels by Newton's method.

    Args:
        log_odds: The model's, shape (N,).
        labels: Truth, 0 or 1, (N,).
        weights: How often each chip counts, (N,).
        scale_deviation: Standard deviation of the Gaussian prior of the scale, whose mean is 1.
        shift_deviation: The same of the shift, whose mean is 0.
    """
    inputs = np.stack([log_odds, np.ones_like(log_odds)], axis=1)
    mean, precision = np.array([1.0, 0.0]), np.array([scale_deviation, shift_deviation]) ** -2.0
    fitted = mean.copy()
    for _ in range(_STEPS):
        chance = expit(inputs @ fitted)
        slope = inputs.T @ (weights * (chance - labels)) + precision * (fitted - mean)
        curvature = (inputs.T * (weights * chance * (1 - chance))) @ inputs + np.diag(precision)
        step = np.linalg.solve(curvature, slope)
        fitted -= np.clip(step, -1.0, 1.0)  # far from the minimum a whole step may overshoot
        if np.abs(step).max() < _DONE:
            break
    return Calibration(scale=float(fitted[0]), shift=float(fitted[1]))


def calibrate_at_home(probabilities: NDArray[np.floating], labels: NDArray[np.int64]) -> HomeCalibration:
    """Calibrate a model on its out-of-fold predictions of training chips.

    Args:
        probabilities: Out of fold, (N,).
        labels: Truth, 0 or 1, with both classes, (N,).
    """
    found = calibrate(log_odds_of(probabilities), labels.astype(np.float64), np.ones(len(labels)), _LOOSE, _LOOSE)
    return HomeCalibration(scale=found.scale, shift=found.shift, share=float(labels.mean()))


def best_expected_f1(probabilities: FloatArray, weights: FloatArray) -> float:
    """Choose the threshold of the greatest expected F1 from calibrated probabilities alone, without labels.

    Expected counts stand in for counts (Z. Lipton, C. Elkan, B. Naryanaswamy, "Optimal thresholding of classifiers to
    maximize F1 measure", ECML PKDD 2014).

    Args:
        probabilities: Calibrated, (N,).
        weights: How often each chip counts, (N,).

    Returns:
        A threshold midway between two neighbouring probabilities.
    """
    order = np.argsort(-probabilities, kind="stable")
    chance, count = probabilities[order], weights[order]
    found, alarms = np.cumsum(chance * count), np.cumsum(count)
    ends = np.flatnonzero(np.append(chance[1:] != chance[:-1], True))
    expected = (2 * found / (alarms + found[-1]))[ends]
    best = int(np.argmax(expected))
    levels = chance[ends]
    return float((levels[best] + (levels[best + 1] if best + 1 < len(levels) else 0.0)) / 2)


def estimate_share(log_odds: FloatArray, weights: FloatArray, share: float) -> float:
    """Estimate the share of mines in a region from predictions alone, by expectation and maximisation.

    M. Saerens, P. Latinne, C. Decaestecker, "Adjusting the outputs of a classifier to new a priori probabilities",
    Neural Computation 14 (2002). It holds if mines look alike at home and in the region, and so does other ground, and
    only their shares differ.

    Args:
        log_odds: Calibrated at home, (N,).
        weights: How often each chip counts, (N,).
        share: Share of mines at home.
    """
    found = share
    for _ in range(1000):
        before = found
        chance = expit(log_odds + logit(before) - logit(share))
        found = float(np.clip(np.average(chance, weights=weights), *_SHARES))
        if abs(found - before) < 1e-7:
            break
    return found
