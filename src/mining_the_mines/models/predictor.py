"""The interface of trained models, as mapping, inference and serving use it; importing this loads no torch."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.hashing import hash_folder
from mining_the_mines.models.novelty import Novelty

if TYPE_CHECKING:
    from mining_the_mines.models.complete import MineSegmenter

#: Symmetries of the square that a prediction is averaged over: none, the flips, or all eight (dihedral group).
TestTimeAugmentation = Literal["none", "flips", "dihedral"]
#: File of a stored classifier, and of a stored segmenter.
CLASSIFIER_FILE: Final = "classifier.json"
SEGMENTER_FILE: Final = "segmenter.json"
#: Pixels in a batch on a CPU, into whose caches a network's activations then fit (in batches of 16, windows of
#: 256 × 256 take up to five times as long each), and on a GPU.
_CPU_PIXELS: Final = 2**17
_GPU_PIXELS: Final = 2**22
#: Digits of the content hash that name a model without a registered version.
_DIGITS: Final = 12


@dataclass(frozen=True)
class ModelSource:
    """Where a model was read from, so that others can read and name the same one.

    Attributes:
        folder: Its files.
        registered: Its name and version in a registry, such as ``mine-segmenter 3``; ``None`` for a plain folder.
        registered_by: Id of the run that registered it; ``None`` if unknown.
    """

    folder: Path
    registered: str | None = None
    registered_by: str | None = None

    @property
    def version(self) -> str:
        """Registered name and version, else the first digits of the content hash."""
        return self.registered or self.content_hash()[:_DIGITS]

    def content_hash(self) -> str:
        """SHA-256 of the names and bytes of all visible files."""
        return hash_folder(self.folder)


class Predictor(Protocol):
    """A complete model: raw reflectance in, probability of a mine out, threshold and facts beside it.

    Classifiers return one probability per chip, segmenters and :class:`WindowClassifier` one per pixel.
    """

    @property
    def chips(self) -> ChipSettings:
        """Bands, reflectance scale and plausibility limits of the input; ``chips.bands`` is the order of the bands."""
        ...

    @property
    def threshold(self) -> float:
        """Probability from which a chip or pixel counts as a mine."""
        ...

    @property
    def window(self) -> int:
        """Edge in pixels of the chips that the model was trained on."""
        ...

    @property
    def coarse(self) -> bool:
        """True if the model judges a window as a whole, so that windows must have the size of its training chips."""
        ...

    @property
    def source(self) -> ModelSource | None:
        """Folder, registered version and content hash; ``None`` for a model that was not read from disk."""
        ...

    @property
    def novelty(self) -> Novelty | None:
        """The training chips, to measure how far other ground lies from them; ``None`` in older models."""
        ...

    def predict(self, reflectance: NDArray[np.float32], /) -> NDArray[np.floating[Any]]:
        """Predict the probability of a mine.

        Args:
            reflectance: ``(B, C, H, W)`` in the order of ``chips.bands``; NaN marks nodata.

        Returns:
            ``(B,)`` or ``(B, H, W)`` in 0–1; NaN at pixels without data.
        """
        ...


@runtime_checkable
class EnsemblePredictor(Predictor, Protocol):
    """A model of several networks, each of which can be asked by itself."""

    @property
    def networks(self) -> int:
        """Number of networks."""
        ...

    def predict_each(self, reflectance: NDArray[np.float32], /) -> NDArray[np.float32]:
        """Predict the probability of a mine by each network, ``(networks, B, H, W)``; see :meth:`predict`."""
        ...


class WindowClassifier:
    """A classifier of chips as a coarse map model: each pixel of a window gets the window's probability.

    Args:
        model: The classifier; returns ``(B,)``. Settings, threshold, window and source are its own.
    """

    coarse: ClassVar[bool] = True

    def __init__(self, model: Predictor) -> None:
        self.model = model
        self.chips, self.threshold = model.chips, model.threshold
        self.window, self.source, self.novelty = model.window, model.source, model.novelty

    def predict(self, reflectance: NDArray[np.float32], /) -> NDArray[np.float32]:
        """Spread the probability of each window of ``(B, C, H, W)`` over ``(B, H, W)``; NaN where a band lacks data."""
        probability = self.model.predict(reflectance).astype(np.float32)
        valid = np.isfinite(reflectance).all(axis=1)
        return np.where(valid, probability[:, None, None], np.float32(np.nan))


def batch_pixels() -> int:
    """Pixels in a batch that suit the device; models without torch run on the CPU."""
    torch = sys.modules.get("torch")
    on_gpu = torch is not None and (torch.cuda.is_available() or torch.backends.mps.is_available())
    return _GPU_PIXELS if on_gpu else _CPU_PIXELS


def look_from(model: Predictor, views: TestTimeAugmentation | None) -> Predictor:
    """Return a segmenter that averages over other symmetries.

    Args:
        model: A model; a classifier, and one without networks, stays as it is.
        views: The symmetries; ``None`` for its own.
    """
    network = getattr(model, "network", None)
    if views is None or not hasattr(getattr(network, "kind", None), "test_time_augmentation"):
        return model
    segmenter: MineSegmenter = model  # type: ignore[assignment] # the only model with a network
    kind = segmenter.network.kind.model_copy(update={"test_time_augmentation": views})
    return replace(segmenter, network=replace(segmenter.network, kind=kind))


def load_pixel_predictor(folder: Path) -> Predictor:
    """Read a model that maps: a segmenter, or a classifier that judges window by window.

    Args:
        folder: A stored classifier or segmenter.

    Returns:
        A model whose ``predict`` returns ``(B, H, W)``.

    Raises:
        BadInputError: The folder holds no complete model, or one of an earlier version.
    """
    from mining_the_mines.models.storage import load_complete

    model = load_complete(folder)
    return WindowClassifier(model) if model.coarse else model
