"""A logistic blend of all models.

A free logistic regression on a few hundred out-of-fold predictions loses to the plain mean of the log-odds: it fits the
noise of the folds. So the plain mean is the prior, and predictions move the weights away from it (a Gaussian prior on
the distance; maximum a posteriori). Weights sum to 1 and there is no intercept: folds far apart differ in their share
of mines, so that a level fitted on some of them is wrong on the others.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy.optimize import minimize
from scipy.special import expit, logit

#: Probabilities are kept this far from 0 and 1, where log-odds are infinite.
CLOSEST = 1e-4
#: Standard deviation of a weight from the plain mean's.
PRIOR_DEVIATION = 0.1


class Blend(BaseModel):
    """Log-odds of a mine as a weighted sum of the models' log-odds.

    Attributes:
        weights: Weight of each model.
        intercept: Added to the sum.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: dict[str, float]
    intercept: float

    def predict(self, probabilities: Mapping[str, NDArray[np.floating[Any]]]) -> NDArray[np.float64]:
        """Blend the probabilities of the models, each ``(N,)``."""
        total = np.full(len(next(iter(probabilities.values()))), self.intercept)
        for model, weight in self.weights.items():
            total += weight * _log_odds(probabilities[model])
        blended: NDArray[np.float64] = expit(total)
        return blended


def fit_blend(probabilities: pd.DataFrame, folds: pd.DataFrame) -> tuple[Blend, "pd.Series[float]"]:
    """Fit a blend on out-of-fold predictions, and judge it on nested folds.

    A fold's blended predictions come from a blend that was fitted on the other folds; the blend that is returned was
    fitted on all of them.

    Args:
        probabilities: Out-of-fold probabilities; one column per model, indexed by file name.
        folds: Columns ``filename``, ``label`` and ``fold``.

    Returns:
        The blend, and its own out-of-fold probabilities.
    """
    table = folds.set_index("filename").loc[probabilities.index]
    labels = table["label"].to_numpy(dtype=np.int64)
    assignment = table["fold"].to_numpy(dtype=np.int64)
    blended = pd.Series(np.nan, index=probabilities.index, name="probability")
    for fold in np.unique(assignment):
        held_out = assignment == fold
        blend = _fit(probabilities[~held_out], labels[~held_out])
        blended[held_out] = blend.predict(_columns(probabilities[held_out]))
    return _fit(probabilities, labels), blended


def _fit(probabilities: pd.DataFrame, labels: NDArray[np.int64]) -> Blend:
    columns = _columns(probabilities)
    inputs = np.stack([*map(_log_odds, columns.values())], axis=1)
    before = np.full(len(columns), 1 / len(columns))

    def regret(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        log_odds = inputs @ weights
        loss = np.logaddexp(0, log_odds) - labels * log_odds
        distance = (weights - before) / PRIOR_DEVIATION
        slope = inputs.T @ (expit(log_odds) - labels) + distance / PRIOR_DEVIATION
        return float(loss.sum() + distance @ distance / 2), slope

    found = minimize(regret, before, jac=True, method="BFGS").x
    return Blend(weights=dict(zip(columns, map(float, found / found.sum()), strict=True)), intercept=0.0)


def _columns(probabilities: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
    return {str(name): column.to_numpy(dtype=np.float64) for name, column in probabilities.items()}


def _log_odds(probabilities: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    log_odds: NDArray[np.float64] = logit(np.clip(probabilities, CLOSEST, 1 - CLOSEST))
    return log_odds
