"""Masks of clouds and their shadows by neural networks, one per scene and region, kept on disk.

A mask is a file of its own: an asset that a composite reads like the archive's scene classification, with its codes.
It is computed block by block, so that memory does not follow its size, and a run that was killed goes on.
"""

import logging
import math
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import numpy as np
import numpy.typing as npt
import pandas as pd
import pystac
from affine import Affine
from odc.geo.geobox import GeoBox

from mining_the_mines.core.atomic import whole_file
from mining_the_mines.core.code_hash import code_hash
from mining_the_mines.core.dask_client import DaskSettings, run_blocks
from mining_the_mines.core.errors import SceneError
from mining_the_mines.core.hashing import hash_values
from mining_the_mines.core.progress import Count, uncounted
from mining_the_mines.rasters.cog import CogLayout, write_cog
from mining_the_mines.scenes.composites import identify_by_content
from mining_the_mines.scenes.grids import PIXEL
from mining_the_mines.scenes.images import READING_FAULTS, patiently
from mining_the_mines.scenes.items import CSMASK, MissingAssetError, find_asset, processing_level
from mining_the_mines.scenes.reading import MASK, UNKNOWN, OpenedScene, SceneStack, open_stack
from mining_the_mines.scenes.regions import Region
from mining_the_mines.scenes.scene_list import ItemJson, SceneSelection, left_out, left_out_table
from mining_the_mines.scenes.selection import keep_rich_regions
from mining_the_mines.scenes.settings import AcquisitionSettings, CompositingSettings
from mining_the_mines.sentinel2 import csmask
from mining_the_mines.sentinel2.reflectance import NODATA, decode
from mining_the_mines.sentinel2.resampling import RIM
from mining_the_mines.sentinel2.scene_classification import SceneClass

logger = logging.getLogger(__name__)

Codes = npt.NDArray[np.uint8]

#: Sub-folder of a folder of composites for masks, and that of a mask for blocks until it is complete.
MASKS: Final = "cloud_masks"
_PARTS: Final = ".parts"
#: Cells of the networks' tiles along the edge of a block: one core has about 150 MB in work.
_CELLS: Final = 6
#: Pixels of 30 m beyond a region that the networks see, too, as far as there is data.
_CONTEXT: Final = csmask.OVERLAP
#: Pixels of 10 m in one of 30 m.
_FINE: Final = csmask.PIXEL // PIXEL
_NO_EFFECT: Final = (
    "mining_the_mines.core",
    "mining_the_mines.scenes.http",
    "mining_the_mines.scenes.settings",
    "mining_the_mines.scenes.composites",
    "mining_the_mines.scenes.selection",
)


@dataclass(frozen=True)
class MaskPlan:
    """Everything that the mask of a scene depends on.

    Attributes:
        region: Region that is masked.
        item: The scene as STAC JSON.
        settings: Source of the mask, and the archive's mask that it is joined with.
        access: Time limits, retries and connections; they do not change the mask.
    """

    region: Region
    item: ItemJson
    settings: CompositingSettings
    access: AcquisitionSettings

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of everything that the codes depend on."""
        return hash_values(
            {
                "code": code_hash(__name__, _NO_EFFECT),
                "networks": version("ukis-csmask"),
                "region": [*self.region.bounds, self.region.epsg],
                "item": identify_by_content(self.item),
                "source": [self.settings.clear_sky.source, self.settings.mask_asset],
                "offset": self.access.offset,
            }
        )

    @cached_property
    def bands(self) -> tuple[str, ...]:
        """Bands of the scene that a network sees: six, or four where the scene has no more."""
        item = pystac.Item.from_dict(self.item)
        try:
            for band in csmask.ALL_BANDS:
                find_asset(item, band)
        except MissingAssetError:
            return csmask.LEAST_BANDS
        return csmask.ALL_BANDS

    @cached_property
    def stack(self) -> SceneStack:
        """The scene, opened by the headers of its files.

        Raises:
            SceneError: It can't be opened.
        """
        return open_stack(self.region, [self.item], self.bands, self.settings.archive_mask, self.access)

    @cached_property
    def grid(self) -> GeoBox:
        """Grid of the networks, 30 m: the region as far as the scene reaches, and some context."""
        scene, inner = self.stack.scenes[0].images[self.bands[0]].grid, self.stack.grid
        left, bottom, right, top = inner.boundingbox.bbox
        if scene.crs == inner.crs:
            outer = scene.boundingbox
            left, bottom = left - _reach(left - outer.left), bottom - _reach(bottom - outer.bottom)
            right, top = right + _reach(outer.right - right), top + _reach(outer.top - top)
        shape = (math.ceil((top - bottom) / csmask.PIXEL), math.ceil((right - left) / csmask.PIXEL))
        return GeoBox(shape, Affine(csmask.PIXEL, 0, left, 0, -csmask.PIXEL, top), inner.crs)

    @property
    def joined(self) -> bool:
        """Whether the archive's own mask counts, too."""
        return self.settings.archive_mask is not None

    def path(self, folder: Path) -> Path:
        """The mask in a folder of composites."""
        name = f"{quote(str(self.item['id']), safe=' ')[:120]}-{self.content_hash[:16]}.tif"
        return folder / MASKS / self.region.name / name

    def parts(self, folder: Path) -> list["MaskPart"]:
        """Blocks of the mask, and where each lies until the mask is complete."""
        place, edge = self.path(folder).with_suffix(_PARTS), _CELLS * csmask.CELL
        height, width = self.grid.shape
        return [
            MaskPart(
                place / f"r{top:05d}_c{left:05d}.npy",
                slice(top, min(top + edge, height)),
                slice(left, min(left + edge, width)),
            )
            for top in range(0, height, edge)
            for left in range(0, width, edge)
        ]


