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
from mining_the_mines.models.mine_classifier import MineClassifier
from mining_the_mines.models.mine_segmenter import MineSegmenter
from mining_the_mines.models.tree_files import write_trees

TREES = "trees.skops"
FEATURES = "features.json"
DESCRIPTION = "classifier.json"
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


def save_classifier(classifier: MineClassifier, folder: Path) -> None:
    """Write all parts into an existing folder."""
    save_ensemble(classifier.network, folder)
    save_baseline(classifier.baseline, folder)
    description = {
        "chosen": classifier.chosen,
        "threshold": classifier.threshold,
        "chips": classifier.chips.model_dump(mode="json"),
        "features": classifier.features.model_dump(mode="json"),
        "blend": classifier.blend.model_dump(mode="json"),
    }
    (folder / DESCRIPTION).write_text(json.dumps(description, indent=2), encoding="utf-8")


def load_classifier(folder: Path) -> MineClassifier:
    """Read back what :func:`save_classifier` wrote.

    Raises:
        FileNotFoundError: The folder holds no classifier.
    """
    description: dict[str, Any] = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    return MineClassifier(
        chosen=description["chosen"],
        threshold=description["threshold"],
        chips=ChipSettings.model_validate(description["chips"]),
        features=FeatureSettings.model_validate(description["features"]),
        baseline=load_baseline(folder),
        network=load_ensemble(folder),
        blend=Blend.model_validate(description["blend"]),
    )


def save_segmenter(segmenter: MineSegmenter, folder: Path) -> None:
    """Write the networks, and how chips are read, into an existing folder."""
    save_ensemble(segmenter.network, folder)
    (folder / CHIPS).write_text(segmenter.chips.model_dump_json(indent=2), encoding="utf-8")


def load_segmenter(folder: Path) -> MineSegmenter:
    """Read back what :func:`save_segmenter` wrote.

    Raises:
        FileNotFoundError: The folder holds no segmenter.
    """
    chips = ChipSettings.model_validate_json((folder / CHIPS).read_text(encoding="utf-8"))
    return MineSegmenter(chips, load_ensemble(folder))
