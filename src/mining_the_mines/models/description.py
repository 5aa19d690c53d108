"""Description of an exported model: input, output and threshold. Importing this loads no torch."""

from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

PROGRAM: Final = "model.pt2"
DESCRIPTION: Final = "description.json"


class ReflectanceRange(BaseModel):
    """Limits of plausible reflectance, as checked on the training chips."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lowest: float = Field(..., description="Reflectance below it is implausible.")
    highest: float = Field(..., description="Reflectance above it is implausible.")
    implausible_share: float = Field(..., description="Share of a chip's values that may be so all the same.")
    nodata_share: float = Field(..., description="Share of a chip's values that may lack data.")


class ModelDescription(BaseModel):
    """An exported model: what it takes, what it gives, and what that means."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: Literal["classification", "segmentation"] = Field(
        ..., description="Whether it judges chips as wholes, or each of their pixels."
    )
    decided_by: str = Field(..., description="Name of the model that decides, or blend.")
    architecture: str = Field("a model", description="Kind of the model that decides, in words.")
    bands: tuple[str, ...] = Field(..., description="Sentinel-2 bands, in the order of the input's second axis.")
    chip_size: int = Field(..., description="Rows and columns of a chip.")
    pixel_metres: float = Field(..., description="Edge of a pixel on the ground.")
    reflectance: str = Field(
        "Surface reflectance as float32: 1.0 is all light, typical ground is 0 to 0.5. From digital numbers of level "
        "2A since processing baseline 04.00: (number - 1000) / 10000. NaN marks pixels without data.",
        description="What the input's numbers mean.",
    )
    plausible: ReflectanceRange = Field(..., description="What is asked of a chip.")
    input: str = Field(..., description="Shape and type of the input.")
    output: str = Field(..., description="Shape, type and meaning of the output.")
    threshold: float = Field(..., description="Probability from which a chip, or a pixel, counts as a mine.")
    versions: dict[str, str] = Field(..., description="Versions of what wrote it.")


def read_description(folder: Path) -> ModelDescription:
    """Read the description of an exported model.

    Args:
        folder: As :func:`mining_the_mines.models.export.export_model` filled it.

    Raises:
        FileNotFoundError: The folder holds no exported model.
    """
    return ModelDescription.model_validate_json((folder / DESCRIPTION).read_text(encoding="utf-8"))
