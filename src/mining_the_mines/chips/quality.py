"""Requirements for a chip that is learnt from, and the check that enough chips meet them."""

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from pydantic import Field

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.execution_fields import EXECUTION_ONLY
from mining_the_mines.geo.grid import pixel_metres
from mining_the_mines.rasters.chip import Chip, read_chip
from mining_the_mines.rasters.judge import Limits, Verdict, judge_pixels, pixel_size_fault
from mining_the_mines.rasters.reader import RasterFormat

ACCEPTED: Final = "accepted"
REJECTED: Final = "rejected"


class ChipSettings(RasterFormat):
    """Which chips are read, how, and the requirements that they must meet."""

    size: int | None = Field(
        None, ge=1, description="Rows and columns that a chip must have; null for those that most chips have."
    )
    max_nodata_share: float = Field(0.5, ge=0, le=1, description="A chip with a larger share without data is rejected.")
    lowest_reflectance: float = Field(
        -0.09, description="Reflectance below this is implausible, and could not be packed either."
    )
    highest_reflectance: float = Field(2.0, description="Reflectance above this is implausible, even for sunlit cloud.")
    max_implausible_share: float = Field(
        0.05, ge=0, le=1, description="A chip with a larger share of implausible values is rejected."
    )
    near_duplicate_bits: int = Field(
        12,
        ge=0,
        description="Chips whose perceptual hashes differ in at most this many bits (of 64 a picture) are near "
        "duplicates.",
    )
    min_chips_per_class: int = Field(10, ge=1, description="With fewer mines or fewer other chips the run stops.")
    pixel: float | None = Field(
        10.0,
        gt=0,
        description="Edge in metres of the pixels of chips and scenes, up to a fifth more or less; 10 for Sentinel-2. "
        "Null to accept chips with any pixels.",
    )
    workers: int = Field(2, ge=1, description="Threads that read chips.", json_schema_extra=EXECUTION_ONLY)

    @property
    def limits(self) -> Limits:
        """Limits of usable pixels."""
        return Limits(
            self.max_nodata_share, self.lowest_reflectance, self.highest_reflectance, self.max_implausible_share
        )

    def read(self, path: Path) -> Chip:
        """Read a chip in this format; see :func:`mining_the_mines.rasters.chip.read_chip`."""
        return read_chip(path, self)

    def for_model(self, trained: "ChipSettings") -> "ChipSettings":
        """Settings to read unlabelled chips with.

        Args:
            trained: Settings of the chips that a model was trained on.

        Returns:
            The same, with what is stated here instead; bands, size and pixel are always the model's.
        """
        stated = self.model_fields_set - {"bands", "size", "pixel"}
        return trained.model_copy(update={name: getattr(self, name) for name in stated})


def judge_chip(chip: Chip, settings: ChipSettings) -> Verdict:
    """Judge a chip by its pixels, their size and its band names.

    Args:
        chip: The chip.
        settings: Requirements.

    Returns:
        ``fault: detail`` for the first fault found, if any, and the doubts about a good chip.
    """
    odd_pixels = _pixel_fault(chip, settings.pixel)
    if odd_pixels is not None:
        return Verdict(odd_pixels)
    verdict = judge_pixels(chip.reflectance, chip.bands, settings.limits)
    return Verdict(verdict.fault, (*chip.doubts, *verdict.doubts))


def nodata_share(chip: Chip) -> float:
    """Return the share of a chip's values (over all bands) without data, 0 to 1."""
    return float(np.isnan(chip.reflectance).mean())


def check_sufficiency(manifest: pd.DataFrame, min_per_class: int, table: Path) -> None:
    """Check that enough accepted chips of both classes are left.

    Where no chip has a label (polygons decide what is a mine), only the total counts.

    Args:
        manifest: Inventory of the chips.
        min_per_class: Accepted chips that each class needs.
        table: File with the reasons of the rejected chips, for the message.

    Raises:
        BadInputError: There are fewer; the message counts the rejected chips by reason, with examples and the way out.
    """
    labels = manifest.loc[manifest["verdict"] == ACCEPTED, "label"]
    mines, others = int((labels == 1).sum()), int((labels == 0).sum())
    found = f"{mines} chips with and {others} without a mine can be used where {min_per_class} of each are needed"
    enough = min(mines, others) >= min_per_class
    if manifest["label"].isna().all():
        found = f"{len(labels)} chips can be used where {min_per_class} are needed"
        enough = len(labels) >= min_per_class
    if enough:
        return
    told = describe_rejected(manifest)
    reasons = f" (rejected: {told}; {table} lists the reason of each)" if told else ""
    raise BadInputError(
        f"Only {found}{reasons}: add labelled chips, mend the rejected ones, or lower min_chips_per_class."
    )


def describe_rejected(manifest: pd.DataFrame) -> str:
    """Count the rejected chips of a manifest by fault, the most frequent first, with an example of each."""
    rejected = manifest.loc[manifest["verdict"] == REJECTED, ["filename", "reason"]]
    faults = rejected["reason"].str.split(":").str[0]
    told = []
    for fault, count in faults.value_counts().items():
        name, reason = rejected[faults == fault].iloc[0]
        told.append(f"{count} {fault} (such as {name}: {str(reason).partition(':')[2].strip()})")
    return ", ".join(told)


def _pixel_fault(chip: Chip, wanted: float | None) -> str | None:
    """Compare the pixels of a chip with those wanted; a chip without a place on Earth says nothing of its pixels."""
    if wanted is None or chip.grid is None:
        return None
    try:
        sizes = pixel_size_fault(pixel_metres(chip.grid), wanted)
    except BadInputError:
        return None
    return sizes and f"other pixels: they are {sizes}; resample the chip, or train on such chips with imagery.pixel"
