"""Calibration of probabilities: of the chips with a probability of 80 %, 80 % should be mines.

Reliability curves show it, the expected calibration error summarises it: Naeini, Cooper and Hauskrecht,
*Obtaining Well Calibrated Probabilities Using Bayesian Binning*, AAAI 2015; Guo et al., *On Calibration of
Modern Neural Networks*, ICML 2017.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

#: Ten bins of equal width: with a few hundred chips, the fifteen of Guo et al. leave too few chips
#: in a bin.
CALIBRATION_BINS = 10


def assign_probability_bins(probabilities: ArrayLike, bins: int = CALIBRATION_BINS) -> NDArray[np.intp]:
    """Number the bins of probabilities.

    Bins are of equal width and closed below; the last one is closed above too.

    Args:
        probabilities: Values in [0, 1], shape (N,).
        bins: Number of bins.

    Returns:
        Bin numbers from 0 to ``bins`` − 1, shape (N,).
    """
    edges = np.linspace(0, 1, bins + 1)[1:-1]
    return np.digitize(np.asarray(probabilities, dtype=np.float64), edges)


def weighted_calibration_error(
    labels: ArrayLike,
    probabilities: ArrayLike,
    bins: NDArray[np.intp],
    weights: NDArray[np.float64],
) -> NDArray[np.float64]:
    r"""Expected calibration error under many weightings.

    :math:`\sum_b \frac{n_b}{n} |\bar y_b - \bar p_b|`, which is :math:`\sum_b |\sum_{i \in b} w_i
    (y_i - p_i)| / \sum w`.

    Args:
        labels: Truth, 0 or 1, shape (N,).
        probabilities: Shape (N,).
        bins: Bin number of each chip, shape (N,).
        weights: Shape (R, N).

    Returns:
        Errors in [0, 1], shape (R,). Noise can only raise them: with few chips, even a perfectly calibrated
        model has a few hundredths.
    """
    gaps = np.asarray(labels, dtype=np.float64) - np.asarray(probabilities, dtype=np.float64)
    in_bin = np.zeros((gaps.size, int(bins.max(initial=0)) + 1))
    in_bin[np.arange(gaps.size), bins] = gaps
    error: NDArray[np.float64] = np.abs(weights @ in_bin).sum(axis=1) / weights.sum(axis=1)
    return error


def reliability_curve(labels: ArrayLike, probabilities: ArrayLike, bins: int = CALIBRATION_BINS) -> pd.DataFrame:
    """Compare mean probability and share of mines of each bin.

    Args:
        labels: Truth, 0 or 1, shape (N,).
        probabilities: Probability of a mine, shape (N,).
        bins: Number of bins of equal width.

    Returns:
        One row a bin that holds a chip: ``mean_probability``, ``mine_share``, ``chips``.
    """
    table = pd.DataFrame(
        {
            "bin": assign_probability_bins(probabilities, bins),
            "probability": np.asarray(probabilities, dtype=np.float64),
            "label": np.asarray(labels, dtype=np.float64),
        }
    )
    return (
        table.groupby("bin")
        .agg(
            mean_probability=("probability", "mean"),
            mine_share=("label", "mean"),
            chips=("label", "size"),
        )
        .reset_index(drop=True)
    )