@dataclass(frozen=True)
class MaskPart:
    """A block of a mask on disk.

    Attributes:
        path: Array uint8 (rows, columns); three times as many of each where it is joined with a finer mask.
        rows: Rows of the mask's grid of 30 m.
        columns: Columns of that grid.
    """

    path: Path
    rows: slice
    columns: slice


def mask_clouds(
    selection: SceneSelection,
    settings: CompositingSettings,
    access: AcquisitionSettings,
    folder: Path,
    dask: DaskSettings,
    progress: Count = uncounted,
) -> SceneSelection:
    """Give each scene the mask that the settings ask for.

    Args:
        selection: Scenes of each region.
        settings: Source of the mask.
        access: Time limits, retries, and minimum number of days.
        folder: Folder of composites; masks lie in a sub-folder. A mask of the same scene and code is kept, an
            interrupted one goes on, and those that no scene needs any more are removed.
        dask: Where blocks are worked on, each on one core.
        progress: Counts the blocks.

    Returns:
        The scenes with an asset ``csmask`` more; as they were if the archive's masks are to count alone. Scenes that
        can't be read are listed among those left out.

    Raises:
        BadInputError: The package of the networks is not installed, or the disk is full.
        SceneError: No region is left with scenes of enough days.
    """
    if settings.clear_sky.source == "scl":
        return selection
    csmask.require_csmask()
    items, rows = {}, []
    for region in selection.regions:
        plans = [MaskPlan(region, item, settings, access) for item in selection.items[region.name]]
        faults = _make_masks(plans, folder, dask, progress)
        items[region.name] = tuple(_with_mask(plan, folder) for plan in plans if plan.item["id"] not in faults)
        for name, reason in faults.items():
            logger.warning("The scene %s is left out: its cloud mask can't be computed: %s.", name, reason)
            rows.append(left_out(region.name, name, reason=f"no cloud mask: {reason}"))
        _remove_others(plans, folder)
    lost = pd.concat([selection.left_out, left_out_table(rows)], ignore_index=True)
    return keep_rich_regions(replace(selection, items=items, left_out=lost), access)


def make_part(plans: Sequence[MaskPlan], task: tuple[int, MaskPart]) -> str | None:
    """Make a block of a mask and write it to its place.

    Args:
        plans: Plans of a region's scenes.
        task: Number of the plan, and the block.

    Returns:
        The reason if the scene can't be read there.
    """
    place, part = task
    try:
        codes = _classify(plans[place], part)
    except READING_FAULTS as error:
        return f"{type(error).__name__}: {error.__cause__ or error}".rstrip(".")
    with whole_file(part.path) as draft, draft.open("wb") as stream:
        np.save(stream, codes)
    return None


def _make_masks(plans: Sequence[MaskPlan], folder: Path, dask: DaskSettings, progress: Count) -> dict[str, str]:
    """Make the masks that are missing; return scenes that can't be read, with the reason."""
    faults: dict[str, str] = {}
    waiting: list[int] = []
    for number, plan in enumerate(plans):
        if plan.path(folder).is_file():
            continue
        try:
            _ = plan.grid
            waiting.append(number)
        except SceneError as error:
            faults[plan.item["id"]] = str(error).rstrip(".")
    tasks = [(place, part) for place in waiting for part in plans[place].parts(folder) if not part.path.is_file()]
    if tasks:
        with progress(len(tasks), f"Masking clouds of {plans[0].region.name}") as advance:
            answers = run_blocks(make_part, tuple(plans), tasks, dask, advance)
        for (place, _), answer in zip(tasks, answers, strict=True):
            if answer is not None:
                faults.setdefault(plans[place].item["id"], answer)
    for plan in (plans[place] for place in waiting):
        if plan.item["id"] not in faults:
            _join(plan, folder)
    return faults


