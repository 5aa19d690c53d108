"""Requirements for a chip that is learnt from, and the check that enough chips meet them."""

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.execution_fields import EXECUTION_ONLY
from mining_the_mines.rasters.chip import Chip, read_chip
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
    workers: int = Field(2, ge=1, description="Threads that read chips.", json_schema_extra=EXECUTION_ONLY)

    def read(self, path: Path) -> Chip:
        """Read a chip in this format; see :func:`mining_the_mines.rasters.chip.read_chip`."""
        return read_chip(path, self)

    def for_model(self, trained: "ChipSettings") -> "ChipSettings":
        """Settings to read unlabelled chips with.

        Args:
            trained: Settings of the chips that a model was trained on.

        Returns:
            The same, with what is stated here instead; bands and size are always the model's.
        """
        stated = self.model_fields_set - {"bands", "size"}
        return trained.model_copy(update={name: getattr(self, name) for name in stated})


def find_fault(chip: Chip, settings: ChipSettings) -> str | None:
    """Judge a chip by its pixels alone.

    Args:
        chip: The chip.
        settings: Requirements.

    Returns:
        ``fault: detail`` for the first fault found, or ``None`` for a good chip.
    """
    pixels = chip.reflectance
    lows, highs = pixels.min(axis=(1, 2)), pixels.max(axis=(1, 2))
    if np.isnan(lows).any():
        fault = _nodata_fault(chip, settings)
        if fault is not None:
            return fault
        lows, highs = np.nanmin(pixels, axis=(1, 2)), np.nanmax(pixels, axis=(1, 2))
    if not (np.isfinite(lows).all() and np.isfinite(highs).all()):
        return f"non-finite: {int(np.isinf(pixels).sum())} values are infinite"
    constant = [band for band, low, high in zip(chip.bands, lows, highs, strict=True) if low == high]
    if constant:
        return f"constant: {', '.join(constant)} has the same value everywhere"
    return _implausible_fault(pixels, lows, highs, settings)


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


def _nodata_fault(chip: Chip, settings: ChipSettings) -> str | None:
    shares = np.isnan(chip.reflectance).mean(axis=(1, 2))
    if (shares == 1).all():
        return "empty: no data, or zero in every band"
    share = float(shares.mean())
    if share > settings.max_nodata_share:
        return f"too much nodata: {share:.0%} of its values, where {settings.max_nodata_share:.0%} are allowed"
    blank = [band for band, part in zip(chip.bands, shares, strict=True) if part == 1]
    if blank:
        return f"empty band: {', '.join(blank)} holds no data"
    return None


def _implausible_fault(
    pixels: npt.NDArray[np.float32],
    lows: npt.NDArray[np.float32],
    highs: npt.NDArray[np.float32],
    settings: ChipSettings,
) -> str | None:
    lowest, highest = settings.lowest_reflectance, settings.highest_reflectance
    if lows.min() >= lowest and highs.max() <= highest:
        return None
    share = float(((pixels < lowest) | (pixels > highest)).mean())
    if share <= settings.max_implausible_share:
        return None
    return (
        f"implausible reflectance: {share:.0%} of its values lie outside {lowest:g} to {highest:g} "
        f"(it spans {lows.min():g} to {highs.max():g}); is the scale right?"
    )
