"""From which probability on a chip is called a mine.

Lipton, Elkan and Naryanaswamy, *Optimal Thresholding of Classifiers to Maximize F1 Measure*, ECML
PKDD 2014. Choose on out-of-fold predictions only: a threshold that has seen the chips that it is
scored on flatters itself.
"""

import logging
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from pydantic import BaseModel, ConfigDict, Field

from mining_the_mines.scoring.curves import threshold_curve
from mining_the_mines.scoring.metrics import check_predictions

logger = logging.getLogger(__name__)


class ThresholdSettings(BaseModel):
    """What a threshold is for.

    Attributes:
        objective: ``f1`` balances missed mines and false alarms; ``precision_floor`` finds as many
            mines as it can while at least ``precision_floor`` of the alarms are right, for those
            who must check alarms on the ground.
        precision_floor: Share of right alarms to keep; used with that objective only.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    objective: Literal["f1", "precision_floor"] = "f1"
    precision_floor: float = Field(default=0.9, gt=0, le=1)


def choose_threshold(labels: ArrayLike, probabilities: ArrayLike, settings: ThresholdSettings) -> float:
    """Choose the threshold that serves the objective best.

    Candidates lie midway between neighbouring probabilities, so that small numerical differences
    between machines do not move a chip across the line; among equally good ones the nearest to 0.5
    wins.

    Args:
        labels: Truth of out-of-fold chips, 0 or 1, shape (N,).
        probabilities: Their out-of-fold probabilities, shape (N,).
        settings: The objective.

    Returns:
        A threshold in [0, 1]; a chip is called a mine if its probability is at least this.

    Raises:
        ValueError: If one class is missing, or the predictions can't be scored.
    """
    truth, chance = check_predictions(labels, probabilities)
    if truth.min() == truth.max():
        raise ValueError(
            f"All {truth.size} out-of-fold chips have the label {truth[0]}, so no threshold can be "
            "chosen: label chips of the other class, or use fewer folds."
        )
    curve = threshold_curve(truth, chance)
    merit = curve["f1"]
    if settings.objective == "precision_floor":
        kept = curve["precision"] >= settings.precision_floor
        if kept.any():
            merit = curve["recall"].where(kept, -1.0)
        else:
            merit = curve["precision"]
            logger.warning(
                "No threshold reaches a precision of %.3f; the highest, %.3f, is used: "
                "lower precision_floor or add training chips.",
                settings.precision_floor,
                merit.max(),
            )
    best = curve.loc[np.isclose(merit, merit.max(), rtol=0, atol=1e-12), "threshold"]
    return float(best.iloc[int(np.argmin(np.abs(best.to_numpy() - 0.5)))])


def choose_thresholds(predictions: pd.DataFrame, settings: ThresholdSettings) -> dict[str, float]:
    """Choose each model's threshold from its out-of-fold predictions; test chips are not looked at.

    Args:
        predictions: Table with ``label``, ``model``, ``probability`` and ``fold`` (missing for test
            chips).
        settings: The objective.

    Returns:
        Threshold by model.

    Raises:
        ValueError: If a model has no out-of-fold predictions, or they hold one class only.
    """
    thresholds = {}
    for model, rows in predictions.groupby("model", sort=False):
        known = rows[rows["fold"].notna()]
        if known.empty:
            raise ValueError(
                f"The model {model} has no out-of-fold predictions, so no threshold can be chosen: train it in folds."
            )
        thresholds[str(model)] = choose_threshold(known["label"], known["probability"], settings)
    return thresholds
