"""What a network is made of, in words and numbers that can be written down; importing this loads no torch."""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from mining_the_mines.sentinel2.indices import DEFAULT_INDICES


class NetworkSpec(BaseModel):
    """Which timm network looks at the chips, and what it is shown.

    Attributes:
        architecture: Any model name that ``timm.list_models()`` knows.
        input_size: Edge in pixels at which the network sees a chip; chips of another size are resized inside the
            module. MaxViT needs a multiple of 32. ``None`` takes the chip as it is.
        overrides: Further keyword arguments for ``timm.create_model``, such as ``embed_dim`` or ``drop_path_rate``.
        indices: Spectral indices that are computed inside the module and shown beside the bands.
        pretrained: Start from timm's published weights, fetched from the network.
        pretrained_file: Start from the weights in this local file (``.safetensors`` or ``.pth``) instead.
        pretrained_fallback: Train from scratch, with a warning, where published weights can't be fetched.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    architecture: str = "maxvit_pico_rw_256"
    input_size: int | None = Field(default=None, ge=32)
    overrides: dict[str, Any] | None = None
    indices: tuple[str, ...] = DEFAULT_INDICES
    pretrained: bool = False
    pretrained_file: Path | None = None
    pretrained_fallback: bool = False


#: Which symmetries of the square a prediction is averaged over: none, the flips, or all eight (dihedral group).
TestTimeAugmentation = Literal["none", "flips", "dihedral"]
