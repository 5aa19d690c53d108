"""Chips that were cut, as files: images, labels, and what was left out."""

import csv
import hashlib
import io
import logging
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from rasterio.io import MemoryFile

from mining_the_mines.chips.cutting import ChipCutting, CutChip, CuttingSettings
from mining_the_mines.chips.cutting_labels import MineCover
from mining_the_mines.chips.cutting_plan import LeftOut
from mining_the_mines.core.array_files import flush
from mining_the_mines.core.atomic import whole_folder
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.paths import tell
from mining_the_mines.scenes.composite_files import Composite
from mining_the_mines.sentinel2.reflectance import NODATA

logger = logging.getLogger(__name__)

IMAGES: Final = "images"
UNLABELLED: Final = "unlabelled"
LABELS: Final = "labels.csv"
LEFT_OUT: Final = "left_out.csv"
RECORD: Final = "cutting.json"

_LABEL_COLUMNS: Final = (
    "filename",
    "label",
    "category",
    "longitude",
    "latitude",
    "group",
    "mine_share",
    "region",
    "start",
    "end",
)
_LEFT_OUT_COLUMNS: Final = ("filename", "place", "region", "reason", "mine_share", "longitude", "latitude")


class CuttingRecord(BaseModel):
    """What a folder of chips was cut from and how; the file ``cutting.json``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = Field(1, description="Version of this layout.")
    settings: CuttingSettings = Field(description="How the chips were cut.")
    composites: dict[str, str] = Field(description="Region → SHA-256 of all that its composite depends on.")
    outlines: str | None = Field(description="Where the outlines came from; null if there were none.")
    mines: int = Field(description="Chips labelled as a mine.")
    others: int = Field(description="Chips labelled as no mine.")
    unlabelled: int = Field(description="Chips without label.")
    left_out: int = Field(description="Chips and places that were left out, the ambiguous ones included.")
    content_hash: str = Field(description="SHA-256 of all chips with their names, and of both tables.")


def write_chips(cutting: ChipCutting, folder: Path) -> CuttingRecord:
    """Cut chips and write them one by one; the folder appears whole or not at all.

    - ``images/*.tif``: labelled chips, uint16 with scale and offset in their tags, nodata 0, bands by name, in the
      composite's UTM zone; their tags tell dates and clear dates.
    - ``unlabelled/*.tif``: ambiguous chips, or all of them where there are no outlines.
    - ``labels.csv``: filename, label, category (kind of mine), longitude, latitude, group, mine_share, region, start
      and end; only if there are outlines.
    - ``left_out.csv``: what got no label, with the reason.
    - ``cutting.json``: :class:`CuttingRecord`.

    Args:
        cutting: The chips.
        folder: Where to.

    Returns:
        What was written.

    Raises:
        BadInputError: If a composite can't be read, every chip lacks data, or none can be labelled.
        BadInputError: If the folder can't be written or the disk is full.
    """
    with whole_folder(folder) as draft:
        for name in (IMAGES, UNLABELLED):
            (draft / name).mkdir()
        written = _write_images(cutting, draft)
        _check_yield(cutting, written)
        tables = {LEFT_OUT: _table(_LEFT_OUT_COLUMNS, map(_left_out_row, written.left_out))}
        if cutting.index is not None:
            tables[LABELS] = _table(_LABEL_COLUMNS, written.labels)
        for name, text in tables.items():
            (draft / name).write_text(text, encoding="utf-8")
            written.digest.update(text.encode())
        record = _record(cutting, written, folder)
        with (draft / RECORD).open("w", encoding="utf-8") as file:
            file.write(record.model_dump_json(indent=2) + "\n")
            flush(file)
    logger.info("%d chips with and %d without a mine, %d unlabelled.", record.mines, record.others, record.unlabelled)
    return record


def read_cutting(folder: Path) -> CuttingRecord:
    """Find out what a folder of chips was cut from and how.

    Args:
        folder: As :func:`write_chips` left it.

    Returns:
        What was written.

    Raises:
        BadInputError: If the folder was not cut, or by another version.
    """
    path = folder / RECORD
    try:
        return CuttingRecord.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError:
        raise BadInputError(f"{folder} holds no chips that were cut from composites: cut them first.") from None
    except (ValidationError, UnicodeDecodeError) as error:
        raise BadInputError(f"{path} is no record of cut chips ({type(error).__name__}): cut them again.") from error


def holds_unlabelled(folder: Path) -> bool:
    """Tell whether a folder is where cutting puts chips without label; it is empty where every chip has one.

    Args:
        folder: Any.

    Returns:
        Whether :func:`write_chips` made it.
    """
    return folder.name == UNLABELLED and (folder.parent / RECORD).is_file()


def encode_chip(chip: CutChip) -> bytes:
    """Encode a chip as a GeoTIFF.

    Args:
        chip: As it was cut.

    Returns:
        Content of the file. Besides bands, place, scale and offset it holds the tags ``REGION``, ``METHOD``, ``DATES``
        (days in ISO format, separated by spaces), ``START`` and ``END`` (the first and the last), and
        ``CLEAR_DATES_MIN``, ``CLEAR_DATES_MEDIAN`` and ``CLEAR_DATES_MAX`` of its pixels.
    """
    count, height, width = chip.numbers.shape
    least, median, most = chip.clear_dates
    start, end = _period(chip.cutout.composite)
    with MemoryFile() as memory:
        with memory.open(
            driver="GTiff",
            count=count,
            height=height,
            width=width,
            dtype="uint16",
            nodata=NODATA,
            crs=chip.cutout.grid.crs,
            transform=chip.cutout.grid.transform,
            compress="deflate",
            predictor=2,
            interleave="band",
        ) as file:
            file.write(chip.numbers)
            file.descriptions = chip.bands
            file.scales, file.offsets = chip.scales, chip.offsets
            file.update_tags(
                REGION=chip.cutout.composite.region,
                METHOD=chip.cutout.composite.method,
                DATES=" ".join(_days(chip.cutout.composite)),
                START=start,
                END=end,
                CLEAR_DATES_MIN=str(least),
                CLEAR_DATES_MEDIAN=f"{median:g}",
                CLEAR_DATES_MAX=str(most),
            )
        return bytes(memory.read())


@dataclass
class _Written:
    """What has been written so far."""

    labels: list[dict[str, object]]
    unlabelled: int
    left_out: list[LeftOut]
    digest: "hashlib._Hash"


def _write_images(cutting: ChipCutting, draft: Path) -> _Written:
    written = _Written([], 0, list(cutting.plan.left_out), hashlib.sha256())
    for chip in cutting:
        if isinstance(chip, LeftOut):
            written.left_out.append(chip)
            continue
        content = encode_chip(chip)
        filename = _filename(chip)
        written.digest.update(f"{filename} {len(content)}\n".encode() + content)
        (draft / (UNLABELLED if chip.label is None else IMAGES) / filename).write_bytes(content)
        if chip.label is not None:
            written.labels.append(_label_row(chip, chip.label))
            continue
        written.unlabelled += 1
        if chip.cover is not None:
            written.left_out.append(_ambiguous(chip, chip.cover, cutting.settings))
    return written


def _filename(chip: CutChip) -> str:
    return f"{chip.cutout.name}.tif"


def _days(composite: Composite) -> tuple[str, ...]:
    return tuple(day.isoformat() for day in composite.dates)


def _period(composite: Composite) -> tuple[str, str]:
    days = _days(composite)
    return (days[0], days[-1]) if days else ("", "")


def _label_row(chip: CutChip, label: int) -> dict[str, object]:
    cutout, cover = chip.cutout, chip.cover
    start, end = _period(cutout.composite)
    return {
        "filename": _filename(chip),
        "label": label,
        "category": cover.kind if cover is not None and label else "",
        "longitude": f"{cutout.longitude:.6f}",
        "latitude": f"{cutout.latitude:.6f}",
        "group": cutout.group,
        "mine_share": "" if cover is None else f"{cover.visible:.6f}",
        "region": cutout.composite.region,
        "start": start,
        "end": end,
    }


def _ambiguous(chip: CutChip, cover: MineCover, settings: CuttingSettings) -> LeftOut:
    if cover.whole >= settings.mine_share:
        reason = f"ambiguous: {cover.whole:.2%} of it is mine, but only {cover.visible:.2%} of it has data"
    else:
        reason = f"ambiguous: {cover.whole:.2%} of it is mine, more than none and less than a mine needs"
    cutout = chip.cutout
    return LeftOut(
        reason,
        filename=_filename(chip),
        place=cutout.place,
        region=cutout.composite.region,
        mine_share=cover.whole,
        longitude=cutout.longitude,
        latitude=cutout.latitude,
    )


def _left_out_row(found: LeftOut) -> dict[str, object]:
    return {
        "filename": found.filename,
        "place": found.place,
        "region": found.region,
        "reason": found.reason,
        "mine_share": _known(found.mine_share),
        "longitude": _known(found.longitude),
        "latitude": _known(found.latitude),
    }


def _known(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6f}"


def _table(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _check_yield(cutting: ChipCutting, written: _Written) -> None:
    reasons = Counter(found.reason.split(":")[0] for found in written.left_out)
    listed = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
    if not written.labels and not written.unlabelled:
        raise BadInputError(
            f"None of the {len(cutting)} chips can be used ({listed}): allow more dates, or a larger "
            "cutting.max_nodata_share."
        )
    if not written.labels and cutting.index is not None:
        raise BadInputError(
            f"None of the {len(cutting)} chips can be labelled ({listed}): lower cutting.mine_share or raise "
            "cutting.clear_share."
        )


def _record(cutting: ChipCutting, written: _Written, folder: Path) -> CuttingRecord:
    mines = sum(row["label"] == 1 for row in written.labels)
    return CuttingRecord(
        settings=cutting.settings,
        composites={composite.region: composite.content_hash for composite in cutting.composites},
        outlines=None if cutting.index is None else tell(cutting.index.outlines.source, folder),
        mines=mines,
        others=len(written.labels) - mines,
        unlabelled=written.unlabelled,
        left_out=len(written.left_out),
        content_hash=written.digest.hexdigest(),
    )
