"""Composites as files: an image of reflectance, the number of clear dates of each pixel, and a record of both."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from odc.geo.geobox import GeoBox
from pydantic import TypeAdapter, ValidationError

from mining_the_mines.core.atomic import whole_file
from mining_the_mines.core.errors import SceneError
from mining_the_mines.rasters.cog import CogLayout, write_cog
from mining_the_mines.sentinel2.reflectance import NODATA, OFFSET, QUANTIFICATION

#: Lists the regions of a folder; written last, so a folder without it is incomplete.
INDEX: Final = "composites.json"
#: Sub-folder of the rasters of clear dates, so that their names can't collide with a region's.
CLEAR_DATES: Final = "clear_dates"


class NoCompositeError(SceneError):
    """No composite of a region can be made; the message says why."""


@dataclass(frozen=True)
class Fault:
    """A scene that could not be read, or not all of it.

    Attributes:
        item: Id of the scene.
        reason: What went wrong.
    """

    item: str
    reason: str


@dataclass(frozen=True)
class BlockFault(Fault):
    """A scene that could not be read for some blocks of a region; the other blocks use it.

    Attributes:
        blocks: Number of blocks that lack the scene.
        of: Number of all blocks.
    """

    blocks: int
    of: int


@dataclass(frozen=True)
class CompositeRecord:
    """Facts about a composite beside its pixels.

    Attributes:
        region: Name of the region.
        content_hash: SHA-256 of everything that the pixels depend on.
        dates: Days of the scenes that were read, in order; a day counts once, however many granules it has, and also
            where clouds left nothing of it.
        baselines: Processing baselines of the scenes, such as ``03.01``, in order, each once.
        method: ``median``, ``geomedian`` or ``medoid``.
        faults: Scenes that could not be read, or not everywhere.
        notes: Doubts about the scenes' offsets, a sentence each.
    """

    region: str
    content_hash: str
    dates: tuple[date, ...]
    baselines: tuple[str, ...]
    method: str
    faults: tuple[BlockFault, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Composite(CompositeRecord):
    """The composite of one region. Both rasters lie on the same 10 m grid in the region's UTM zone.

    Attributes:
        image: GeoTIFF, uint16 (bands, height, width): digital numbers as in
            :mod:`mining_the_mines.sentinel2.reflectance`, with scale and offset in the file's tags, nodata 0, and the
            names of the bands as descriptions.
        clear_dates: GeoTIFF, uint16 (1, height, width): the number of clear dates of each pixel.
    """

    image: Path
    clear_dates: Path


RECORD: Final = TypeAdapter(CompositeRecord)
_INDEX: Final = TypeAdapter(dict[str, tuple[str, ...]])


def read_composite(folder: Path, region: str) -> Composite | None:
    """Find the composite of a region in a folder.

    Returns:
        The composite; ``None`` if it is missing or incomplete.
    """
    try:
        record = RECORD.validate_json(record_path(folder, region).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
    composite = _with_paths(folder, record)
    return composite if composite.image.is_file() and composite.clear_dates.is_file() else None


def composite_files(folder: Path, composite: Composite) -> tuple[Path, ...]:
    """List all files of a composite."""
    return record_path(folder, composite.region), composite.image, composite.clear_dates


def write_index(folder: Path, regions: Sequence[str]) -> None:
    """Write the list of the regions whose composites belong together."""
    with whole_file(folder / INDEX) as draft:
        draft.write_text(json.dumps({"regions": list(regions)}, indent=1) + "\n", encoding="utf-8")


def open_composites(folder: Path) -> tuple[Composite, ...]:
    """Open the composites that a folder lists.

    Args:
        folder: With an index, as :func:`write_index` writes it.

    Returns:
        One a region.

    Raises:
        SceneError: The folder holds no composites, or one of them or their list is incomplete.
    """
    try:
        regions = _INDEX.validate_json((folder / INDEX).read_bytes())["regions"]
    except FileNotFoundError:
        raise SceneError(f"{folder} holds no composites: run compositing first.") from None
    except (ValidationError, KeyError) as error:
        raise SceneError(f"{folder / INDEX} is cut off or lists no composites: run compositing again.") from error
    composites = {region: read_composite(folder, region) for region in regions}
    missing = [region for region, composite in composites.items() if composite is None]
    if missing:
        raise SceneError(f"{folder} lacks the composite of {', '.join(missing)}: run compositing again.")
    return tuple(composite for composite in composites.values() if composite is not None)


@dataclass(frozen=True)
class Part:
    """A block on disk, until its region is complete.

    Attributes:
        path: Array uint16 (bands + 1, height, width), the numbers of clear dates last.
        rows: Rows of the region.
        columns: Columns of the region.
    """

    path: Path
    rows: slice
    columns: slice

    def pixels(self) -> npt.NDArray[np.uint16]:
        """The block's array, mapped into memory."""
        mapped: npt.NDArray[np.uint16] = np.load(self.path, mmap_mode="r")
        return mapped

    def finish(self, faults: Sequence[Fault]) -> None:
        """Mark the block as complete, with the scenes that could not be read for it."""
        with whole_file(self._notes) as draft:
            draft.write_text(json.dumps([[fault.item, fault.reason] for fault in faults]), encoding="utf-8")

    def is_complete(self) -> bool:
        """Whether the block was finished; its notes are written after its pixels."""
        return self._notes.is_file() and self.path.is_file()

    def faults(self) -> tuple[Fault, ...]:
        """Scenes that could not be read for the block."""
        return tuple(Fault(item, reason) for item, reason in json.loads(self._notes.read_text(encoding="utf-8")))

    @property
    def _notes(self) -> Path:
        return self.path.with_suffix(".json")


