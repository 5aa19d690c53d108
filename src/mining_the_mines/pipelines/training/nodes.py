"""Nodes of training. torch and scikit-learn are imported by the nodes that train with them."""

from pathlib import Path
from typing import Any

import pandas as pd

from mining_the_mines.chips.features import FeatureSettings
from mining_the_mines.chips.masks import check_masks
from mining_the_mines.chips.packing import PackedChips
from mining_the_mines.chips.planes import PackedPlanes, write_probability_maps
from mining_the_mines.chips.statistics import read_statistics
from mining_the_mines.chips.windows import WindowSettings
from mining_the_mines.core.dask_client import DaskSettings
from mining_the_mines.models.blend import fit_blend
from mining_the_mines.models.kinds import (
    ChipLayout,
    CrossValidationSettings,
    LabelledChips,
    MaskedChips,
    ModelKinds,
    TrainedModel,
)
from mining_the_mines.models.networks import SegmenterNetworks


def train_classifiers(  # noqa: PLR0913, PLR0917 - training joins everything
    packed_chips: PackedChips,
    features: pd.DataFrame,
    folds: pd.DataFrame,
    band_statistics: dict[str, dict[str, Any]],
    checkpoints: Path,
    models: ModelKinds,
    feature_settings: FeatureSettings,
    cross_validation: CrossValidationSettings,
    dask: DaskSettings,
) -> tuple[dict[str, TrainedModel], pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Train every model that the parameters list, fold by fold.

    Args:
        packed_chips: The chips.
        features: One row per chip, indexed by file name.
        folds: Split, fold and place of each chip.
        band_statistics: Of the chips outside each fold.
        checkpoints: Work folder; an interrupted training goes on from it.
        models: The models by name.
        feature_settings: How the features were computed.
        cross_validation: How folds are run.
        dask: Workers elsewhere.

    Returns:
        The trained models by name; out-of-fold probabilities, ``filename`` and a column per model; importances of
        features, ``model``, ``feature``, ``importance`` and ``deviation``; and learning curves, ``model``, ``fold``,
        ``network``, ``epoch`` and figures.
    """
    from mining_the_mines.models.cross_validation import cross_validate

    train = folds[folds["split"] == "train"]
    data = LabelledChips(packed_chips, train, read_statistics(band_statistics), features)
    layout = ChipLayout(bands=packed_chips.bands, chip_size=packed_chips.array.shape[-1], features=feature_settings)
    results = cross_validate(models.kinds, data, layout, checkpoints, cross_validation.workers, dask)
    probabilities = pd.DataFrame(
        {name: pd.Series(result.probabilities, index=list(result.filenames)) for name, result in results.items()}
    )
    return (
        {name: result.model for name, result in results.items()},
        probabilities.rename_axis("filename").sort_index().reset_index(),
        _stack({name: result.importances for name, result in results.items()}),
        _stack({name: result.curves for name, result in results.items()}),
    )


def train_segmenter(  # noqa: PLR0913, PLR0917 - training joins everything
    packed_chips: PackedChips,
    masks: PackedPlanes,
    cuts: pd.DataFrame,
    folds: pd.DataFrame,
    band_statistics: dict[str, dict[str, Any]],
    checkpoints: Path,
    windows: WindowSettings,
    network: SegmenterNetworks,
    cross_validation: CrossValidationSettings,
    dask: DaskSettings,
    drafts: Path,
) -> tuple[TrainedModel, PackedPlanes, pd.DataFrame]:
    """Train a segmentation network for each fold.

    Args:
        packed_chips: The chips.
        masks: True masks.
        cuts: Windows that crops are cut from.
        folds: Split, fold and place of each chip.
        band_statistics: Of the chips outside each fold.
        checkpoints: Work folder; an interrupted training goes on from it.
        windows: How windows become crops.
        network: How networks are trained.
        cross_validation: How folds are run.
        dask: Workers elsewhere.
        drafts: Folder to write maps in.

    Returns:
        The networks of all folds, out-of-fold maps of probability, and the figures of each epoch.

    Raises:
        BadInputError: The masks are not those of these chips, such as masks that an earlier run has left.
    """
    from mining_the_mines.models.cross_validation import cross_validate

    check_masks(masks, packed_chips)
    train = folds[(folds["split"] == "train") & folds["filename"].isin(masks.filenames)]
    data = MaskedChips(
        packed_chips, train, read_statistics(band_statistics), masks=masks, windows=cuts, cutting=windows
    )
    layout = ChipLayout(bands=packed_chips.bands, chip_size=packed_chips.array.shape[-1])
    results = cross_validate({"segmenter": network}, data, layout, checkpoints, cross_validation.workers, dask)
    result = results["segmenter"]
    maps = write_probability_maps(drafts / "probability_maps", masks, result.filenames, result.probabilities)
    return result.model, maps, result.curves


def blend_models(probabilities: pd.DataFrame, folds: pd.DataFrame) -> tuple[dict[str, Any], pd.DataFrame]:
    """Fit a logistic blend of all models on out-of-fold probabilities, judged on nested folds.

    Args:
        probabilities: Out of fold; ``filename`` and a column per model.
        folds: Fold and label of each chip.

    Returns:
        The blend's weights, and its nested out-of-fold probabilities, ``filename`` and ``probability``.
    """
    blend, blended = fit_blend(probabilities.set_index("filename"), folds)
    return blend.model_dump(), blended.rename_axis("filename").sort_index().reset_index()


def _stack(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """One table of those that are not empty, with a column ``model`` in front."""
    named = [table.assign(model=name) for name, table in tables.items() if len(table)]
    if not named:
        return pd.DataFrame({"model": pd.Series(dtype=str)})
    stacked = pd.concat(named, ignore_index=True)
    return stacked[["model", *[column for column in stacked.columns if column != "model"]]]
