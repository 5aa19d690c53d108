"""Small networks, and chips to show them."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.models.classifier_network import ClassifierNetwork
from mining_the_mines.models.complete import MineSegmenter
from mining_the_mines.models.ensemble import FoldEnsemble
from mining_the_mines.models.kinds import ChipLayout, TrainedModel
from mining_the_mines.models.networks import (
    ClassifierNetworks,
    ClassifierSpec,
    SegmenterNetworks,
    SegmenterSpec,
)
from mining_the_mines.models.predictor import TestTimeAugmentation
from mining_the_mines.models.segmenter_network import SegmenterNetwork
from mining_the_mines.models.spectral_input import BandScale

SIX_BANDS = ("B2", "B3", "B4", "B8", "B11", "B12")
SIZE = 32


def scale_of(bands: tuple[str, ...]) -> BandScale:
    """Ranges that differ from band to band."""
    low = tuple(0.02 + 0.005 * number for number in range(len(bands)))
    return BandScale(bands, low, tuple(0.3 + 0.02 * number for number in range(len(bands))))


def small_spec(architecture: str = "test_efficientnet", **changes: object) -> ClassifierSpec:
    """A network of a few layers that sees 32 × 32 pixels."""
    settings: dict[str, object] = {"architecture": architecture, "input_size": SIZE, "indices": ("NDVI", "BI")}
    return ClassifierSpec.model_validate(settings | changes)


def small_classifier(
    seed: int = 0, spec: ClassifierSpec | None = None, bands: tuple[str, ...] = SIX_BANDS
) -> ClassifierNetwork:
    """A classifier with random weights, ready to predict."""
    torch.manual_seed(seed)
    return ClassifierNetwork(spec or small_spec(), scale_of(bands), SIZE).eval()


def small_ensemble(
    members: int = 2, symmetries: TestTimeAugmentation = "none", spec: ClassifierSpec | None = None
) -> FoldEnsemble:
    """An ensemble of networks with different random weights."""
    return FoldEnsemble([small_classifier(seed, spec) for seed in range(members)], symmetries).eval()


#: Decoders of a few channels, on an encoder that halves the picture twice only.
SMALL_UNET = {"encoder_depth": 3, "decoder_channels": [16, 16, 8]}


def small_segmenter_spec(**changes: object) -> SegmenterSpec:
    """A U-Net of a few layers."""
    settings: dict[str, object] = {
        "encoder": "tu-test_efficientnet", "indices": ("NDVI", "BI"), "overrides": SMALL_UNET,
    }  # fmt: skip
    return SegmenterSpec.model_validate(settings | changes)


def small_segmenter(
    seed: int = 0, spec: SegmenterSpec | None = None, bands: tuple[str, ...] = SIX_BANDS
) -> SegmenterNetwork:
    """A segmenter with random weights, ready to predict."""
    torch.manual_seed(seed)
    return SegmenterNetwork(spec or small_segmenter_spec(), scale_of(bands)).eval()


def small_outline_ensemble(members: int = 2, symmetries: TestTimeAugmentation = "none") -> FoldEnsemble:
    """An ensemble of segmenters with different random weights."""
    return FoldEnsemble([small_segmenter(seed) for seed in range(members)], symmetries).eval()


def trained_classifier(
    members: int = 2,
    symmetries: TestTimeAugmentation = "none",
    spec: ClassifierSpec | None = None,
    bands: tuple[str, ...] = SIX_BANDS,
    size: int = SIZE,
) -> TrainedModel:
    """Networks with different random weights, as training leaves them."""
    kind = ClassifierNetworks(network=spec or small_spec(), test_time_augmentation=symmetries)
    weights = [dict(small_classifier(seed, spec, bands).state_dict()) for seed in range(members)]
    return TrainedModel(kind, ChipLayout(bands=bands, chip_size=size), tuple(weights))


def trained_segmenter(
    members: int = 2,
    symmetries: TestTimeAugmentation = "none",
    bands: tuple[str, ...] = SIX_BANDS,
    size: int = SIZE,
    indices: tuple[str, ...] = ("NDVI", "BI"),
) -> TrainedModel:
    """Segmenters with different random weights, as training leaves them."""
    spec = small_segmenter_spec(indices=indices)
    kind = SegmenterNetworks(network=spec, test_time_augmentation=symmetries)
    weights = [dict(small_segmenter(seed, spec, bands).state_dict()) for seed in range(members)]
    return TrainedModel(kind, ChipLayout(bands=bands, chip_size=size), tuple(weights))


def complete_segmenter(threshold: float = 0.5, members: int = 1, size: int = SIZE) -> MineSegmenter:
    """A complete segmenter of random weights."""
    chips = ChipSettings(bands=SIX_BANDS, size=size)
    return MineSegmenter(chips, trained_segmenter(members, size=size), threshold)


def random_reflectance(
    chips: int = 3, bands: int = len(SIX_BANDS), size: int = SIZE, seed: int = 0
) -> NDArray[np.float32]:
    """Plausible reflectance ``(chips, bands, size, size)``."""
    return np.random.default_rng(seed).uniform(0.02, 0.5, (chips, bands, size, size)).astype(np.float32)


def random_chips(chips: int = 3, bands: int = len(SIX_BANDS), size: int = SIZE, seed: int = 0) -> Tensor:
    """The same as a tensor."""
    return torch.from_numpy(random_reflectance(chips, bands, size, seed))
