"""Parameters of training; importing this loads no torch."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from mining_the_mines.core.execution_fields import EXECUTION_ONLY
from mining_the_mines.models.specification import ClassifierSpec, SegmenterSpec, TestTimeAugmentation

Share = Annotated[float, Field(ge=0.0, lt=1.0)]
Spread = Annotated[float, Field(ge=0.0)]
#: Lightning's names of the precisions that chips can be trained in.
Precision = Literal["32-true", "bf16-mixed", "16-mixed"]


class AugmentationSettings(BaseModel):
    """How strongly training chips are varied. Zero switches a variation off.

    Attributes:
        symmetries: Turn and mirror at random: a mine has no upright side.
        rotation: Largest turn beside those symmetries, as a share of half a turn.
        scale: Largest relative change of size.
        shift: Largest shift, as a share of the chip's edge.
        brightness: Standard deviation of the log gain that all bands of a chip share: sun, haze, season.
        gain: Standard deviation of the log gain of each band on its own.
        offset: Standard deviation of an offset in reflectance, a band on its own: path radiance left by the
            atmospheric correction.
        band_dropout: Probability with which a band of a chip is replaced by its mean.
        mix_up: Alpha of the Beta distribution from which mixing shares are drawn (H. Zhang et al., "mixup: Beyond
            empirical risk minimization", ICLR 2018).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    symmetries: bool = True
    rotation: float = Field(default=0.0, ge=0, le=1)
    scale: Share = 0.1
    shift: Share = 0.05
    brightness: Spread = 0.1
    gain: Spread = 0.05
    offset: Spread = 0.005
    band_dropout: Share = 0.0
    mix_up: Spread = 0.0


class TrainingSettings(BaseModel):
    """How networks are trained, whatever they are asked.

    Attributes:
        augmentation: How strongly chips are varied.
        networks: Networks a fold, each from another seed; their mean is steadier than any of them.
        epochs: Passes over the training chips. The last weights count: no epoch is picked by its score on the fold
            that is scored.
        batch_size: Chips a step.
        accumulate_batches: Batches whose gradients are added up before a step.
        learning_rate: Peak of the schedule.
        warmup_epochs: Epochs of linear warm-up before the cosine decay to zero.
        weight_decay: AdamW's; biases and norms are spared.
        gradient_clip: Largest gradient norm.
        average_decay: Decay a step of an exponential moving average of the weights, which then replaces them.
        precision: Lightning's precision; ``auto`` is bf16-mixed where the device has it, else 32-true.
        early_stopping_patience: Stop after so many epochs without a lower loss on held-out training places.
        early_stopping_share: Share of the training places held out for that; the scored fold is never used.
        test_time_augmentation: Symmetries that predictions are averaged over.
        accelerator: Lightning's accelerator.
        loader_workers: Processes that read ahead; 0 reads in the training process, fastest for packed chips in RAM.
        seed: Seed of weights, order and augmentation.
        resume: Go on from the checkpoints of an interrupted run with the same data and parameters.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    augmentation: AugmentationSettings = AugmentationSettings()
    networks: int = Field(default=1, ge=1)
    epochs: int = Field(default=30, ge=1)
    batch_size: int = Field(default=32, ge=2)
    accumulate_batches: int = Field(default=1, ge=1)
    learning_rate: float = Field(default=1e-3, gt=0)
    warmup_epochs: int = Field(default=2, ge=0)
    weight_decay: float = Field(default=1e-2, ge=0)
    gradient_clip: float = Field(default=1.0, gt=0)
    average_decay: float | None = Field(default=None, gt=0, lt=1)
    precision: Precision | Literal["auto"] = "auto"
    early_stopping_patience: int | None = Field(default=None, ge=1)
    early_stopping_share: float = Field(default=0.15, gt=0, lt=0.5)
    test_time_augmentation: TestTimeAugmentation = "dihedral"
    accelerator: str = "auto"
    loader_workers: int = Field(default=0, ge=0, json_schema_extra=EXECUTION_ONLY)
    seed: int = 0
    resume: bool = Field(default=False, json_schema_extra=EXECUTION_ONLY)


class ClassifierTrainingSettings(TrainingSettings):
    """How classifiers of chips are trained.

    Attributes:
        network: What is trained.
        loss: ``cross_entropy`` or ``focal`` (T.-Y. Lin et al., "Focal loss for dense object detection", ICCV 2017).
        focal_gamma: Focusing exponent of the focal loss.
        class_weights: Weigh both classes as if they were equally frequent.
        label_smoothing: Share of the label mass that is spread over both classes.
    """

    network: ClassifierSpec = ClassifierSpec()
    loss: Literal["cross_entropy", "focal"] = "cross_entropy"
    focal_gamma: float = Field(default=2.0, ge=0)
    class_weights: bool = True
    label_smoothing: Share = 0.0


class SegmenterTrainingSettings(TrainingSettings):
    """How segmenters are trained; the losses are those of segmentation-models-pytorch.

    Attributes:
        network: What is trained.
        loss: ``dice`` (F. Milletari et al., "V-Net", 3DV 2016), ``bce_dice`` (its sum with cross entropy, which
            steadies it), ``focal`` (Lin et al. 2017), ``lovasz`` (M. Berman et al., "The Lovász-Softmax loss", CVPR
            2018) or ``tversky`` (S. Salehi et al., MLMI 2017).
        focal_gamma: Focusing exponent of the focal loss.
        tversky_alpha: Weight of false alarms in the Tversky loss; that of missed pixels is what it lacks of 1. Below
            0.5, missing a mine costs more than a false alarm.
    """

    network: SegmenterSpec = SegmenterSpec()
    loss: Literal["dice", "bce_dice", "focal", "lovasz", "tversky"] = "bce_dice"
    focal_gamma: float = Field(default=2.0, ge=0)
    tversky_alpha: float = Field(default=0.5, ge=0, le=1)


class BaselineSettings(BaseModel):
    """A bag of gradient-boosted trees on the feature table.

    Attributes:
        iterations: Trees a booster.
        learning_rate: Shrinkage a tree.
        max_leaf_nodes: Leaves a tree.
        min_samples_leaf: Chips a leaf.
        l2: L2 penalty on leaf values.
        max_features: Share of the features that each split may look at.
        max_bins: Values that a feature is rounded to; few are quick, and hard to overfit with.
        bag: Boosters that are averaged, each on a random weighting of the places.
        seed: Seed of the bag.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    iterations: int = Field(default=80, ge=1)
    learning_rate: float = Field(default=0.08, gt=0)
    max_leaf_nodes: int = Field(default=5, ge=2)
    min_samples_leaf: int = Field(default=10, ge=1)
    l2: float = Field(default=5.0, ge=0)
    max_features: float = Field(default=0.15, gt=0, le=1)
    max_bins: int = Field(default=16, ge=2, le=255)
    bag: int = Field(default=5, ge=1)
    seed: int = 0
