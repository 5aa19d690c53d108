"""Logistic regression on the feature table; importing this loads no torch."""

import warnings
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field

from mining_the_mines.models.kinds import Weights
from mining_the_mines.models.tables import LabelledTable, TableKind

if TYPE_CHECKING:
    from torch import Tensor

#: Deviations from the mean at which features are cut off.
_LIMIT = 10.0


class LogisticRegression(TableKind):
    """A linear model with an L2 penalty: the simplest classifier that the others must beat."""

    title: ClassVar[str] = "logistic regression on spectral statistics"

    penalty: float = Field(
        200.0, gt=0, description="Strength of the L2 penalty on the coefficients of standardised features."
    )

    def fit_table(self, table: LabelledTable, random: np.random.Generator) -> Weights:  # noqa: ARG002 - nothing random
        """Standardise the features, then fit their coefficients.

        Returns:
            float64 ``mean``, ``deviation`` and ``coefficients`` ``(F,)``, and ``intercept`` ``()``.
        """
        import torch
        from sklearn.linear_model import LogisticRegression as Regression

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # of features that no chip has a value of
            mean, deviation = np.nanmean(table.figures, axis=0), np.nanstd(table.figures, axis=0)
        mean = np.nan_to_num(mean)
        deviation = np.where(np.nan_to_num(deviation) > 0, deviation, 1.0)
        standard = np.clip(np.nan_to_num((table.figures - mean) / deviation), -_LIMIT, _LIMIT)
        fitted = Regression(C=1 / self.penalty, class_weight="balanced", max_iter=1000).fit(standard, table.labels)
        arrays = {
            "mean": mean,
            "deviation": deviation,
            "coefficients": fitted.coef_[0],
            "intercept": np.array(fitted.intercept_[0]),
        }
        return {name: torch.from_numpy(np.asarray(array, dtype=np.float64)) for name, array in arrays.items()}

    def probability(self, weights: Weights, features: "Tensor") -> "Tensor":
        """Standardise as in training; a missing feature counts as the mean."""
        standard = ((features - weights["mean"]) / weights["deviation"]).nan_to_num(0.0).clamp(-_LIMIT, _LIMIT)
        return (standard @ weights["coefficients"] + weights["intercept"]).sigmoid()
