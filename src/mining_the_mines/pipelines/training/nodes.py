"""Nodes of training. torch and scikit-learn are imported by the node that trains with them."""

from pathlib import Path
from typing import Any

import pandas as pd

from mining_the_mines.chips.masks import check_masks
from mining_the_mines.chips.packing import PackedChips
from mining_the_mines.chips.planes import PackedPlanes, write_probability_maps
from mining_the_mines.chips.statistics import read_statistics
from mining_the_mines.chips.windows import WindowSettings
from mining_the_mines.core.progress_bars import progress_bar
from mining_the_mines.models.settings import BaselineSettings, ClassifierTrainingSettings, SegmenterTrainingSettings
from mining_the_mines.models.workspace import Workspace


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
    from mining_the_mines.models.baseline import fit_baseline

    fitted = fit_baseline(features, folds, baseline, progress_bar)
    return fitted.baseline, _table(fitted.probabilities), fitted.importances


def train_network(
    packed_chips: PackedChips,
    folds: pd.DataFrame,
    band_statistics: dict[str, dict[str, Any]],
    workspace: Workspace,
    training: ClassifierTrainingSettings,
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
    from mining_the_mines.models.classification import ClassificationTask
    from mining_the_mines.models.cross_validation import cross_validate
    from mining_the_mines.models.ensemble_files import StoredEnsemble

    task = ClassificationTask(packed_chips, training)
    result = cross_validate(task, folds, read_statistics(band_statistics), workspace)
    stored = StoredEnsemble(result.ensemble, training.network, packed_chips.array.shape[-1])
    probabilities = pd.Series(result.probabilities, index=list(result.filenames))
    return stored, _table(probabilities), result.curves


def train_segmenter(  # noqa: PLR0913, PLR0917 - training joins everything
    packed_chips: PackedChips,
    masks: PackedPlanes,
    cuts: pd.DataFrame,
    folds: pd.DataFrame,
    band_statistics: dict[str, dict[str, Any]],
    workspace: Workspace,
    windows: WindowSettings,
    training: SegmenterTrainingSettings,
    drafts: Path,
) -> tuple[Any, PackedPlanes, pd.DataFrame]:
    """Train a network for each fold that draws outlines.

    Args:
        packed_chips: The chips.
        masks: What is mine in them.
        cuts: Windows that pictures are cut from.
        folds: Split, fold and place of each chip.
        band_statistics: Of the chips outside each fold.
        workspace: Where checkpoints lie, and who is told about epochs.
        windows: How windows become pictures.
        training: How to train.
        drafts: Folder to write maps in.

    Returns:
        The fold ensemble, its out-of-fold maps of probability, and the figures of each epoch.

    Raises:
        BadInputError: The masks are not those of these chips, such as masks that an earlier run has left.
    """
    from mining_the_mines.models.cross_validation import cross_validate
    from mining_the_mines.models.ensemble_files import StoredEnsemble
    from mining_the_mines.models.segmentation import SegmentationTask

    check_masks(masks, packed_chips)
    task = SegmentationTask(packed_chips, masks, cuts, windows, training)
    masked = folds[folds["filename"].isin(masks.filenames)]
    result = cross_validate(task, masked, read_statistics(band_statistics), workspace)
    stored = StoredEnsemble(result.ensemble, training.network, packed_chips.array.shape[-1])
    maps = write_probability_maps(drafts / "probability_maps", masks, result.filenames, result.probabilities)
    return stored, maps, result.curves


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
    from mining_the_mines.models.blend import fit_blend

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