def write_composite(
    folder: Path, record: CompositeRecord, bands: Sequence[str], grid: GeoBox, parts: Sequence[Part]
) -> Composite:
    """Join the blocks of a region to Cloud-Optimized GeoTIFFs. The record is written last and marks it as complete.

    Args:
        folder: Folder of composites.
        record: Facts about the composite.
        bands: Names of its bands.
        grid: Its grid.
        parts: Its blocks.

    Returns:
        The composite.
    """
    composite = _with_paths(folder, record)
    record_path(folder, record.region).unlink(missing_ok=True)
    tags = _tags(record)
    with whole_file(composite.image) as draft:
        _write_cog(draft, grid, parts, slice(0, len(bands)), tuple(bands), tags)
    with whole_file(composite.clear_dates) as draft:
        _write_cog(draft, grid, parts, slice(len(bands), None), ("clear dates",), tags)
    with whole_file(record_path(folder, record.region)) as draft:
        draft.write_bytes(RECORD.dump_json(record, indent=1))
    return composite


def record_path(folder: Path, region: str) -> Path:
    """Path of the record of a region's composite, which is written last."""
    return folder / f"{region}.composite.json"


def _with_paths(folder: Path, record: CompositeRecord) -> Composite:
    image, clear = folder / f"{record.region}.tif", folder / CLEAR_DATES / f"{record.region}.tif"
    return Composite(**vars(record), image=image, clear_dates=clear)


def _tags(record: CompositeRecord) -> dict[str, str]:
    """Tags of both files. The content hash is not among them: the same pixels give the same bytes."""
    days = [day.isoformat() for day in record.dates]
    return {
        "REGION": record.region,
        "METHOD": record.method,
        "DATES": " ".join(days),
        "START": days[0] if days else "",
        "END": days[-1] if days else "",
        "PROCESSING_BASELINES": " ".join(record.baselines),
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
        compression="zstd",
    )
    pixels = ((part.rows, part.columns, part.pixels()[planes]) for part in parts)
    write_cog(path, layout, pixels, tags)