def _classify(plan: MaskPlan, part: MaskPart) -> Codes:
    (scene,) = plan.stack.scenes
    fine = plan.grid.zoom_to(resolution=PIXEL)

    def read(rows: slice, columns: slice) -> npt.NDArray[np.float32]:
        window = fine[_times(rows), _times(columns)]
        return np.stack([_coarse(_numbers(scene, band, window, plan)) for band in plan.bands])

    height, width = plan.grid.shape
    codes = csmask.classify(read, (height, width), part.rows, part.columns, len(plan.bands), _level(plan.item))
    if not plan.joined:
        return codes
    window = fine[_times(part.rows), _times(part.columns)]
    own = _own_codes(scene, window, plan)
    found = codes.repeat(_FINE, axis=0).repeat(_FINE, axis=1)
    return np.where(np.isin(found, (SceneClass.CLOUD_HIGH_PROBABILITY, SceneClass.CLOUD_SHADOW)), found, own)


def _level(item: ItemJson) -> csmask.Level:
    """Processing level of a scene; 2A where nothing says that it is 1C."""
    return "l1c" if processing_level(item) == "1C" else "l2a"


def _numbers(scene: OpenedScene, band: str, grid: GeoBox, plan: MaskPlan) -> npt.NDArray[np.uint16]:
    """Harmonised numbers of a band in pixels of 10 m."""
    image, window = scene.images[band], scene.native[band].window(grid)
    stored = patiently(lambda: image.numbers(window.grid, plan.access), plan.access)
    numbers: npt.NDArray[np.uint16] = window.fine(stored, slice(0, grid.shape[0]), slice(0, grid.shape[1]))
    return numbers


def _own_codes(scene: OpenedScene, grid: GeoBox, plan: MaskPlan) -> Codes:
    """Codes of the archive's mask in pixels of 10 m; pixels that a mask of one's own covers are called defective."""
    image, window = scene.images[MASK], scene.native[MASK].window(grid)
    classified = bool(plan.stack.classified)
    unknown = UNKNOWN if not classified and image.nodata != NODATA else NODATA
    codes = patiently(lambda: image.codes(window.grid, unknown, plan.access), plan.access)
    if not classified:
        # A class that does not grow: masks of one's own are taken as they are.
        codes = np.where(codes == 0, SceneClass.UNCLASSIFIED, SceneClass.SATURATED_OR_DEFECTIVE).astype(np.uint8)
    if window.factor > 1:
        codes = codes[RIM:-RIM, RIM:-RIM].repeat(window.factor, axis=0).repeat(window.factor, axis=1)
    cut: Codes = window.cut(codes)
    return cut


def _coarse(numbers: npt.NDArray[np.uint16]) -> npt.NDArray[np.float32]:
    """Mean reflectance of pixels of 30 m, of those of 10 m that have data; NaN where none has."""
    height, width = (side // _FINE for side in numbers.shape)
    blocks = decode(numbers[None])[0].reshape(height, _FINE, width, _FINE)
    known = np.isfinite(blocks)
    count = known.sum(axis=(1, 3))
    total = np.where(known, blocks, 0).sum(axis=(1, 3), dtype=np.float32)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)


def _join(plan: MaskPlan, folder: Path) -> None:
    """Join the blocks of a mask."""
    factor = _FINE if plan.joined else 1
    grid = plan.grid.zoom_to(resolution=csmask.PIXEL // factor)
    layout = CogLayout(
        crs=grid.crs.to_wkt() if grid.crs else None,
        transform=grid.transform,
        height=grid.shape[0],
        width=grid.shape[1],
        bands=("scene classification",),
        dtype="uint8",
        nodata=SceneClass.NO_DATA,
        overviews="nearest",
    )
    path, parts = plan.path(folder), plan.parts(folder)

    def blocks() -> Iterator[tuple[slice, slice, Codes]]:
        for part in parts:
            yield _times(part.rows, factor), _times(part.columns, factor), np.load(part.path)[None]

    with whole_file(path) as draft:
        write_cog(draft, layout, blocks(), {"SOURCE": plan.settings.clear_sky.source})
    shutil.rmtree(path.with_suffix(_PARTS))


def _with_mask(plan: MaskPlan, folder: Path) -> ItemJson:
    asset: dict[str, Any] = {
        "href": str(plan.path(folder).absolute()), "type": pystac.MediaType.COG, "roles": ["metadata"],
    }  # fmt: skip
    return {**plan.item, "assets": {**plan.item["assets"], CSMASK: asset}}


def _remove_others(plans: Sequence[MaskPlan], folder: Path) -> None:
    """Remove masks of a region that none of its scenes needs, and their blocks."""
    needed = {plan.path(folder) for plan in plans}
    needed |= {path.with_suffix(_PARTS) for path in needed}
    for path in {path.parent for path in needed}:
        for other in path.glob("*") if path.is_dir() else ():
            if other not in needed:
                shutil.rmtree(other) if other.is_dir() else other.unlink()


def _reach(metres: float) -> float:
    """Whole pixels of context, as far as data reach."""
    return csmask.PIXEL * min(_CONTEXT, max(0, math.floor(metres / csmask.PIXEL)))


def _times(span: slice, factor: int = _FINE) -> slice:
    return slice(span.start * factor, span.stop * factor)
