"""Nodes of training. torch and scikit-learn are imported by the node that trains with them."""

from typing import Any

import pandas as pd

from mining_the_mines.chips.packing import PackedChips
from mining_the_mines.chips.statistics import read_statistics
from mining_the_mines.datasets.progress import progress_bar
from mining_the_mines.learning.settings import BaselineSettings, TrainingSettings
from mining_the_mines.learning.workspace import Workspace


def train_baseline(
    features: pd.DataFrame, folds: pd.DataFrame, baseline: BaselineSettings
) -> tuple[Any, pd.DataFrame, pd.DataFrame]:
    """Fit gradient-boosted trees on the feature table, fold by fold.

    Args:
        features: One row a chip, indexed by file name.
        folds: Split, fold and place of each chip.
        baseline: How to fit.

    Returns:
        The trees, their out-of-fold probabilities, and how much each band or index matters to them.
    """
    from mining_the_mines.learning.baseline import fit_baseline

    fitted = fit_baseline(features, folds, baseline, progress_bar)
    return fitted.baseline, _table(fitted.probabilities), fitted.importances


def train_network(
    packed_chips: PackedChips,
    folds: pd.DataFrame,
    band_statistics: dict[str, dict[str, Any]],
    workspace: Workspace,
    training: TrainingSettings,
) -> tuple[Any, pd.DataFrame, pd.DataFrame]:
    """Train a network for each fold.

    Args:
        packed_chips: The chips.
        folds: Split, fold and place of each chip.
        band_statistics: Of the chips outside each fold.
        workspace: Where checkpoints lie, and who is told about epochs.
        training: How to train.

    Returns:
        The fold ensemble, its out-of-fold probabilities, and the figures of each epoch.
    """
    from mining_the_mines.learning.cross_validation import cross_validate
    from mining_the_mines.models.storage import StoredEnsemble

    result = cross_validate(packed_chips, folds, read_statistics(band_statistics), training, workspace)
    stored = StoredEnsemble(result.ensemble, training.network, packed_chips.array.shape[-1])
    return stored, _table(result.probabilities), result.curves


def blend_models(
    baseline_probabilities: pd.DataFrame, network_probabilities: pd.DataFrame, folds: pd.DataFrame
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Fit a logistic blend of baseline and network on out-of-fold probabilities, judged on nested folds.

    Args:
        baseline_probabilities: Out of fold.
        network_probabilities: Out of fold.
        folds: Fold and label of each chip.

    Returns:
        The blend's weights, and its nested out-of-fold probabilities.
    """
    from mining_the_mines.learning.blend import fit_blend

    table = pd.DataFrame(
        {
            "baseline": baseline_probabilities.set_index("filename")["probability"],
            "network": network_probabilities.set_index("filename")["probability"],
        }
    )
    blend, probabilities = fit_blend(table, folds)
    return blend.model_dump(), _table(probabilities)


def _table(probabilities: "pd.Series[float]") -> pd.DataFrame:
    return probabilities.rename_axis("filename").rename("probability").sort_index().reset_index()
