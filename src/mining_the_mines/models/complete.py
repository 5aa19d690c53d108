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
from mining_the_mines.models.novelty import Novelty
from mining_the_mines.models.predictor import ModelSource
from mining_the_mines.scoring.calibration import Adaptation, HomeCalibration

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
        home: Calibration on out-of-fold predictions of the training chips; ``None`` in older models.
        novelty: The training chips, to measure how far others lie from them; ``None`` in older models.
        adaptation: Calibration in another region, which the probabilities have; ``None`` at home.
        source: Where the classifier was read from.
    """

    #: It judges windows as wholes.
    coarse: ClassVar[bool] = True

    chosen: str
    threshold: float
    chips: ChipSettings
    models: Mapping[str, TrainedModel]
    blend: Blend
    home: HomeCalibration | None = None
    novelty: Novelty | None = None
    adaptation: Adaptation | None = None
    source: ModelSource | None = field(default=None, compare=False)

    @property
    def window(self) -> int:
        """Edge in pixels of the chips that it was trained on."""
        return next(iter(self.models.values())).layout.chip_size

    @property
    def architecture(self) -> str:
        """Kind of the chosen model, or of the models in the blend, in words."""
        there = "" if self.adaptation is None else f", adapted to {self.adaptation.region}"
        if self.chosen != BLEND:
            return self.models[self.chosen].kind.title + there
        *first, last = [self.models[name].kind.title for name in self.blend.weights]
        return (f"a blend of {', '.join(first)} and {last}" if first else last) + there

    @cached_property
    def module(self) -> "nn.Module":
        """The chosen model as a module, in evaluation mode, calibrated for its region."""
        from mining_the_mines.models.ensemble import BlendModule, CalibratedModule

        if self.chosen != BLEND:
            module = self.models[self.chosen].module
        else:
            module = BlendModule({name: self.models[name].module for name in self.blend.weights}, self.blend).eval()
        return module if self.adaptation is None else CalibratedModule(module, self.adaptation.calibration).eval()

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
        novelty: The training chips, to measure how far other ground lies from them; ``None`` in older models.
        source: Where the segmenter was read from.
        teacher: Version or content hash of the segmenter that taught it; ``None`` if it learnt from masks.
    """

    #: It judges pixels.
    coarse: ClassVar[bool] = False

    chips: ChipSettings
    network: TrainedModel
    threshold: float
    novelty: Novelty | None = None
    source: ModelSource | None = field(default=None, compare=False)
    teacher: str | None = None

    @property
    def window(self) -> int:
        """Edge in pixels of the chips that it was trained on."""
        return self.network.layout.chip_size

    @property
    def architecture(self) -> str:
        """Kind of the networks, in words."""
        title = self.network.kind.title
        return title if self.teacher is None else f"one segmentation network, the student of {title}"

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

    @property
    def networks(self) -> int:
        """Number of networks."""
        return len(self.network.members)

    def predict_each(self, reflectance: NDArray[np.float32], /) -> NDArray[np.float32]:
        """Probability of a mine by each network, ``(networks, B, H, W)``; see :meth:`predict`."""
        from mining_the_mines.models.ensemble import predict_reflectance

        return predict_reflectance(self.module, reflectance, each=True).astype(np.float32)
