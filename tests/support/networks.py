"""Small networks, and chips to show them."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mining_the_mines.models.classifier import MineClassifier
from mining_the_mines.models.ensemble import FoldEnsemble
from mining_the_mines.models.segmenter import MineSegmenter
from mining_the_mines.models.specification import ClassifierSpec, SegmenterSpec, TestTimeAugmentation
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
) -> MineClassifier:
    """A classifier with random weights, ready to predict."""
    torch.manual_seed(seed)
    return MineClassifier(spec or small_spec(), scale_of(bands), SIZE).eval()


def small_ensemble(
    members: int = 2,
    symmetries: TestTimeAugmentation = "none",
    threshold: float = 0.5,
    spec: ClassifierSpec | None = None,
) -> FoldEnsemble:
    """An ensemble of networks with different random weights."""
    return FoldEnsemble([small_classifier(seed, spec) for seed in range(members)], symmetries, threshold).eval()


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
) -> MineSegmenter:
    """A segmenter with random weights, ready to predict."""
    torch.manual_seed(seed)
    return MineSegmenter(spec or small_segmenter_spec(), scale_of(bands)).eval()


def small_outline_ensemble(members: int = 2, symmetries: TestTimeAugmentation = "none") -> FoldEnsemble:
    """An ensemble of segmenters with different random weights."""
    return FoldEnsemble([small_segmenter(seed) for seed in range(members)], symmetries).eval()


def random_reflectance(
    chips: int = 3, bands: int = len(SIX_BANDS), size: int = SIZE, seed: int = 0
) -> NDArray[np.float32]:
    """Plausible reflectance ``(chips, bands, size, size)``."""
    return np.random.default_rng(seed).uniform(0.02, 0.5, (chips, bands, size, size)).astype(np.float32)


def random_chips(chips: int = 3, bands: int = len(SIX_BANDS), size: int = SIZE, seed: int = 0) -> Tensor:
    """The same as a tensor."""
    return torch.from_numpy(random_reflectance(chips, bands, size, seed))
