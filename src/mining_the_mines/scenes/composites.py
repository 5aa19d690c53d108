"""Composites of whole regions: block by block, whatever was done before a run was cut short is not done again."""

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import pystac
from odc.geo.geobox import GeoBox

from mining_the_mines.atomic import whole_file
from mining_the_mines.scenes.block_graph import DaskSettings, run_blocks
from mining_the_mines.scenes.choice import SceneChoice
from mining_the_mines.scenes.composite_files import Composite, CompositeRecord, read_composite, write_index
from mining_the_mines.scenes.composite_writing import Part, write_composite
from mining_the_mines.scenes.compositing import CompositingSettings, composite_block
from mining_the_mines.scenes.errors import SceneError
from mining_the_mines.scenes.faults import BlockFault
from mining_the_mines.scenes.http import AccessSettings
from mining_the_mines.scenes.items import SceneFacts
from mining_the_mines.scenes.reading import SceneStack
from mining_the_mines.scenes.region_grid import middle_longitude, region_grid
from mining_the_mines.sentinel2.baseline import offset_left_in, offset_taken_twice
from mining_the_mines.sentinel2.reflectance import decode

#: Goes up when the same scenes and settings begin to give another composite.
VERSION: Final = 1
#: Where blocks lie until their region is whole.
PARTS: Final = "parts"
#: Every so many rows and columns are enough to tell how dark a composite is.
_SAMPLE: Final = 4

logger = logging.getLogger(__name__)


class BlockProgress(Protocol):
    """Shows how many blocks are done."""

    def __call__(self, total: int, description: str, /) -> AbstractContextManager[Callable[[], None]]:
        """Give a function that is called after each block."""
        ...


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
    """

    region: str
    grid: GeoBox
    items: tuple[dict[str, Any], ...]
    bands: tuple[str, ...]
    settings: CompositingSettings
    access: AccessSettings

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of all that the pixels depend on, to the last digit; the scenes' addresses are part of it."""
        content = {
            "version": VERSION,
            "grid": [str(self.grid.crs), *self.grid.transform[:6], *self.grid.shape],
            "items": self.items,
            "bands": self.bands,
            "settings": self.settings.model_dump(mode="json"),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @cached_property
    def stack(self) -> SceneStack:
        """The scenes, ready to be read."""
        items = [pystac.Item.from_dict(item) for item in self.items]
        return SceneStack.of(items, self.bands, self.grid, self.settings.mask, self.access)


@dataclass(frozen=True)
class BlockTask:
    """A block that somebody, somewhere, has to make."""

    plan: RegionPlan
    grid: GeoBox
    part: Part


def plan_composites(
    choice: SceneChoice, bands: Sequence[str], settings: CompositingSettings, access: AccessSettings
) -> tuple[RegionPlan, ...]:
    """Lay out the composites of all regions.

    Args:
        choice: Scenes of each region.
        bands: Names of the bands, in the order wanted.
        settings: What is masked, and how dates become one.
        access: How assets are reached.

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
        )
        for region in choice.regions
    )


def make_composites(
    plans: Sequence[RegionPlan], folder: Path, dask: DaskSettings, progress: BlockProgress
) -> tuple[Composite, ...]:
    """Make the composites that are not there yet, and list them all.

    Args:
        plans: One a region.
        folder: Where to. A region that is whole already, made from the same scenes in the same way, is left as it is;
            of one that was cut short, only missing blocks are made. One that lacks scenes which could not be read is
            made again: they may answer by now.
        dask: Where blocks are worked on.
        progress: Shows how far a region is.

    Returns:
        The composites.

    Raises:
        SceneError: No scheduler answers, or no scene of a region can be read.
        BadInputError: The disk is full, or the folder can't be written to.
    """
    composites = []
    for plan in plans:
        done = read_composite(folder, plan.region)
        if done is None or done.content_hash != plan.content_hash or done.faults:
            done = _make_composite(plan, folder, dask, progress)
        composites.append(done)
    write_index(folder, [composite.region for composite in composites])
    shutil.rmtree(folder / PARTS, ignore_errors=True)
    return tuple(composites)


def _make_composite(plan: RegionPlan, folder: Path, dask: DaskSettings, progress: BlockProgress) -> Composite:
    parts = folder / PARTS / f"{plan.region}-{plan.content_hash[:16]}"
    tasks = [BlockTask(plan, grid, part) for grid, part in _divide(plan, parts)]
    waiting = [task for task in tasks if not task.part.is_whole()]
    with progress(len(waiting), f"Compositing {plan.region}") as advance:
        run_blocks(make_block, waiting, dask, advance)
    written = [task.part for task in tasks]
    faults = _gather(written)
    notes = (*plan.stack.conflicts(), *_doubts(written, plan.bands))
    for note in notes:
        logger.warning("%s: %s", plan.region, note)
    unread = {fault.item for fault in faults if fault.blocks == len(tasks)}
    scenes = [facts for facts in map(SceneFacts.of, plan.items) if facts.item not in unread]
    if not scenes:
        shutil.rmtree(parts)
        raise SceneError(
            f"Not one of {len(unread)} scenes of {plan.region} can be read, the first for this reason: "
            f"{faults[0].reason}. Check the connection to the archive, then run it again."
        )
    record = CompositeRecord(
        region=plan.region,
        content_hash=plan.content_hash,
        dates=tuple(sorted({scene.day(middle_longitude(plan.grid)) for scene in scenes})),
        baselines=tuple(sorted({scene.baseline for scene in scenes if scene.baseline})),
        method=plan.settings.method,
        faults=faults,
        notes=notes,
    )
    composite = write_composite(folder, record, plan.bands, plan.grid, written)
    shutil.rmtree(parts, ignore_errors=True)
    return composite


def _divide(plan: RegionPlan, folder: Path) -> list[tuple[GeoBox, Part]]:
    height, width = plan.grid.shape
    return [
        (
            plan.grid[rows, columns],
            Part(folder / f"r{rows.start:05d}_c{columns.start:05d}.npy", rows.start, columns.start),
        )
        for rows in _edges(height, plan.settings.block)
        for columns in _edges(width, plan.settings.block)
    ]


def _edges(length: int, block: int) -> list[slice]:
    """Divide a side into blocks; a sliver at the end, which costs as many openings of files, joins the one before."""
    starts = list(range(0, length, block))
    if len(starts) > 1 and length - starts[-1] < block // 4:
        starts.pop()
    return [slice(start, end) for start, end in zip(starts, [*starts[1:], length], strict=True)]


def make_block(task: BlockTask) -> None:
    """Make a block and write it to its place, whole or not at all."""
    plan = task.plan
    block = composite_block(plan.stack, task.grid, plan.settings)
    with whole_file(task.part.path) as draft, draft.open("wb") as stream:
        np.save(stream, np.concatenate([block.numbers, block.clear_dates[None]]))
    task.part.finish(block.faults)


def _doubts(parts: Sequence[Part], bands: Sequence[str]) -> Iterator[str]:
    """Ask the pixels whether the offset was taken off once; metadata are wrong at times."""
    samples = [np.load(part.path, mmap_mode="r")[:-1, ::_SAMPLE, ::_SAMPLE].reshape(len(bands), -1) for part in parts]
    reflectance = decode(np.concatenate(samples, axis=1)[:, None])
    if offset_left_in(reflectance, bands):
        yield "nothing in it is darker than 0.09, as if an offset had not been taken off its numbers."
    if offset_taken_twice(reflectance, bands):
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
