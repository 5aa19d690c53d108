"""Composites of whole regions, made block by block; blocks that are already on disk are kept."""

import hashlib
import json
import logging
import math
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import pystac
from odc.geo.geobox import GeoBox

from mining_the_mines.core.atomic import whole_file
from mining_the_mines.core.dask_client import DaskSettings, run_blocks
from mining_the_mines.core.hashing import file_hash
from mining_the_mines.core.progress import Count, uncounted
from mining_the_mines.scenes.composite_files import (
    BlockFault,
    Composite,
    CompositeRecord,
    NoCompositeError,
    Part,
    lacking,
    read_composite,
    write_composite,
    write_index,
)
from mining_the_mines.scenes.compositing import composite_block
from mining_the_mines.scenes.grids import middle_longitude, region_grid
from mining_the_mines.scenes.items import SceneFacts
from mining_the_mines.scenes.reading import SceneStack
from mining_the_mines.scenes.scene_list import SceneChoice
from mining_the_mines.scenes.settings import AccessSettings, CompositingSettings
from mining_the_mines.sentinel2.baseline import offset_left_in, offset_taken_twice
from mining_the_mines.sentinel2.reflectance import decode

#: Goes up when the same scenes and settings begin to give another composite.
VERSION: Final = 1


@dataclass(frozen=True)
class RegionPlan:
    """All that the composite of a region depends on.

    Attributes:
        region: Its name.
        grid: Of the composite.
        items: Scenes as STAC JSON, in order of time.
        bands: Names of the bands, in the order wanted.
        settings: What is masked, and how dates become one.
        access: How assets are reached; plays no part in the result.
        minimum_dates: A composite of scenes of fewer days is none.
    """

    region: str
    grid: GeoBox
    items: tuple[dict[str, Any], ...]
    bands: tuple[str, ...]
    settings: CompositingSettings
    access: AccessSettings
    minimum_dates: int = 1

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of all that the pixels depend on: grid, settings, and scenes with their addresses.

        Of files on disk, what is in them counts, and not where they lie: they may be replaced, or be a copy. How large
        blocks are does not count.
        """
        content = {
            "version": VERSION,
            "grid": [str(self.grid.crs), *self.grid.transform[:6], *self.grid.shape],
            "items": [_wherever_it_lies(item) for item in self.items],
            "bands": self.bands,
            "settings": self.settings.model_dump(mode="json", exclude={"block"}),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @cached_property
    def stack(self) -> SceneStack:
        """The scenes, ready to be read."""
        items = [pystac.Item.from_dict(item) for item in self.items]
        return SceneStack.of(items, self.bands, self.grid, self.settings.mask, self.access)

    @cached_property
    def scenes(self) -> tuple[SceneFacts, ...]:
        """What is known of each scene."""
        return tuple(SceneFacts.of(item) for item in self.items)

    @cached_property
    def longitude(self) -> float:
        """Of the region's middle, which local time is told by."""
        return middle_longitude(self.grid)

    def blocks(self) -> Iterator[tuple[slice, slice]]:
        """Rows and columns of each block."""
        height, width = self.grid.shape
        for rows in _edges(height, self.settings.block):
            for columns in _edges(width, self.settings.block):
                yield rows, columns


def plan_composites(
    choice: SceneChoice,
    bands: Sequence[str],
    settings: CompositingSettings,
    access: AccessSettings,
    minimum_dates: int = 1,
) -> tuple[RegionPlan, ...]:
    """Lay out the composites of all regions.

    Args:
        choice: Scenes of each region.
        bands: Names of the bands, in the order wanted.
        settings: What is masked, and how dates become one.
        access: How assets are reached.
        minimum_dates: A composite of scenes of fewer days is none.

    Returns:
        A plan a region.

    Raises:
        SceneError: If a region's grid can't be laid out.
    """
    return tuple(
        RegionPlan(
            region=region.name,
            grid=region_grid(region, choice.scenes(region.name)),
            items=tuple(choice.items[region.name]),
            bands=tuple(bands),
            settings=settings,
            access=access,
            minimum_dates=minimum_dates,
        )
        for region in choice.regions
    )


def _wherever_it_lies(item: dict[str, Any]) -> dict[str, Any]:
    """A scene with hashes of files in place of their addresses, where they lie on disk."""
    assets = {key: {**asset, "href": _identity(asset["href"])} for key, asset in item["assets"].items()}
    return {**item, "links": [], "assets": assets}


def _identity(href: str) -> str:
    """What tells a file from others; of those elsewhere, nothing but their address is known before they are read."""
    path = Path(href.removeprefix("file://"))
    return file_hash(path) if "://" not in str(path) and path.is_file() else href


def _edges(length: int, block: int) -> list[slice]:
    """Divide a side into blocks; a sliver at the end, which costs as many openings of files, joins the one before."""
    starts = list(range(0, length, block))
    if len(starts) > 1 and length - starts[-1] < block // 4:
        starts.pop()
    return [slice(start, end) for start, end in zip(starts, [*starts[1:], length], strict=True)]


#: Where blocks lie until their region is whole.
PARTS: Final = "parts"
#: About so many pixels are enough to tell how dark a composite is.
_SAMPLE: Final = 2**18

logger = logging.getLogger(__name__)


