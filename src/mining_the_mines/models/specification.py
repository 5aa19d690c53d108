"""What a network is made of, in words and numbers that can be written down; importing this loads no torch."""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from mining_the_mines.sentinel2.indices import DEFAULT_INDICES


class NetworkSpec(BaseModel):
    """What all networks have in common.

    Attributes:
        architecture: Its name in the library that builds it.
        overrides: Further keyword arguments for that library; null takes one back that ``conf/base`` gives.
        indices: Spectral indices that are computed inside the module and shown beside the bands.
        pretrained: Start from published weights, fetched from the network.
        pretrained_file: Start from the weights in this local file (``.safetensors`` or ``.pth``) instead.
        pretrained_fallback: Train from scratch, with a warning, where published weights can't be fetched.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    architecture: str
    overrides: dict[str, Any] | None = None
    indices: tuple[str, ...] = DEFAULT_INDICES
    pretrained: bool = False
    pretrained_file: Path | None = None
    pretrained_fallback: bool = False

    @property
    def options(self) -> dict[str, Any]:
        """The overrides that are given."""
        return {name: value for name, value in (self.overrides or {}).items() if value is not None}


class ClassifierSpec(NetworkSpec):
    """Which timm network judges chips; ``overrides`` are for ``timm.create_model``.

    Attributes:
        architecture: Any model name that ``timm.list_models()`` knows.
        input_size: Edge in pixels at which the network sees a chip; chips of another size are resized inside the
            module. MaxViT needs a multiple of 32. ``None`` takes the chip as it is.
    """

    architecture: str = "maxvit_pico_rw_256"
    input_size: int | None = Field(default=None, ge=32)


class SegmenterSpec(NetworkSpec):
    """Which network of segmentation-models-pytorch draws outlines; ``overrides`` are for its ``create_model``.

    Attributes:
        architecture: Any of its decoders: unet, unetplusplus, fpn, deeplabv3plus, segformer, …
        encoder: Any of its encoders, or any timm model that gives features. ``pretrained`` is about the encoder.
        resolution: Scale at which the network sees a chip. Below 1, large outlines cost less and more ground is in
            sight; above 1, outlines of a few pixels are drawn finer. Probabilities come at the chip's own scale.
    """

    architecture: str = "unet"
    encoder: str = "resnet18"
    resolution: float = Field(default=1.0, gt=0, le=4)


#: Which symmetries of the square a prediction is averaged over: none, the flips, or all eight (dihedral group).
TestTimeAugmentation = Literal["none", "flips", "dihedral"]
