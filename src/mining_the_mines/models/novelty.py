"""Novelty: how far ground is from everything that a model was trained on. Importing this loads no torch.

The distance is Mahalanobis' (1936), in the space of mean, deviation, texture and patchiness of each band. It is stated
as the percentile among the training chips' own distances from the training chips of other folds, so that 50 is ordinary
ground, and 99 is farther than all but one training chip in a hundred lies from the others.
"""

from typing import ClassVar, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from mining_the_mines.chips.features import FeatureSettings, extract_features
from mining_the_mines.chips.packing import PackedChips

FloatArray = NDArray[np.float64]

#: From this percentile on, ground is unlike anything that the model has learnt from.
UNLIKE: Final = 99.0
#: One chip in a hundred is so at home; a larger share than this is warned about.
UNLIKE_SHARE: Final = 0.1
#: Figures of a band; spectral indices and covers added nothing (``benchmarks/adaptation.py``).
FEATURES: Final = FeatureSettings(indices=(), families=("moments", "texture", "patchiness"))
#: Training chips for each direction in the space of figures; fewer would make directions of noise.
_CHIPS_PER_DIRECTION: Final = 10
#: Deviations from the mean at which figures are cut off.
LIMIT: Final = 10.0
#: More chips would not fit into a core's cache.
_CHIPS_AT_ONCE: Final = 8
#: Directions in which standardised figures vary less than this are noise of rounding.
_LEAST_VARIANCE: Final = 1e-6
PERCENTILES: Final = tuple(np.linspace(0, 100, 201).tolist())
#: Significant digits that are stored: libraries of linear algebra differ in the last ones.
_DIGITS: Final = 8


class Novelty(BaseModel):
    """Training chips as a cloud of points, and how far from its middle they lie themselves."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: From this percentile on, ground is unlike anything that the model has learnt from.
    unlike: ClassVar[float] = UNLIKE

    bands: tuple[str, ...] = Field(..., description="Sentinel-2 bands, in order.")
    mean: tuple[float, ...] = Field(..., description="Mean of each figure over the training chips.")
    deviation: tuple[float, ...] = Field(..., description="Standard deviation of each.")
    inverse: tuple[tuple[float, ...], ...] = Field(
        ..., description="Inverse covariance of the standardised figures within their main directions."
    )
    distances: tuple[float, ...] = Field(
        ..., description="Percentiles 0, 0.5 … 100 of the distances of training chips from those of other folds."
    )

    def score(self, reflectance: NDArray[np.float32]) -> FloatArray:
        """Novelty of chips.

        Args:
            reflectance: ``(B, C, H, W)`` in the order of :attr:`bands`, of any size; NaN marks nodata.

        Returns:
            Percentile 0–100, ``(B,)``; NaN for chips without data.
        """
        import torch

        from mining_the_mines.models.novelty_program import NoveltyProgram

        program = NoveltyProgram(self, reflectance.shape[-1])
        with torch.inference_mode():
            parts = torch.split(torch.from_numpy(reflectance), _CHIPS_AT_ONCE)
            found: FloatArray = torch.cat([program(part) for part in parts]).numpy()
        return found


class Cloud:
    """Points in the space of figures, described by their mean and covariance."""

    def __init__(self, mean: FloatArray, deviation: FloatArray, inverse: FloatArray) -> None:
        self.mean, self.deviation, self.inverse = mean, deviation, inverse

    @classmethod
    def of(cls, figures: FloatArray) -> "Cloud":
        """Describe points (N, F); NaN is a missing figure."""
        filled = np.where(np.isnan(figures).all(axis=0), 0.0, figures)
        mean, spread = np.nanmean(filled, axis=0), np.nanstd(filled, axis=0)
        deviation = np.where(spread > 0, spread, 1.0)
        points = _standardise(figures, mean, deviation)
        variances, directions = np.linalg.eigh(points.T @ points / len(points))
        kept = min(len(points) // _CHIPS_PER_DIRECTION, int((variances > _LEAST_VARIANCE).sum()))
        main, spans = directions[:, -max(1, kept) :], variances[-max(1, kept) :].clip(min=_LEAST_VARIANCE)
        return cls(_rounded(mean), _rounded(deviation), _rounded((main / spans) @ main.T))

    def distance(self, figures: FloatArray) -> FloatArray:
        """Mahalanobis distance of points (N, F) from the mean, (N,)."""
        points = _standardise(figures, self.mean, self.deviation)
        squared = np.einsum("nf,fg,ng->n", points, self.inverse, points)
        distance: FloatArray = np.sqrt(squared.clip(min=0))
        return distance


def fit_novelty(packed: PackedChips, folds: pd.DataFrame) -> Novelty:
    """Describe the training chips.

    Args:
        packed: All chips.
        folds: ``filename``, ``split`` and ``fold`` of each.
    """
    train = folds[folds["split"] == "train"]
    rows = packed.rows(train["filename"].tolist())
    figures = extract_features(packed, FEATURES).to_numpy(dtype=np.float64)[rows]
    fold = train["fold"].to_numpy(dtype=np.int64)
    own = np.concatenate([Cloud.of(figures[fold != each]).distance(figures[fold == each]) for each in np.unique(fold)])
    cloud = Cloud.of(figures)
    return Novelty(
        bands=packed.bands,
        mean=tuple(cloud.mean.tolist()),
        deviation=tuple(cloud.deviation.tolist()),
        inverse=tuple(tuple(row) for row in cloud.inverse.tolist()),
        distances=tuple(_rounded(np.percentile(own, PERCENTILES)).tolist()),
    )


def _standardise(figures: FloatArray, mean: FloatArray, deviation: FloatArray) -> FloatArray:
    """Standardise figures; a missing one counts as the mean."""
    return np.clip(np.nan_to_num((figures - mean) / deviation), -LIMIT, LIMIT)


def _rounded(values: FloatArray) -> FloatArray:
    return np.array([float(f"{value:.{_DIGITS}g}") for value in values.ravel()]).reshape(values.shape)
