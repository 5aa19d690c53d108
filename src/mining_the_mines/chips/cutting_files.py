"""Files of chips that are cut: a GeoTIFF each, the table of labels, and the list of chips and places left out."""

import csv
import hashlib
import io
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from rasterio.io import MemoryFile

from mining_the_mines.chips.cutting_plan import Cutout, LeftOut
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.polygon_index import MineCover
from mining_the_mines.scenes.composite_files import Composite
from mining_the_mines.sentinel2.reflectance import NODATA

IMAGES: Final = "images"
UNLABELLED: Final = "unlabelled"
LABELS: Final = "labels.csv"
LEFT_OUT: Final = "left_out.csv"
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
    "corrections",
)
_LEFT_OUT_COLUMNS: Final = ("filename", "place", "region", "reason", "mine_share", "longitude", "latitude")


@dataclass(frozen=True)
class CutChip:
    """A chip that was cut.

    Attributes:
        cutout: Where it lies.
        numbers: Digital numbers as in the composite, uint16 (bands, height, width).
        bands: Names of the bands.
        scales: Scale of each band, from the composite's tags.
        offsets: Offset of each band, from the composite's tags.
        clear_dates: Least, median and largest number of clear dates of its pixels.
        label: 1 for a mine, 0 for none; ``None`` for an ambiguous chip.
        cover: Mine on it; ``None`` without polygons.
        look_alike: Category of the first rejected place on it; empty if there is none.
        corrections: Ids of the corrected places on it.
    """

    cutout: Cutout
    numbers: npt.NDArray[np.uint16]
    bands: tuple[str, ...]
    scales: tuple[float, ...]
    offsets: tuple[float, ...]
    clear_dates: tuple[int, float, int]
    label: int | None
    cover: MineCover | None
    look_alike: str = ""
    corrections: tuple[str, ...] = ()

    @property
    def filename(self) -> str:
        """Name of its file."""
        return f"{self.cutout.name}.tif"


@dataclass
class ChipWriter:
    """Writes chips and collects the rows of their tables.

    Attributes:
        draft: Folder that is written to.
        labelling: Whether chips have labels.
        mine_share: Share of a chip's ground from which it is a mine.
        left_out: Chips and places without label.
        labels: Rows of the table of labels.
        unlabelled: Number of chips without label.
        digest: Hash of all chips with their names, and of both tables.
    """

    draft: Path
    labelling: bool
    mine_share: float
    left_out: list[LeftOut]
    labels: list[dict[str, object]] = field(default_factory=list)
    unlabelled: int = 0
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def __post_init__(self) -> None:
        for name in (IMAGES, UNLABELLED):
            (self.draft / name).mkdir()

    @property
    def mines(self) -> int:
        """Number of chips labelled as a mine."""
        return sum(row["label"] == 1 for row in self.labels)

    def add(self, chip: CutChip | LeftOut) -> None:
        """Write a chip, or list one that was left out."""
        if isinstance(chip, LeftOut):
            self.left_out.append(chip)
            return
        content = _encode(chip)
        self.digest.update(f"{chip.filename} {len(content)}\n".encode() + content)
        (self.draft / (UNLABELLED if chip.label is None else IMAGES) / chip.filename).write_bytes(content)
        if chip.label is not None:
            self.labels.append(_label_row(chip, chip.label))
            return
        self.unlabelled += 1
        if chip.cover is not None:
            self.left_out.append(_ambiguous(chip, chip.cover, self.mine_share))

    def check_yield(self, cut: int) -> None:
        """Raise :class:`BadInputError` if none of so many chips can be used, or none can be labelled."""
        reasons = Counter(found.reason.split(":")[0] for found in self.left_out)
        listed = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
        if not self.labels and not self.unlabelled:
            raise BadInputError(
                f"None of the {cut} chips can be used ({listed}): allow more dates, or a larger "
                "cutting.max_nodata_share."
            )
        if not self.labels and self.labelling:
            raise BadInputError(
                f"None of the {cut} chips can be labelled ({listed}): lower cutting.mine_share or raise "
                "cutting.clear_share."
            )

    def write_tables(self) -> None:
        """Write the tables, once all chips were added."""
        tables = {LEFT_OUT: _table(_LEFT_OUT_COLUMNS, map(_left_out_row, self.left_out))}
        if self.labelling:
            tables[LABELS] = _table(_LABEL_COLUMNS, self.labels)
        for name, text in tables.items():
            (self.draft / name).write_text(text, encoding="utf-8")
            self.digest.update(text.encode())


def left_out(cutout: Cutout, reason: str, mine_share: float, filename: str = "") -> LeftOut:
    """Describe a chip that is left out."""
    return LeftOut(
        reason,
        filename=filename,
        place=cutout.place,
        region=cutout.composite.region,
        mine_share=mine_share,
        longitude=cutout.longitude,
        latitude=cutout.latitude,
    )


def _ambiguous(chip: CutChip, cover: MineCover, mine_share: float) -> LeftOut:
    if cover.whole >= mine_share:
        reason = f"ambiguous: {cover.whole:.2%} of it is mine, but only {cover.visible:.2%} of it has data"
    else:
        reason = f"ambiguous: {cover.whole:.2%} of it is mine, more than none and less than a mine needs"
    return left_out(chip.cutout, reason, cover.whole, chip.filename)


def _encode(chip: CutChip) -> bytes:
    """Encode a chip as a GeoTIFF.

    Besides bands, place, scale and offset it holds the tags ``REGION``, ``METHOD``, ``DATES`` (days in ISO format,
    separated by spaces), ``START`` and ``END`` (the first and the last), and ``CLEAR_DATES_MIN``,
    ``CLEAR_DATES_MEDIAN`` and ``CLEAR_DATES_MAX`` of its pixels.
    """
    count, height, width = chip.numbers.shape
    least, median, most = chip.clear_dates
    composite = chip.cutout.composite
    start, end = _period(composite)
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
                REGION=composite.region,
                METHOD=composite.method,
                DATES=" ".join(day.isoformat() for day in composite.dates),
                START=start,
                END=end,
                CLEAR_DATES_MIN=str(least),
                CLEAR_DATES_MEDIAN=f"{median:g}",
                CLEAR_DATES_MAX=str(most),
            )
        return bytes(memory.read())


def _period(composite: Composite) -> tuple[str, str]:
    days = composite.dates
    return (days[0].isoformat(), days[-1].isoformat()) if days else ("", "")


def _label_row(chip: CutChip, label: int) -> dict[str, object]:
    cutout, cover = chip.cutout, chip.cover
    start, end = _period(cutout.composite)
    return {
        "filename": chip.filename,
        "label": label,
        "category": chip.look_alike if not label else "" if cover is None else cover.kind,
        "longitude": f"{cutout.longitude:.6f}",
        "latitude": f"{cutout.latitude:.6f}",
        "group": cutout.group,
        "mine_share": "" if cover is None else f"{cover.visible:.6f}",
        "region": cutout.composite.region,
        "start": start,
        "end": end,
        "corrections": " ".join(chip.corrections),
    }


def _left_out_row(found: LeftOut) -> dict[str, str]:
    numbers = {name: getattr(found, name) for name in ("mine_share", "longitude", "latitude")}
    known = {name: "" if math.isnan(value) else f"{value:.6f}" for name, value in numbers.items()}
    return {"filename": found.filename, "place": found.place, "region": found.region, "reason": found.reason} | known


def _table(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
