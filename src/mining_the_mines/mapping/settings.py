"""Parameters of mapping."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mining_the_mines.models.predictor import TestTimeAugmentation

Blend = Literal["cosine", "crop"]
Precision = Literal["uint8", "float16", "float32"]
Format = Literal["gpkg", "parquet", "geojson"]


@dataclass(frozen=True)
class Thresholds:
    """The two thresholds of a patch (J. Canny, 1986, doi 10.1109/TPAMI.1986.4767851).

    Attributes:
        seed: Probability that at least one pixel of a patch reaches.
        grow: Probability that all pixels of a patch reach.
    """

    seed: float
    grow: float


class TilingSettings(BaseModel):
    """Windows of a scene, and how they are joined."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    window: int | None = Field(
        None,
        ge=8,
        description="Edge of a window in pixels; null for the edge of the chips that the model was trained on. A "
        "larger window shows a segmenter more context than in training; a classifier takes no other size.",
    )
    overlap: float = Field(
        0.5,
        ge=0,
        lt=1,
        description="Share of a window that overlaps the next one. Costs grow with 1 / (1 - overlap)²; 0.25 is enough "
        "where windows are large compared with the context that a pixel needs.",
    )
    blend: Blend = Field(
        "cosine",
        description="cosine averages overlapping windows, weighted towards the middle of each: smooth, and steadier "
        "than any single window. crop takes each pixel from the window whose middle is nearest: each value comes from "
        "one prediction, and sharp edges stay sharp, but a seam shows where windows disagree.",
    )
    views: TestTimeAugmentation | None = Field(
        None,
        description="Symmetries that the probabilities of a window are averaged over: none, 4 (flips) or 8 (dihedral) "
        "views; null for those of the model. Costs grow with their number.",
    )
    band_rows: int = Field(
        1024,
        ge=1,
        description="Rows of pixels of one task, about; finished tasks are kept if a run is interrupted. Larger tasks "
        "read fewer rows twice; smaller ones spread over more workers.",
    )
    batch: int | None = Field(
        None,
        ge=1,
        description="Windows in a batch of the model; null for as many as suit the device: 2¹⁷ pixels on a CPU, 2²² on "
        "a GPU.",
    )


class VectorSettings(BaseModel):
    """Patches of likely pixels that become polygons."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Probability that a patch must reach somewhere; null for the usual one. Raise it where faint "
        "patches are false alarms: the other patches keep their size. If it is lower than grow and grow is null, grow "
        "is lowered to it.",
    )
    grow: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Probability from which pixels belong to a patch; null for the model's threshold, or seed if that "
        "is lower. Lower it where mines are found but drawn too small.",
    )
    minimum_hectares: float = Field(
        0.1,
        ge=0,
        description="Smallest polygon in hectares: at 10 m, fewer than ten pixels are more often noise than a mine.",
    )
    fill_holes_hectares: float = Field(
        0.0,
        ge=0,
        description="Holes up to this size in hectares are filled, unless they hold nodata; raise it where ponds count "
        "as mine.",
    )
    connectivity: Literal[4, 8] = Field(
        8,
        description="8 joins pixels that touch at a corner, such as pits along a river; 4 separates them.",
    )
    simplify_metres: float = Field(
        0.0,
        ge=0,
        description="Bends are smoothed that enclose less than about the square of this many metres; holes stay inside "
        "and neighbours apart. 0 keeps the edges of the pixels. Hectares stay those of the pixels.",
    )

    @model_validator(mode="after")
    def _seed_is_above_grow(self) -> Self:
        if self.seed is not None and self.grow is not None and self.grow > self.seed:
            raise ValueError(f"A patch can't grow from {self.grow} on around a seed of {self.seed}: lower grow.")
        return self

    def thresholds(self, model_threshold: float, *, usual_seed: Callable[[float], float] | None = None) -> Thresholds:
        """Resolve both thresholds; one that is null follows the model or the other one.

        Args:
            model_threshold: Probability from which the model calls a pixel mine.
            usual_seed: Gives the seed for a ``grow``, not below it, if ``seed`` is null; by default the seed is the
                model's threshold.

        Returns:
            Both thresholds; ``grow`` is never above ``seed``.
        """
        grow = model_threshold if self.grow is None else self.grow
        if self.seed is None:
            return Thresholds(max(model_threshold, grow) if usual_seed is None else usual_seed(grow), grow)
        return Thresholds(self.seed, min(grow, self.seed))


class ConfidenceSettings(BaseModel):
    """Limits of the confidence classes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    high_margin: float = Field(
        0.5,
        ge=0,
        le=1,
        description="A mine has high confidence only if its mean probability is at least this share of the way from "
        "grow to 1.",
    )
    low_margin: float = Field(
        0.15,
        ge=0,
        le=1,
        description="A mine has low confidence if its mean probability is below this share of the way from grow to 1.",
    )
    high_clear_dates: float = Field(
        3,
        ge=0,
        description="A mine has high confidence only with at least this median number of clear dates: of three, one "
        "missed cloud is not the median. Where the number is unknown, no mine has high confidence.",
    )

    @model_validator(mode="after")
    def _low_is_below_high(self) -> Self:
        if self.low_margin > self.high_margin:
            raise ValueError("What is enough for low confidence can't be more than what high confidence asks for.")
        return self