def make_composites(
    plans: Sequence[RegionPlan], folder: Path, dask: DaskSettings, progress: Count = uncounted
) -> tuple[Composite, ...]:
    """Make the composites that are not there yet, and list them all.

    Args:
        plans: One a region.
        folder: Where to. A region that is whole already, made from the same scenes in the same way, is left as it is;
            of one that was cut short, only missing blocks are made, and of one that lacks scenes which could not be
            read, only the blocks that lack them: they may answer by now.
        dask: Where blocks are worked on.
        progress: Shows how far a region is.

    Returns:
        The composites. A region that none can be made of is left out, with a warning, as long as there is another.

    Raises:
        NoCompositeError: Of no region a composite can be made.
        SceneError: No scheduler answers.
        BadInputError: The disk is full, or the folder can't be written to.
    """
    composites, failures = [], []
    for plan in plans:
        try:
            composites.append(_find_or_make(plan, folder, dask, progress))
        except NoCompositeError as error:
            failures.append(f"Of {plan.region} no composite can be made: {error}.")
    if not composites:
        raise NoCompositeError(" ".join(failures) + " Check the archive and acquisition's parameters, then run again.")
    for failure in failures:
        logger.warning("%s", failure)
    write_index(folder, [composite.region for composite in composites])
    _tidy(folder / PARTS, {_parts(folder, plan).name for plan in plans})
    return tuple(composites)


def _find_or_make(plan: RegionPlan, folder: Path, dask: DaskSettings, progress: Count) -> Composite:
    done = read_composite(folder, plan.region)
    same = done is not None and done.content_hash == plan.content_hash
    if done is not None and same and not done.faults:
        return done
    parts = _make_parts(plan, folder, dask, progress)
    record = _describe(plan, parts)
    if done is not None and same and _blocks(done.faults) <= _blocks(record.faults):
        return done  # nothing has come back
    for note in record.notes:
        logger.warning("%s: %s", plan.region, note)
    return write_composite(folder, record, plan.bands, plan.grid, parts)


def _make_parts(plan: RegionPlan, folder: Path, dask: DaskSettings, progress: Count) -> list[Part]:
    place = _parts(folder, plan)
    parts = [
        Part(place / f"r{rows.start:05d}_c{columns.start:05d}.npy", rows, columns) for rows, columns in plan.blocks()
    ]
    waiting = [part for part in parts if not part.is_whole() or part.faults()]
    with progress(len(waiting), f"Compositing {plan.region}") as advance:
        run_blocks(make_part, plan, waiting, dask, advance)
    return parts


def make_part(plan: RegionPlan, part: Part) -> None:
    """Make a block and write it to its place, whole or not at all."""
    block = composite_block(plan.stack, plan.grid[part.rows, part.columns], plan.settings)
    with whole_file(part.path) as draft, draft.open("wb") as stream:
        np.save(stream, np.concatenate([block.numbers, block.clear_dates[None]]))
    part.finish(block.faults)


def _describe(plan: RegionPlan, parts: Sequence[Part]) -> CompositeRecord:
    faults = _gather(parts)
    unread = {fault.item for fault in faults if fault.blocks == fault.of}
    scenes = [scene for scene in plan.scenes if scene.item not in unread]
    days = {scene.day(plan.longitude) for scene in scenes}
    if len(days) < plan.minimum_dates:
        raise NoCompositeError(
            f"scenes of {len(days)} days can be read where {plan.minimum_dates} are wanted"
            + "".join(f"; {fault.item} fails for this reason: {fault.reason.rstrip('.')}" for fault in faults[:1])
        )
    if not any(np.load(part.path, mmap_mode="r")[-1].max() >= plan.settings.minimum_clear_dates for part in parts):
        raise NoCompositeError(
            f"no pixel is clear on {plan.settings.minimum_clear_dates} of {len(days)} days; choose a longer period, or "
            f"lower compositing.minimum_clear_dates"
        )
    return CompositeRecord(
        region=plan.region,
        content_hash=plan.content_hash,
        dates=tuple(sorted(days)),
        baselines=tuple(sorted({scene.baseline for scene in scenes if scene.baseline})),
        method=plan.settings.method,
        faults=faults,
        notes=(*plan.stack.conflicts(), *_doubts(parts, plan)),
    )


def _doubts(parts: Sequence[Part], plan: RegionPlan) -> Iterator[str]:
    """Ask the pixels whether the offset was taken off once; metadata are wrong at times."""
    step = max(1, math.isqrt(math.prod(plan.grid.shape) // _SAMPLE))
    sample = [np.load(part.path, mmap_mode="r")[:-1, ::step, ::step].reshape(len(plan.bands), -1) for part in parts]
    reflectance = decode(np.concatenate(sample, axis=1)[:, None])
    if offset_left_in(reflectance, plan.bands):
        yield "nothing in it is darker than 0.09, as if an offset had not been taken off its numbers."
    if offset_taken_twice(reflectance, plan.bands):
        yield "the darkest of it reflects far less than nothing, as if an offset had been taken off that was not there."


def _gather(parts: Sequence[Part]) -> tuple[BlockFault, ...]:
    """Join the blocks' faults: one a scene, with the number of blocks it could not be read for."""
    reasons: dict[str, str] = {}
    counts: dict[str, int] = {}
    for part in parts:
        for fault in part.faults():
            reasons.setdefault(fault.item, fault.reason)
            counts[fault.item] = counts.get(fault.item, 0) + 1
    return tuple(BlockFault(item, reasons[item], counts[item], len(parts)) for item in sorted(reasons))


def _blocks(faults: Sequence[BlockFault]) -> int:
    return sum(fault.blocks for fault in faults)


def _parts(folder: Path, plan: RegionPlan) -> Path:
    return folder / PARTS / f"{plan.region}-{plan.content_hash[:16]}-{plan.settings.block}"


def _tidy(folder: Path, current: set[str]) -> None:
    """Remove blocks that nothing will need: of whole composites, and of what is not wanted any more."""
    for parts in folder.glob("*"):
        if parts.name not in current or not lacking(parts):
            shutil.rmtree(parts)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
