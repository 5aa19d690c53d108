"""Composites of whole regions, made block by block; blocks that are already on disk are kept."""

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
from mining_the_mines.core.code_hash import code_hash
from mining_the_mines.core.dask_client import DaskSettings, run_blocks
from mining_the_mines.core.hashing import hash_file, hash_values
from mining_the_mines.core.progress import Count, uncounted
from mining_the_mines.core.zip_members import hash_member, split_address
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
from mining_the_mines.scenes.grids import middle_longitude, region_grid
from mining_the_mines.scenes.items import SceneFacts
from mining_the_mines.scenes.reading import SceneStack
from mining_the_mines.scenes.scene_list import SceneSelection
from mining_the_mines.scenes.settings import AccessSettings, CompositingSettings
from mining_the_mines.sentinel2.baseline import offset_left_in, offset_taken_twice
from mining_the_mines.sentinel2.reflectance import decode

#: Folder of blocks whose region is not complete yet.
PARTS: Final = "parts"
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
        region: Name of the region.
        grid: Grid of the composite, 10 m.
        items: Scenes as STAC JSON, in order of time.
        bands: Names of the bands, in the order wanted.
        settings: Cloud mask and method.
        access: Time limits and retries; they do not change the pixels.
        minimum_dates: The region fails if scenes of fewer days can be read.
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
        """SHA-256 of everything that the pixels depend on: grid, settings, code, and scenes with their addresses.

        Files on this disk count by their content and not by their path: they may be replaced, or be a copy. The size
        of blocks does not count.
        """
        return hash_values(
            {
                "code": code_hash(_CODE, _NO_EFFECT),
                "grid": [str(self.grid.crs), *self.grid.transform[:6], *self.grid.shape],
                "items": [_by_content(item) for item in self.items],
                "bands": self.bands,
                "settings": self.settings.model_dump(mode="json", exclude={"block"}),
            }
        )

    @cached_property
    def stack(self) -> SceneStack:
        """The scenes, ready to be read."""
        items = [pystac.Item.from_dict(item) for item in self.items]
        return SceneStack.of(items, self.bands, self.grid, self.settings.mask, self.access)

    def parts(self, folder: Path) -> list[Part]:
        """List the blocks of the region, and where each lies in a folder of composites until the region is complete."""
        place = self.parts_folder(folder)
        height, width = self.grid.shape
        return [
            Part(place / f"r{rows.start:05d}_c{columns.start:05d}.npy", rows, columns)
            for rows in _edges(height, self.settings.block)
            for columns in _edges(width, self.settings.block)
        ]

    def parts_folder(self, folder: Path) -> Path:
        """Sub-folder of a folder of composites for the blocks of this plan."""
        return folder / PARTS / f"{self.region}-{self.content_hash[:16]}-{self.settings.block}"


