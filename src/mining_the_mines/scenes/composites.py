"""Composites of whole regions: block by block, whatever was done before a run was cut short is not done again."""

import logging
import math
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from mining_the_mines.core.atomic import whole_file
from mining_the_mines.core.dask_client import DaskSettings, run_blocks
from mining_the_mines.core.progress import Count, uncounted
from mining_the_mines.scenes.composite_files import Composite, CompositeRecord, read_composite, write_index
from mining_the_mines.scenes.composite_writing import Part, lacking, write_composite
from mining_the_mines.scenes.compositing import composite_block
from mining_the_mines.scenes.faults import BlockFault, NoCompositeError
from mining_the_mines.scenes.region_plan import RegionPlan
from mining_the_mines.sentinel2.baseline import offset_left_in, offset_taken_twice
from mining_the_mines.sentinel2.reflectance import decode

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
