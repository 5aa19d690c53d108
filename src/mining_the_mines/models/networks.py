"""Networks as kinds of models; importing this loads no torch."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from mining_the_mines.models.kinds import (
    ChipLayout,
    FoldFit,
    LabelledChips,
    MaskedChips,
    ModelKind,
    ReportEpoch,
    Weights,
)
from mining_the_mines.models.settings import ClassifierTrainingSettings, SegmenterTrainingSettings

if TYPE_CHECKING:
    from torch import nn

#: Networks whose weights are about to be loaded need no pretrained ones.
_FROM_SCRATCH: Final = {"pretrained": False, "pretrained_file": None}


class ClassifierNetworks(ClassifierTrainingSettings, ModelKind):
    """timm networks that classify chips."""

    title: ClassVar[str] = "an ensemble of neural networks"

    @property
    def epochs_a_fold(self) -> int:
        """Epochs of all networks of a fold."""
        return self.networks * self.epochs

    def fit(self, data: LabelledChips, fold: int, folder: Path, report: ReportEpoch) -> FoldFit:
        """Train the fold's networks, resumable at the last finished epoch."""
        from mining_the_mines.models.classification import ClassificationTask
        from mining_the_mines.models.network_folds import fit_networks

        return fit_networks(ClassificationTask(data, self), fold, folder, report)

    def assemble(self, members: Sequence[Weights], layout: ChipLayout) -> "nn.Module":
        """Average the networks of all folds over the symmetries of the square."""
        from mining_the_mines.models.classifier_network import ClassifierNetwork
        from mining_the_mines.models.ensemble import FoldEnsemble, load_networks
        from mining_the_mines.models.spectral_input import empty_scale

        spec, scale = self.network.model_copy(update=_FROM_SCRATCH), empty_scale(layout.bands)
        bare = [ClassifierNetwork(spec, scale, layout.chip_size) for _ in members]
        return FoldEnsemble(load_networks(bare, members), self.test_time_augmentation)


class SegmenterNetworks(SegmenterTrainingSettings, ModelKind):
    """Networks of segmentation-models-pytorch."""

    title: ClassVar[str] = "an ensemble of segmentation networks"

    @property
    def epochs_a_fold(self) -> int:
        """Epochs of all networks of a fold."""
        return self.networks * self.epochs

    def fit(self, data: MaskedChips, fold: int, folder: Path, report: ReportEpoch) -> FoldFit:
        """Train the fold's networks, resumable at the last finished epoch."""
        from mining_the_mines.models.network_folds import fit_networks
        from mining_the_mines.models.segmentation import SegmentationTask

        return fit_networks(SegmentationTask(data, self), fold, folder, report)

    def assemble(self, members: Sequence[Weights], layout: ChipLayout) -> "nn.Module":
        """Average the networks of all folds over the symmetries of the square."""
        from mining_the_mines.models.ensemble import FoldEnsemble, load_networks
        from mining_the_mines.models.segmenter_network import SegmenterNetwork
        from mining_the_mines.models.spectral_input import empty_scale

        spec, scale = self.network.model_copy(update=_FROM_SCRATCH), empty_scale(layout.bands)
        bare = [SegmenterNetwork(spec, scale) for _ in members]
        return FoldEnsemble(load_networks(bare, members), self.test_time_augmentation)
