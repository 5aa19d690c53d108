"""Fold ensembles in folders, without pickle: safetensors for weights, JSON for the rest."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

from mining_the_mines.models.classifier import MineClassifier
from mining_the_mines.models.ensemble import FoldEnsemble
from mining_the_mines.models.specification import NetworkSpec
from mining_the_mines.models.spectral_input import BandScale

WEIGHTS = "network.safetensors"
DESCRIPTION = "network.json"


@dataclass(frozen=True)
class StoredEnsemble:
    """An ensemble with all that is needed to build it again.

    Attributes:
        ensemble: The networks.
        spec: What they are made of.
        chip_size: Edge in pixels of the chips that they were trained on.
    """

    ensemble: FoldEnsemble
    spec: NetworkSpec
    chip_size: int


def save_ensemble(stored: StoredEnsemble, folder: Path) -> None:
    """Write weights and description into an existing folder."""
    ensemble = stored.ensemble
    tensors = {name: tensor.contiguous() for name, tensor in ensemble.state_dict().items()}
    save_file(tensors, folder / WEIGHTS)
    description = {
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
    spec = NetworkSpec.model_validate(description["network"])
    # The weights are in the file: pretrained ones are not fetched again.
    bare = spec.model_copy(update={"pretrained": False, "pretrained_file": None})
    bands, chip_size = tuple(description["bands"]), description["chip_size"]
    scale = BandScale(bands, (0.0,) * len(bands), (1.0,) * len(bands))  # the buffers in the file overwrite it
    members = [MineClassifier(bare, scale, chip_size) for _ in range(description["members"])]
    ensemble = FoldEnsemble(members, description["test_time_augmentation"])
    ensemble.load_state_dict(load_file(folder / WEIGHTS))
    return StoredEnsemble(ensemble.eval(), spec, chip_size)
