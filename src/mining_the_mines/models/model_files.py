"""Writing the baseline and the complete models to folders and reading them back, without pickle."""

import json
from pathlib import Path
from typing import Any

import skops.io

from mining_the_mines.chips.features import FeatureSettings
from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.models.baseline import Baseline
from mining_the_mines.models.blend import Blend
from mining_the_mines.models.ensemble_files import load_ensemble, save_ensemble
from mining_the_mines.models.mine_classifier import MineDetector
from mining_the_mines.models.mine_segmenter import MineOutliner
from mining_the_mines.models.tree_files import write_trees

TREES = "trees.skops"
FEATURES = "features.json"
DESCRIPTION = "detector.json"
CHIPS = "chips.json"

#: What boosted trees hold beside what skops trusts by itself; it reads nothing else.
TRUSTED = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",)


def save_baseline(baseline: Baseline, folder: Path) -> None:
    """Write trees and feature names into an existing folder; the same trees give the same bytes."""
    write_trees([list(bag) for bag in baseline.bags], folder / TREES)
    (folder / FEATURES).write_text(json.dumps(baseline.features), encoding="utf-8")


def load_baseline(folder: Path) -> Baseline:
    """Read back what :func:`save_baseline` wrote.

    Raises:
        FileNotFoundError: The folder holds no trees.
        skops.io.exceptions.UntrustedTypesFoundException: The file holds something else than boosted trees.
    """
    bags = skops.io.load(folder / TREES, trusted=list(TRUSTED))
    features = json.loads((folder / FEATURES).read_text(encoding="utf-8"))
    return Baseline(tuple(features), tuple(tuple(bag) for bag in bags))


def save_detector(detector: MineDetector, folder: Path) -> None:
    """Write all parts into an existing folder."""
    save_ensemble(detector.network, folder)
    save_baseline(detector.baseline, folder)
    description = {
        "chosen": detector.chosen,
        "threshold": detector.threshold,
        "chips": detector.chips.model_dump(mode="json"),
        "features": detector.features.model_dump(mode="json"),
        "blend": detector.blend.model_dump(mode="json"),
    }
    (folder / DESCRIPTION).write_text(json.dumps(description, indent=2), encoding="utf-8")


def load_detector(folder: Path) -> MineDetector:
    """Read back what :func:`save_detector` wrote.

    Raises:
        FileNotFoundError: The folder holds no detector.
    """
    description: dict[str, Any] = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    return MineDetector(
        chosen=description["chosen"],
        threshold=description["threshold"],
        chips=ChipSettings.model_validate(description["chips"]),
        features=FeatureSettings.model_validate(description["features"]),
        baseline=load_baseline(folder),
        network=load_ensemble(folder),
        blend=Blend.model_validate(description["blend"]),
    )


def save_outliner(outliner: MineOutliner, folder: Path) -> None:
    """Write the networks, and how chips are read, into an existing folder."""
    save_ensemble(outliner.network, folder)
    (folder / CHIPS).write_text(outliner.chips.model_dump_json(indent=2), encoding="utf-8")


def load_outliner(folder: Path) -> MineOutliner:
    """Read back what :func:`save_outliner` wrote.

    Raises:
        FileNotFoundError: The folder holds no outliner.
    """
    chips = ChipSettings.model_validate_json((folder / CHIPS).read_text(encoding="utf-8"))
    return MineOutliner(chips, load_ensemble(folder))
