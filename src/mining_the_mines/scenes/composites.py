"""Composites of whole regions, made block by block; blocks that are already on disk are kept."""

import json
import logging
import math
import os
import shutil
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from distributed import Client, Future
from odc.geo.geobox import GeoBox

from mining_the_mines.core.atomic import whole_file
from mining_the_mines.core.code_hash import code_hash
from mining_the_mines.core.dask_client import DaskSettings, Refusal, collect_blocks, connect, submit_blocks
from mining_the_mines.core.errors import SceneError
from mining_the_mines.core.hashing import hash_file, hash_values
from mining_the_mines.core.prefetching import map_ahead
from mining_the_mines.core.progress import Count, uncounted
from mining_the_mines.core.zip_members import hash_member, split_address
from mining_the_mines.rasters.judge import Limits, judge_pixels
from mining_the_mines.scenes.composite_files import (
    BlockFault,
    Composite,
    CompositeRecord,
    Fault,
    NoCompositeError,
    Part,
    read_composite,
    write_composite,
)
from mining_the_mines.scenes.compositing import composite_block
from mining_the_mines.scenes.grids import middle_longitude
from mining_the_mines.scenes.items import SceneFacts
from mining_the_mines.scenes.reading import SceneStack, open_stack
from mining_the_mines.scenes.regions import Region
from mining_the_mines.scenes.scene_list import SceneSelection
from mining_the_mines.scenes.settings import AccessSettings, CompositingSettings
from mining_the_mines.sentinel2.offset_checks import offset_left_in, offset_taken_twice
from mining_the_mines.sentinel2.reflectance import decode

