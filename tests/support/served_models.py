"""Small classifiers and outliners, exported, and the chips to ask them about."""

import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mining_the_mines.chips.features import FeatureSettings
from mining_the_mines.chips.packing import pack_in_memory
from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.models.blend import Blend
from mining_the_mines.models.complete import MineClassifier, MineSegmenter
from mining_the_mines.models.export import export_model
from mining_the_mines.models.novelty import fit_novelty
from support.chip_files import training_folds
from support.feature_tables import fitted_on_chips
from support.networks import SIX_BANDS, SIZE, random_reflectance, small_spec, trained_classifier, trained_segmenter

FEATURES = FeatureSettings(indices=("NDVI",), families=("moments", "percentiles"))


def chips_to_ask_about(count: int = 12, seed: int = 7) -> NDArray[np.float32]:
    """Chips of another seed than those learnt from; two of them with gaps."""
    chips = random_reflectance(count, size=SIZE, seed=seed)
    chips[0, :, 2:9, 5:20] = np.nan
    chips[1, 3, 20:] = np.nan
    return chips


def small_detector(chosen: str = "trees") -> MineClassifier:
    """Trees and logistic regression on two families of features, a network of a few layers, and a blend of all."""
    chips = random_reflectance(40, size=SIZE, seed=1)
    chips[::2, 4:, 8:24, 8:24] += 0.1
    chips[2, :, :3] = np.nan
    packed = pack_in_memory(list(chips), [f"chip_{number}.tif" for number in range(len(chips))], SIX_BANDS)
    with tempfile.TemporaryDirectory() as folder:
        tables = fitted_on_chips(packed, FEATURES, 1 - np.arange(len(chips)) % 2, Path(folder))
    network = trained_classifier(1, spec=small_spec(pooling="statistics"))
    return MineClassifier(
        chosen=chosen,
        threshold=0.4321,
        chips=ChipSettings(bands=SIX_BANDS, size=SIZE),
        models={name: result.model for name, result in tables.items()} | {"network": network},
        blend=Blend(weights={"trees": 0.7, "logistic": 0.1, "network": 0.4}, intercept=-0.1),
        novelty=fit_novelty(packed, training_folds(packed)),
    )


def small_outliner() -> MineSegmenter:
    """A U-Net of a few layers."""
    return MineSegmenter(ChipSettings(bands=SIX_BANDS, size=SIZE), trained_segmenter(1), 0.5)


def exported(model: MineClassifier | MineSegmenter, folder: Path) -> Path:
    """Export a model into a new folder."""
    folder.mkdir()
    export_model(model, folder)
    return folder
