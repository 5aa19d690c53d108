"""The interface of trained models, as mapping, inference and serving use it; importing this loads no torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.models.model_source import ModelSource

#: File of a stored classifier, and of a stored segmenter.
CLASSIFIER_FILE: Final = "classifier.json"
SEGMENTER_FILE: Final = "chips.json"


class Predictor(Protocol):
    """A complete model: raw reflectance in, probability of a mine out, threshold and facts beside it.

    Classifiers return one probability a chip, segmenters and :class:`WindowClassifier` one a pixel.
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

    def predict(self, reflectance: NDArray[np.float32], /) -> NDArray[np.floating[Any]]:
        """Predict the probability of a mine.

        Args:
            reflectance: ``(B, C, H, W)`` in the order of ``chips.bands``; NaN marks nodata.

        Returns:
            ``(B,)`` or ``(B, H, W)`` in 0–1; NaN at pixels without data.
        """
        ...


@dataclass(frozen=True)
class WindowClassifier:
    """A classifier of chips as a coarse map model: each pixel of a window gets the window's probability.

    Attributes:
        model: The classifier; returns ``(B,)``.
    """

    model: Predictor

    @property
    def chips(self) -> ChipSettings:
        """Settings of the classifier's chips."""
        return self.model.chips

    @property
    def threshold(self) -> float:
        """Probability from which a window counts as a mine."""
        return self.model.threshold

    @property
    def window(self) -> int:
        """Edge in pixels of the classifier's chips."""
        return self.model.window

    @property
    def coarse(self) -> bool:
        """Always true."""
        return True

    @property
    def source(self) -> ModelSource | None:
        """Source of the classifier."""
        return self.model.source

    def predict(self, reflectance: NDArray[np.float32], /) -> NDArray[np.float32]:
        """Spread the probability of each window of ``(B, C, H, W)`` over ``(B, H, W)``; NaN where a band lacks data."""
        probability = self.model.predict(reflectance).astype(np.float32)
        valid = np.isfinite(reflectance).all(axis=1)
        return np.where(valid, probability[:, None, None], np.float32(np.nan))


def load_pixel_predictor(folder: Path) -> Predictor:
    """Read a model that maps: a segmenter, or a classifier that judges window by window.

    Args:
        folder: A stored classifier or segmenter.

    Returns:
        A model whose ``predict`` returns ``(B, H, W)``.

    Raises:
        BadInputError: The folder holds no model.
    """
    from mining_the_mines.models.model_files import load_classifier, load_segmenter

    if (folder / CLASSIFIER_FILE).is_file():
        return WindowClassifier(load_classifier(folder))
    if (folder / SEGMENTER_FILE).is_file():
        return load_segmenter(folder)
    raise BadInputError(f"{folder} holds no model ({CLASSIFIER_FILE} or {SEGMENTER_FILE}): train one first.")