#: Folder of blocks whose region is not complete yet.
PARTS: Final = "parts"
#: Most numbers of a band, of all dates, in a block of double width, and in any block.
_WIDE: Final = 2**25
_LARGEST: Final = 2**26
#: Blocks of small regions that are in work together.
_BATCH: Final = 16
#: Regions whose files are opened at the same time, so that no connection is idle between them.
_REGIONS_AT_ONCE: Final = 4
#: Number of pixels that are sampled to estimate how dark a composite is.
_SAMPLE: Final = 2**18
#: The module that makes pixels, and what it imports without any effect on them.
_CODE: Final = "mining_the_mines.scenes.compositing"
_NO_EFFECT: Final = (
    "mining_the_mines.core",
    "mining_the_mines.scenes.http",
    "mining_the_mines.scenes.regions",
    "mining_the_mines.scenes.settings",
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RegionPlan:
    """Everything that the composite of a region depends on.

    Attributes:
        region: The region.
        items: Scenes as STAC JSON, in order of time.
        bands: Names of the bands, in the order wanted.
        settings: Cloud mask and method.
        access: Time limits, retries and connections; they do not change the pixels.
        minimum_dates: The region fails if scenes of fewer days can be read.
    """

    region: Region
    items: tuple[dict[str, Any], ...]
    bands: tuple[str, ...]
    settings: CompositingSettings
    access: AccessSettings
    minimum_dates: int = 1

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of everything that the pixels depend on: region, settings, code, and scenes with their addresses.

        Files on this disk count by their content and not by their path: they may be replaced, or be a copy. The size
        of blocks does not count.
        """
        return hash_values(
            {
                "code": code_hash(_CODE, _NO_EFFECT),
                "region": [*self.region.bounds, self.region.epsg],
                "items": list(map_ahead(identify_by_content, self.items, os.cpu_count() or 1)),
                "bands": self.bands,
                "settings": self.settings.model_dump(mode="json", exclude={"block"}),
                "offset": self.access.offset,
            }
        )

    @cached_property
    def stack(self) -> SceneStack:
        """The scenes, opened by the headers of their files; workers get them with the plan.

        Raises:
            NoCompositeError: No scene can be opened.
        """
        return open_stack(self.region, self.items, self.bands, self.settings.mask, self.access)

    @property
    def grid(self) -> GeoBox:
        """Grid of the composite, 10 m."""
        return self.stack.grid

    def parts(self, folder: Path) -> list[Part]:
        """List the blocks of the region, and where each lies in a folder of composites until the region is complete."""
        place = self.parts_folder(folder)
        height, width = self.grid.shape
        down, across = block_shape(len(self.stack.scenes), self.settings.block)
        return [
            Part(place / f"r{rows.start:05d}_c{columns.start:05d}.npy", rows, columns)
            for rows in _edges(height, down)
            for columns in _edges(width, across)
        ]

    def parts_folder(self, folder: Path) -> Path:
        """Sub-folder of a folder of composites for the blocks of this plan."""
        # The grid follows the files that can be opened.
        grid = hash_values([str(self.grid.crs), *self.grid.transform[:6], *self.grid.shape])
        return folder / PARTS / f"{self.parts_name}{grid[:8]}-{self.settings.block}"

    @property
    def parts_name(self) -> str:
        """Beginning of the name of that folder."""
        return f"{self.region.name}-{self.content_hash[:16]}-"


def plan_composites(
    selection: SceneSelection,
    bands: Sequence[str],
    settings: CompositingSettings,
    access: AccessSettings,
    minimum_dates: int = 1,
) -> tuple[RegionPlan, ...]:
    """Plan the composites of all regions; no file is opened.

    Args:
        selection: Scenes of each region.
        bands: Names of the bands, in the order wanted.
        settings: Cloud mask and method.
        access: Time limits, retries and connections.
        minimum_dates: A region fails if scenes of fewer days can be read.

    Returns:
        One plan a region.
    """
    return tuple(
        RegionPlan(region, tuple(selection.items[region.name]), tuple(bands), settings, access, minimum_dates)
        for region in selection.regions
    )


def make_composites(
    plans: Sequence[RegionPlan], folder: Path, dask: DaskSettings, progress: Count = uncounted
) -> tuple[Composite, ...]:
    """Make the composites that are not in a folder yet.

    Args:
        plans: One a region.
        folder: Work folder. A complete composite of the same plan is kept. An interrupted one goes on with the blocks
            that are missing. Blocks that lack an unreadable scene are made again, since it may be readable by now.
        dask: Where blocks are worked on.
        progress: Counts the blocks.

    Returns:
        The composites. A region that fails is left out with a warning, as long as another one succeeds.

    Raises:
        NoCompositeError: No region succeeds.
        BadInputError: No Dask scheduler answers, the disk is full, or the folder can't be written to.
    """
    composites: dict[str, Composite] = {}
    failures: dict[str, str] = {}
    with closing(_made_blocks(plans, folder, dask, progress)) as regions:
        for work, answers in regions:
            name = work.plan.region.name
            try:
                composites[name] = _finish(work, folder, answers)
            except NoCompositeError as error:
                failures[name] = str(error)
    made = tuple(composites[plan.region.name] for plan in plans if plan.region.name in composites)
    told = [f"Of {name} no composite can be made: {reason}." for name, reason in failures.items()]
    if not made:
        raise NoCompositeError(" ".join(told) + " Check the archive and acquisition's parameters, then run again.")
    for failure in told:
        logger.warning("%s", failure)
    _remove_finished_parts(folder / PARTS, tuple(plan.parts_name for plan in plans))
    return made


@dataclass(frozen=True)
class _Work:
    """A composite: what is there, all of its blocks, those to be made; or the reason if scenes can't be opened."""

    plan: RegionPlan
    done: Composite | None = None
    parts: tuple[Part, ...] = ()
    waiting: tuple[Part, ...] = ()
    failure: str | None = None


def _made_blocks(
    plans: Sequence[RegionPlan], folder: Path, dask: DaskSettings, progress: Count
) -> Generator[tuple[_Work, list[str | None]]]:
    """Open regions, and make the blocks of those that are open while the others still wait for their archive.

    Large regions are finished one by one, since their blocks take disk until the region is written.

    Yields:
        In order, regions whose blocks are made, and the reason of each block for which no scene can be read.
    """
    begun: deque[tuple[_Work, list[Future[str | Refusal | None]]]] = deque()
    with ExitStack() as connection:
        client: Client | None = None

        def finished() -> tuple[_Work, list[str | None]]:
            work, futures = begun.popleft()
            if client is None or not futures:
                return work, []
            with progress(len(futures), f"Compositing {work.plan.region.name}") as advance:
                return work, collect_blocks(client, futures, advance)

        for work in map_ahead(partial(_open, folder=folder), plans, _REGIONS_AT_ONCE):
            if work.waiting and client is None:
                client = connection.enter_context(connect(dask))
            begun.append((work, submit_blocks(client, make_part, work.plan, work.waiting) if client else []))
            while sum(len(futures) for _, futures in begun) >= _BATCH:
                yield finished()
        while begun:
            yield finished()


def _open(plan: RegionPlan, folder: Path) -> _Work:
    """Find what is there of a region, and open its scenes if something lacks."""
    done = read_composite(folder, plan.region.name)
    if done is not None and done.content_hash != plan.content_hash:
        done = None
    if done is not None and not done.faults:
        logger.info("%s: the composite is up to date.", plan.region.name)
        return _Work(plan, done)
    try:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(getattr, plan, "content_hash")  # while headers are read
            _ = plan.stack
        parts = tuple(plan.parts(folder))
    except SceneError as error:
        return _Work(plan, failure=str(error).rstrip("."))
    return _Work(plan, done, parts, tuple(part for part in parts if not part.is_complete() or part.faults()))


def make_part(plan: RegionPlan, part: Part) -> str | None:
    """Make a block and write it to its place, complete or not at all; return the reason if no scene can be read."""
    try:
        block = composite_block(plan.stack, plan.grid[part.rows, part.columns], plan.settings)
    except NoCompositeError as error:
        return str(error)
    with whole_file(part.path) as draft, draft.open("wb") as stream:
        np.save(stream, block.planes)
    part.finish(block.faults)
    return None


def _finish(work: _Work, folder: Path, answers: Sequence[str | None]) -> Composite:
    """Join the blocks of a region, unless what is there lacks no more; raises if scenes can't be opened or read."""
    plan, done = work.plan, work.done
    for failure in filter(None, (work.failure, *answers)):
        raise NoCompositeError(failure)
    if not work.parts and done is not None:
        return done
    record = _describe(plan, work.parts)
    if done is not None and _missed_blocks(done) <= _missed_blocks(record):
        return done  # no scene has come back
    for note in record.notes:
        logger.warning("%s: %s", plan.region.name, note)
    return write_composite(folder, record, plan.bands, plan.grid, work.parts)


def _describe(plan: RegionPlan, parts: Sequence[Part]) -> CompositeRecord:
    faults = _join_faults(parts)
    unread = {fault.item for fault in faults if fault.blocks == fault.of}
    scenes = [scene for scene in map(SceneFacts.of, plan.items) if scene.item not in unread]
    longitude = middle_longitude(plan.grid)
    days = {scene.day(longitude) for scene in scenes}
    if len(days) < plan.minimum_dates:
        raise NoCompositeError(
            f"scenes of {len(days)} days can be read where {plan.minimum_dates} are wanted"
            + "".join(f"; {fault.item} fails for this reason: {fault.reason.rstrip('.')}" for fault in faults[:1])
        )
    if not any(part.pixels()[-1].max() >= plan.settings.minimum_clear_dates for part in parts):
        raise NoCompositeError(
            f"no pixel is clear on {plan.settings.minimum_clear_dates} of {len(days)} days; choose a longer period, or "
            f"lower compositing.minimum_clear_dates"
        )
    return CompositeRecord(
        region=plan.region.name,
        content_hash=plan.content_hash,
        dates=tuple(sorted(days)),
        baselines=tuple(sorted({scene.baseline for scene in scenes if scene.baseline})),
        method=plan.settings.method,
        faults=faults,
        notes=(*plan.stack.doubts(), *_doubts(parts, plan)),
    )


def _doubts(parts: Sequence[Part], plan: RegionPlan) -> Iterator[str]:
    """Judge the pixels: was the offset taken off exactly once, and do they look like their bands."""
    step = max(1, math.isqrt(math.prod(plan.grid.shape) // _SAMPLE))
    sample = [part.pixels()[:-1, ::step, ::step].reshape(len(plan.bands), -1) for part in parts]
    reflectance = decode(np.concatenate(sample, axis=1)[:, None])
    if offset_left_in(reflectance, plan.bands):
        yield "nothing in it is darker than 0.09, as if an offset had not been taken off its numbers."
    elif offset_taken_twice(reflectance, plan.bands):
        yield "the darkest of it reflects far less than nothing, as if an offset had been taken off that was not there."
    else:
        verdict = judge_pixels(reflectance, plan.bands, Limits(nodata_share=1))
        for text in (verdict.fault,) if verdict.fault else verdict.doubts:
            yield f"{text.partition(': ')[2].rstrip('.')}."


def _join_faults(parts: Sequence[Part]) -> tuple[BlockFault, ...]:
    """Join the faults of blocks: one a scene, with the number of blocks that lack it."""
    by_item: dict[str, list[Fault]] = {}
    for fault in (fault for part in parts for fault in part.faults()):
        by_item.setdefault(fault.item, []).append(fault)
    return tuple(
        BlockFault(item, faults[0].reason, len(faults), len(parts)) for item, faults in sorted(by_item.items())
    )


def _missed_blocks(record: CompositeRecord) -> int:
    return sum(fault.blocks for fault in record.faults)


def _remove_finished_parts(folder: Path, current: tuple[str, ...]) -> None:
    """Remove blocks that no later run needs: of complete composites, and of plans that nobody wants any more."""
    for parts in folder.glob("*"):
        lacking = any(json.loads(notes.read_text(encoding="utf-8")) for notes in parts.glob("*.json"))
        if not parts.name.startswith(current) or not lacking:
            shutil.rmtree(parts)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def identify_by_content(item: dict[str, Any]) -> dict[str, Any]:
    """A scene's JSON with hashes of files in place of their addresses, where they lie on this disk."""
    assets = {key: {**asset, "href": _identity(asset["href"])} for key, asset in item["assets"].items()}
    return {**item, "links": [], "assets": assets}


def _identity(href: str) -> str:
    zipped = split_address(href)
    if zipped is not None:
        return hash_member(*zipped)
    path = Path(href.removeprefix("file://"))
    return hash_file(path) if "://" not in str(path) and path.is_file() else href


def block_shape(scenes: int, side: int) -> tuple[int, int]:
    """Choose rows and columns of a block, so that memory does not grow with the number of scenes.

    Args:
        scenes: Number of scenes.
        side: Rows and columns of an average number of scenes.

    Returns:
        Fewer rows for many scenes; more columns for few of them, since wide blocks read fewer tiles twice.
    """
    across = side * (2 if 2 * scenes * side**2 <= _WIDE else 1)
    return min(side, max(16, _LARGEST // (scenes * side))), across


def _edges(length: int, block: int) -> list[slice]:
    """Divide a side into blocks; a narrow rest joins the last block, since opening files costs the same for it."""
    starts = list(range(0, length, block))
    if len(starts) > 1 and length - starts[-1] < block // 4:
        starts.pop()
    return [slice(start, end) for start, end in zip(starts, [*starts[1:], length], strict=True)]
