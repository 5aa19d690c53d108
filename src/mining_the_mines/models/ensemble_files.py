"""Fold ensembles in folders, without pickle: safetensors for weights, JSON for the rest."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

from mining_the_mines.models.classifier import MineClassifier
from mining_the_mines.models.ensemble import FoldEnsemble, Member
from mining_the_mines.models.segmenter import MineSegmenter
from mining_the_mines.models.specification import ClassifierSpec, SegmenterSpec
from mining_the_mines.models.spectral_input import BandScale

WEIGHTS = "network.safetensors"
DESCRIPTION = "network.json"
CLASSIFIES, SEGMENTS = "classification", "segmentation"


@dataclass(frozen=True)
class StoredEnsemble:
    """An ensemble with all that is needed to build it again.

    Attributes:
        ensemble: The networks.
        spec: What they are made of.
        chip_size: Edge in pixels of the chips that they were trained on.
    """

    ensemble: FoldEnsemble
    spec: ClassifierSpec | SegmenterSpec
    chip_size: int


def save_ensemble(stored: StoredEnsemble, folder: Path) -> None:
    """Write weights and description into an existing folder."""
    ensemble = stored.ensemble
    tensors = {name: tensor.contiguous() for name, tensor in ensemble.state_dict().items()}
    save_file(tensors, folder / WEIGHTS)
    description = {
        "task": CLASSIFIES if isinstance(stored.spec, ClassifierSpec) else SEGMENTS,
        "network": stored.spec.model_dump(mode="json"),
        "bands": list(ensemble.bands),
        "chip_size": stored.chip_size,
        "members": len(ensemble.members),
        "test_time_augmentation": ensemble.test_time_augmentation,
    }
    (folder / DESCRIPTION).write_text(json.dumps(description, indent=2), encoding="utf-8")


def load_ensemble(folder: Path) -> StoredEnsemble:
    """Read back what :func:`save_ensemble` wrote, in evaluation mode on the CPU.

    Raises:
        FileNotFoundError: The folder holds no network.
    """
    description: dict[str, Any] = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    kind = SegmenterSpec if description["task"] == SEGMENTS else ClassifierSpec
    spec = kind.model_validate(description["network"])
    chip_size = description["chip_size"]
    bands = tuple(description["bands"])
    scale = BandScale(bands, (0.0,) * len(bands), (1.0,) * len(bands))  # the buffers in the file overwrite it
    members = [_bare(spec, scale, chip_size) for _ in range(description["members"])]
    ensemble = FoldEnsemble(members, description["test_time_augmentation"])
    ensemble.load_state_dict(load_file(folder / WEIGHTS))
    return StoredEnsemble(ensemble.eval(), spec, chip_size)


def _bare(spec: ClassifierSpec | SegmenterSpec, scale: BandScale, chip_size: int) -> Member:
    """A network whose weights are about to be read: pretrained ones are not fetched again."""
    without = {"pretrained": False, "pretrained_file": None}
    if isinstance(spec, SegmenterSpec):
        return MineSegmenter(spec.model_copy(update=without), scale)
    return MineClassifier(spec.model_copy(update=without), scale, chip_size)
