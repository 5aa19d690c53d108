"""Writing a composite: blocks first, then one Cloud-Optimized GeoTIFF of them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from odc.geo.geobox import GeoBox

from mining_the_mines.core.atomic import whole_file
from mining_the_mines.rasters.cog import CogLayout, write_cog
from mining_the_mines.scenes.composite_files import RECORD, Composite, CompositeRecord, record_path, with_paths
from mining_the_mines.scenes.faults import Fault
from mining_the_mines.sentinel2.reflectance import NODATA, OFFSET, QUANTIFICATION


@dataclass(frozen=True)
class Part:
    """A block on disk, until its region is whole.

    Attributes:
        path: Of an array uint16 (bands + 1, height, width), clear dates last.
        rows: Of the region.
        columns: Of the region.
    """

    path: Path
    rows: slice
    columns: slice

    @property
    def _notes(self) -> Path:
        return self.path.with_suffix(".json")

    def finish(self, faults: Sequence[Fault]) -> None:
        """Note that the block is whole, and what could not be read for it."""
        with whole_file(self._notes) as draft:
            draft.write_text(json.dumps([[fault.item, fault.reason] for fault in faults]), encoding="utf-8")

    def is_whole(self) -> bool:
        """Whether the block is there; its notes are written after its pixels."""
        return self._notes.is_file() and self.path.is_file()

    def faults(self) -> tuple[Fault, ...]:
        """Scenes that could not be read for it."""
        return tuple(Fault(item, reason) for item, reason in json.loads(self._notes.read_text(encoding="utf-8")))


def lacking(folder: Path) -> bool:
    """Whether a block of a folder lacks a scene that could not be read."""
    return any(json.loads(notes.read_text(encoding="utf-8")) for notes in folder.glob("*.json"))


def write_composite(
    folder: Path, record: CompositeRecord, bands: Sequence[str], grid: GeoBox, parts: Sequence[Part]
) -> Composite:
    """Join a region's blocks to Cloud-Optimized GeoTIFFs. The record is written last: without it there is no composite.

    Args:
        folder: Where to.
        record: What is known of the composite.
        bands: Names of its bands.
        grid: Its grid.
        parts: Its blocks.

    Returns:
        The composite.
    """
    composite = with_paths(folder, record)
    record_path(folder, record.region).unlink(missing_ok=True)
    tags = _tags(record)
    with whole_file(composite.image) as draft:
        _write_cog(draft, grid, parts, slice(0, len(bands)), tuple(bands), tags)
    with whole_file(composite.clear_dates) as draft:
        _write_cog(draft, grid, parts, slice(len(bands), None), ("clear dates",), tags)
    with whole_file(record_path(folder, record.region)) as draft:
        draft.write_bytes(RECORD.dump_json(record, indent=1))
    return composite


def _tags(record: CompositeRecord) -> dict[str, str]:
    days = [day.isoformat() for day in record.dates]
    return {
        "REGION": record.region,
        "METHOD": record.method,
        "DATES": " ".join(days),
        "START": days[0] if days else "",
        "END": days[-1] if days else "",
        "PROCESSING_BASELINES": " ".join(record.baselines),
        "CONTENT_HASH": record.content_hash,
    }


def _write_cog(
    path: Path, grid: GeoBox, parts: Sequence[Part], planes: slice, bands: tuple[str, ...], tags: dict[str, str]
) -> None:
    reflectance = planes.start == 0
    layout = CogLayout(
        crs=grid.crs.to_wkt() if grid.crs else None,
        transform=grid.transform,
        height=grid.shape[0],
        width=grid.shape[1],
        bands=bands,
        dtype="uint16",
        nodata=NODATA if reflectance else None,
        scale=1 / QUANTIFICATION if reflectance else 1.0,
        offset=-OFFSET / QUANTIFICATION if reflectance else 0.0,
        overviews="average" if reflectance else "nearest",
    )
    pixels = ((part.rows, part.columns, np.load(part.path, mmap_mode="r")[planes]) for part in parts)
    write_cog(path, layout, pixels, tags)