class PermitSettings(BaseModel):
    """Comparison of mines with concessions and protected areas."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    review_hectares: float = Field(
        0.1,
        ge=0,
        description="A mine is marked for review if more hectares than this lie in protected areas or outside every "
        "concession; ten pixels at 10 m, since polygons are no more exact than a pixel or two.",
    )


class MappingSettings(BaseModel):
    """Mapping of whole scenes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Literal["student", "ensemble"] | None = Field(
        None,
        description="student maps with the one network that has learnt from the segmenter, ensemble with the segmenter "
        "itself; null for the student, unless its IoU on the test chips is further below the segmenter's than "
        "student.training.tolerated_loss, or it learnt from another segmenter.",
    )
    resample: bool = Field(
        False,
        description="True to resample scenes with other pixels to those of the model; false to refuse such scenes.",
    )
    tiling: TilingSettings = Field(default_factory=TilingSettings, description="Windows, and how they are joined.")
    precision: Precision = Field(
        "float16",
        description="Type of the probability raster. float16 has three digits; uint8 has steps of 0.004 and takes half "
        "the space or less, enough for whole countries; float32 is for comparing models.",
    )
    vectors: VectorSettings = Field(
        default_factory=VectorSettings,
        description="Patches that become polygons. grow: null for the model's threshold. seed: null for halfway "
        "between grow and 1, so that a patch must look much like a mine somewhere.",
    )
    permits: PermitSettings = Field(
        default_factory=PermitSettings, description="Comparison with concessions and protected areas."
    )
    disagreement: bool = Field(
        False,
        description="True for a second band of the probability raster: the standard deviation between the networks of "
        "the segmenter, 0 to 0.5. It is high where they have learnt different things, as on ground unlike any of the "
        "training. Models of one network have none.",
    )
    geojson: bool = Field(False, description="True to write polygons as GeoJSON beside GeoPackage and GeoParquet.")
    confidence: ConfidenceSettings = Field(
        default_factory=ConfidenceSettings, description="Limits of the confidence classes."
    )

    @property
    def formats(self) -> tuple[Format, ...]:
        """Formats of the polygons of a map."""
        return ("gpkg", "parquet", "geojson") if self.geojson else ("gpkg", "parquet")

    def thresholds(self, model_threshold: float) -> Thresholds:
        """Resolve both thresholds by the rule of :meth:`VectorSettings.thresholds`.

        Args:
            model_threshold: Probability from which a pixel counts as mine, chosen on out-of-fold predictions.

        Returns:
            Both thresholds; the usual seed is halfway between ``grow`` and 1.
        """
        return self.vectors.thresholds(model_threshold, usual_seed=_halfway_to_one)


def _halfway_to_one(grow: float) -> float:
    return (1 + grow) / 2