def plan_composites(
    selection: SceneSelection,
    bands: Sequence[str],
    settings: CompositingSettings,
    access: AccessSettings,
    minimum_dates: int = 1,
) -> tuple[RegionPlan, ...]:
    """Plan the composites of all regions.

    Args:
        selection: Scenes of each region.
        bands: Names of the bands, in the order wanted.
        settings: Cloud mask and method.
        access: Time limits and retries.
        minimum_dates: A region fails if scenes of fewer days can be read.

    Returns:
        One plan a region.

    Raises:
        SceneError: No grid can be laid over a region.
    """
    return tuple(
        RegionPlan(
            region=region.name,
            grid=region_grid(region, selection.scenes(region.name)),
            items=tuple(selection.items[region.name]),
            bands=tuple(bands),
            settings=settings,
            access=access,
            minimum_dates=minimum_dates,
        )
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
        progress: Counts the blocks of a region.

    Returns:
        The composites. A region that fails is left out with a warning, as long as another one succeeds.

    Raises:
        NoCompositeError: No region succeeds.
        BadInputError: No Dask scheduler answers, the disk is full, or the folder can't be written to.
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
    _remove_finished_parts(folder / PARTS, {plan.parts_folder(folder) for plan in plans})
    return tuple(composites)


def _find_or_make(plan: RegionPlan, folder: Path, dask: DaskSettings, progress: Count) -> Composite:
    done = read_composite(folder, plan.region)
    if done is not None and done.content_hash != plan.content_hash:
        done = None
    if done is not None and not done.faults:
        logger.info("%s: the composite is up to date.", plan.region)
        return done
    parts = plan.parts(folder)
    waiting = [part for part in parts if not part.is_complete() or part.faults()]
    with progress(len(waiting), f"Compositing {plan.region}") as advance:
        run_blocks(make_part, plan, waiting, dask, advance)
    record = _describe(plan, parts)
    if done is not None and _missed_blocks(done) <= _missed_blocks(record):
        return done  # no scene has come back
    for note in record.notes:
        logger.warning("%s: %s", plan.region, note)
    return write_composite(folder, record, plan.bands, plan.grid, parts)


def make_part(plan: RegionPlan, part: Part) -> None:
    """Make a block and write it to its place, complete or not at all."""
    block = composite_block(plan.stack, plan.grid[part.rows, part.columns], plan.settings)
    with whole_file(part.path) as draft, draft.open("wb") as stream:
        np.save(stream, np.concatenate([block.numbers, block.clear_dates[None]]))
    part.finish(block.faults)


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
        region=plan.region,
        content_hash=plan.content_hash,
        dates=tuple(sorted(days)),
        baselines=tuple(sorted({scene.baseline for scene in scenes if scene.baseline})),
        method=plan.settings.method,
        faults=faults,
        notes=(*plan.stack.conflicts(), *_doubts(parts, plan)),
    )


def _doubts(parts: Sequence[Part], plan: RegionPlan) -> Iterator[str]:
    """Check by the pixels that the offset was subtracted exactly once; metadata are sometimes wrong."""
    step = max(1, math.isqrt(math.prod(plan.grid.shape) // _SAMPLE))
    sample = [part.pixels()[:-1, ::step, ::step].reshape(len(plan.bands), -1) for part in parts]
    reflectance = decode(np.concatenate(sample, axis=1)[:, None])
    if offset_left_in(reflectance, plan.bands):
        yield "nothing in it is darker than 0.09, as if an offset had not been taken off its numbers."
    if offset_taken_twice(reflectance, plan.bands):
        yield "the darkest of it reflects far less than nothing, as if an offset had been taken off that was not there."


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


def _remove_finished_parts(folder: Path, current: set[Path]) -> None:
    """Remove blocks that no later run needs: of complete composites, and of plans that nobody wants any more."""
    for parts in folder.glob("*"):
        lacking = any(json.loads(notes.read_text(encoding="utf-8")) for notes in parts.glob("*.json"))
        if parts not in current or not lacking:
            shutil.rmtree(parts)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _by_content(item: dict[str, Any]) -> dict[str, Any]:
    """A scene's JSON with hashes of files in place of their addresses, where they lie on this disk."""
    assets = {key: {**asset, "href": _identity(asset["href"])} for key, asset in item["assets"].items()}
    return {**item, "links": [], "assets": assets}


def _identity(href: str) -> str:
    zipped = split_address(href)
    if zipped is not None:
        return hash_member(*zipped)
    path = Path(href.removeprefix("file://"))
    return hash_file(path) if "://" not in str(path) and path.is_file() else href


def _edges(length: int, block: int) -> list[slice]:
    """Divide a side into blocks; a narrow rest joins the last block, since opening files costs the same for it."""
    starts = list(range(0, length, block))
    if len(starts) > 1 and length - starts[-1] < block // 4:
        starts.pop()
    return [slice(start, end) for start, end in zip(starts, [*starts[1:], length], strict=True)]
