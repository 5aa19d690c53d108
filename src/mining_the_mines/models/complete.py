"""Complete models: raw reflectance in, probability and decision out. Importing this loads no torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.models.blend import Blend
from mining_the_mines.models.kinds import BLEND, TrainedModel
from mining_the_mines.models.predictor import ModelSource

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class MineClassifier:
    """A classifier of chips: the chosen model, the others that a blend needs, and a threshold.

    Attributes:
        chosen: Name of the model that decides, or ``blend``.
        threshold: Probability from which a chip counts as a mine.
        chips: How chips are read, and what is asked of them; ``bands`` and ``size`` as in training.
        models: All trained models by name.
        blend: Weights of the models in the blend.
        source: Where the classifier was read from.
    """

    #: It judges windows as wholes.
    coarse: ClassVar[bool] = True

    chosen: str
    threshold: float
    chips: ChipSettings
    models: Mapping[str, TrainedModel]
    blend: Blend
    source: ModelSource | None = field(default=None, compare=False)

    @property
    def window(self) -> int:
        """Edge in pixels of the chips that it was trained on."""
        return next(iter(self.models.values())).layout.chip_size

    @property
    def architecture(self) -> str:
        """Kind of the chosen model, or of the models in the blend, in words."""
        if self.chosen != BLEND:
            return self.models[self.chosen].kind.title
        *first, last = [self.models[name].kind.title for name in self.blend.weights]
        return f"a blend of {', '.join(first)} and {last}" if first else last

    @cached_property
    def module(self) -> "nn.Module":
        """The chosen model as a module, in evaluation mode."""
        if self.chosen != BLEND:
            return self.models[self.chosen].module
        from mining_the_mines.models.ensemble import BlendModule

        return BlendModule({name: self.models[name].module for name in self.blend.weights}, self.blend).eval()

    def predict(self, reflectance: NDArray[np.float32], /) -> NDArray[np.float64]:
        """Probability of a mine.

        Args:
            reflectance: ``(B, C, H, W)`` in the order of ``chips.bands``; NaN marks nodata.

        Returns:
            ``(B,)`` in 0–1.
        """
        from mining_the_mines.models.ensemble import predict_reflectance

        return predict_reflectance(self.module, reflectance).astype(np.float64)


@dataclass(frozen=True)
class MineSegmenter:
    """A segmenter of chips and scenes.

    Attributes:
        chips: How chips are read, and what is asked of them; ``bands`` as in training.
        network: The networks of all folds.
        threshold: Probability from which a pixel counts as a mine, chosen on out-of-fold predictions.
        source: Where the segmenter was read from.
    """

    #: It judges pixels.
    coarse: ClassVar[bool] = False

    chips: ChipSettings
    network: TrainedModel
    threshold: float
    source: ModelSource | None = field(default=None, compare=False)

    @property
    def window(self) -> int:
        """Edge in pixels of the chips that it was trained on."""
        return self.network.layout.chip_size

    @property
    def architecture(self) -> str:
        """Kind of the networks, in words."""
        return self.network.kind.title

    @property
    def module(self) -> "nn.Module":
        """The networks as a module, in evaluation mode."""
        return self.network.module

    def predict(self, reflectance: NDArray[np.float32], /) -> NDArray[np.float32]:
        """Probability of a mine.

        Args:
            reflectance: ``(B, C, H, W)`` in the order of ``chips.bands``; NaN marks nodata.

        Returns:
            ``(B, H, W)`` in 0–1; NaN where a pixel lacks a band.
        """
        from mining_the_mines.models.ensemble import predict_reflectance

        return predict_reflectance(self.module, reflectance).astype(np.float32)
