"""An encoder of this project in a file: its weights as safetensors, its description as JSON in the file's header.

Tensors are named as in ``timm.create_model(architecture, num_classes=1, **overrides)``, without the head. The first
convolution has one input channel per band and then one per index. The tensor ``missing``, float32
``(channels, outputs)``, holds for each of these channels the vector that the encoder adds to the output of the first
convolution where a data set lacks the channel.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from safetensors.torch import save_file

from mining_the_mines.core.atomic import whole_file
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.parameter_errors import describe_settings_errors
from mining_the_mines.models.kinds import Weights
from mining_the_mines.models.spectral_input import BandScale
from mining_the_mines.models.weight_files import read_safetensors
from mining_the_mines.sentinel2.bands import BANDS

#: Key of the description among the metadata of the file.
DESCRIPTION: Final = "encoder"
#: Tensor of the vectors of lacking channels.
MISSING: Final = "missing"
#: No ground reflects more; a scale beyond it is one of digital numbers.
BRIGHTEST: Final = 2.0


class EncoderDescription(BaseModel):
    """An encoder: its architecture, its input, and how it was made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="Name of the encoder.")
    architecture: str = Field(description="Name of the network in timm.")
    overrides: dict[str, Any] = Field({}, description="Further arguments of timm.create_model.")
    bands: tuple[str, ...] = Field(description="Sentinel-2 bands, in the order of the first convolution's channels.")
    low: tuple[float, ...] = Field(description="Reflectance of each band that 5 % of the training pixels don't exceed.")
    high: tuple[float, ...] = Field(
        description="Reflectance of each band that 95 % of the training pixels don't exceed."
    )
    indices: tuple[str, ...] = Field((), description="Spectral indices, whose channels follow those of the bands.")
    licence: str = Field(description="SPDX identifier of the licence.")
    code: str = Field("", description="Hash of the code that trained it.")
    data: str = Field("", description="Hash of the data that it was trained on.")
    training: dict[str, int | float | str] = Field({}, description="Figures of the training: regions, steps, seconds …")

    @model_validator(mode="after")
    def _check(self) -> Self:
        unknown = [band for band in self.bands if band not in BANDS]
        if unknown:
            raise ValueError(f"{', '.join(unknown)} is no band of Sentinel-2")
        if not len(self.bands) == len(self.low) == len(self.high):
            raise ValueError("bands, low and high differ in length")
        if not all(low < high <= BRIGHTEST for low, high in zip(self.low, self.high, strict=True)):
            raise ValueError(f"low and high are no ascending reflectance up to {BRIGHTEST:g}")
        return self

    @property
    def channels(self) -> tuple[str, ...]:
        """Input channels of the first convolution."""
        return self.bands + self.indices

    @property
    def scale(self) -> BandScale:
        """How its bands are shown to it."""
        return BandScale(self.bands, self.low, self.high)


@dataclass(frozen=True, eq=False)
class Encoder:
    """An encoder with its weights.

    Attributes:
        description: Architecture and input.
        weights: Tensors by name, and :data:`MISSING`.
    """

    description: EncoderDescription
    weights: Weights


def save_encoder(encoder: Encoder, path: Path) -> None:
    """Write an encoder; equal encoders give equal bytes.

    Raises:
        BadInputError: The disk is full, or the place can't be written to.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in encoder.weights.items()}
    with whole_file(path) as draft:
        save_file(tensors, draft, metadata={DESCRIPTION: encoder.description.model_dump_json()})


def load_encoder(path: Path) -> Encoder:
    """Read an encoder.

    Raises:
        BadInputError: The file is cut off, holds no encoder of this project, or one whose parts don't fit each other.
    """
    weights, metadata = read_safetensors(path)
    stated = metadata.get(DESCRIPTION)
    if stated is None:
        raise BadInputError(
            f"{path} is no encoder of this project (its header lacks the key {DESCRIPTION}): name a file that "
            f"kedro run --pipelines=pretraining wrote."
        )
    return described_encoder(weights, stated, path)


def described_encoder(weights: Weights, stated: str, path: Path) -> Encoder:
    """Join weights and their description.

    Args:
        weights: Tensors of the file.
        stated: The description as JSON.
        path: The file, for errors.

    Raises:
        BadInputError: The description can't be used, or the weights don't fit it.
    """
    try:
        description = EncoderDescription.model_validate_json(stated)
    except ValidationError as error:
        raise BadInputError(
            f"{describe_settings_errors(error, f'The encoder {path}')[:-1]}; make it again with this version."
        ) from error
    missing = weights.get(MISSING)
    if missing is None or missing.ndim != 2 or len(missing) != len(description.channels):
        raise BadInputError(
            f"The encoder {path} is damaged (its tensor {MISSING} doesn't hold a vector for each of the "
            f"{len(description.channels)} input channels): make it again with this version."
        )
    return Encoder(description, weights)
