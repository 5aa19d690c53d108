"""Description of an exported model: input, output and threshold. Importing this loads no torch."""

from importlib.metadata import version
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from mining_the_mines.models.complete import MineClassifier, MineSegmenter

PROGRAM: Final = "model.pt2"
#: Program of novelty beside it, which models of earlier versions lack.
NOVELTY: Final = "novelty.pt2"
DESCRIPTION: Final = "description.json"
#: Edge in metres of a chip's pixels by default: Sentinel-2's finest bands.
PIXEL_METRES: Final = 10.0
#: Libraries whose versions a program is tied to.
LIBRARIES: Final = ("mining_the_mines", "torch", "timm", "scikit-learn")


class ReflectanceRange(BaseModel):
    """Limits of plausible reflectance, as checked on the training chips."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lowest: float = Field(..., description="Reflectance below it is implausible.")
    highest: float = Field(..., description="Reflectance above it is implausible.")
    implausible_share: float = Field(..., description="Share of a chip's values that may be so all the same.")
    nodata_share: float = Field(..., description="Share of a chip's values that may lack data.")


class ModelDescription(BaseModel):
    """An exported model: its input, its output, and their meaning."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: Literal["classification", "segmentation"] = Field(
        ..., description="Whether it judges chips as wholes, or each of their pixels."
    )
    decided_by: str = Field(..., description="Name of the model that decides, or blend.")
    architecture: str = Field("a model", description="Kind of the model that decides, in words.")
    teacher: str | None = Field(
        None, description="Version or content hash of the model that taught it; null if it learnt from labels."
    )
    bands: tuple[str, ...] = Field(..., description="Sentinel-2 bands, in the order of the input's second axis.")
    chip_size: int = Field(..., description="Rows and columns of a chip.")
    pixel_metres: float = Field(..., description="Edge of a pixel on the ground.")
    reflectance: str = Field(
        "Surface reflectance as float32: 1.0 is all light, typical ground is 0 to 0.5. From digital numbers of level "
        "2A since processing baseline 04.00: (number - 1000) / 10000. NaN marks pixels without data.",
        description="What the input's numbers mean.",
    )
    plausible: ReflectanceRange = Field(..., description="Limits that a chip must keep.")
    input: str = Field(..., description="Shape and type of the input.")
    output: str = Field(..., description="Shape, type and meaning of the output.")
    threshold: float = Field(..., description="Probability from which a chip, or a pixel, counts as a mine.")
    versions: dict[str, str] = Field(..., description="Versions of what wrote it.")


def describe(model: MineClassifier | MineSegmenter, pixel_metres: float = PIXEL_METRES) -> ModelDescription:
    """Describe a model's input and output: bands, scale, size, threshold, versions."""
    chips, size = model.chips, model.window
    whole = isinstance(model, MineClassifier)
    each = "(B,) float64: probability of a mine in each chip" if whole else (
        f"(B, {size}, {size}) float32: probability of a mine at each pixel, NaN where one lacks a band"
    )  # fmt: skip
    return ModelDescription(
        task="classification" if whole else "segmentation",
        decided_by=model.chosen if isinstance(model, MineClassifier) else "network",
        architecture=model.architecture,
        teacher=None if isinstance(model, MineClassifier) else model.teacher,
        bands=chips.bands,
        chip_size=size,
        pixel_metres=pixel_metres,
        plausible=ReflectanceRange(
            lowest=chips.lowest_reflectance,
            highest=chips.highest_reflectance,
            implausible_share=chips.max_implausible_share,
            nodata_share=chips.max_nodata_share,
        ),
        input=f"(B, {len(chips.bands)}, {size}, {size}) float32: B chips of reflectance, bands in this order",
        output=f"{each}, 0 to 1",
        threshold=model.threshold,
        versions={library: version(library) for library in LIBRARIES},
    )


def read_description(folder: Path) -> ModelDescription:
    """Read the description of an exported model.

    Args:
        folder: As :func:`mining_the_mines.models.export.export_model` filled it.

    Raises:
        FileNotFoundError: The folder holds no exported model.
    """
    return ModelDescription.model_validate_json((folder / DESCRIPTION).read_text(encoding="utf-8"))
