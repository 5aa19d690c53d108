"""Scenes of a region, opened by the headers of their files, and windows of them read ahead."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import numpy.typing as npt
import pystac
from odc.geo.geobox import GeoBox

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.prefetching import map_ahead
from mining_the_mines.core.redaction import redact
from mining_the_mines.scenes.composite_files import Fault, NoCompositeError
from mining_the_mines.scenes.grids import NativeGrid, region_grid
from mining_the_mines.scenes.images import READING_FAULTS, Image, contradiction, patiently, read_image
from mining_the_mines.scenes.items import CSMASK, SCENE_CLASSIFICATION, SceneFacts, find_asset, find_mask
from mining_the_mines.scenes.regions import Region
from mining_the_mines.scenes.settings import AccessSettings
from mining_the_mines.sentinel2.bands import BANDS
from mining_the_mines.sentinel2.reflectance import NODATA

Pixels = npt.NDArray[Any]
Task = TypeVar("Task")
Result = TypeVar("Result")

#: Name of the mask among the files of a scene.
MASK: Final = "mask"
#: Code of pixels that a user's own mask does not cover; like all codes but 0, it is not clear.
UNKNOWN: Final = 255
#: Pixels that are larger than those of Sentinel-2's band by this factor are a doubt.
_COARSE: Final = 1.2


@dataclass(frozen=True)
class OpenedScene:
    """A scene whose files answer.

    Attributes:
        facts: Facts of its item.
        images: Its files by band, and that of the mask.
        native: By band, and for the mask, the pixels that the file is read in.
        notes: Contradictions between the catalog and the files.
    """

    facts: SceneFacts
    images: Mapping[str, Image]
    native: Mapping[str, NativeGrid]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class SceneStack:
    """Scenes of a region, whose windows can be read.

    Attributes:
        scenes: The scenes, in order of time.
        bands: Names of the bands, in the order wanted.
        grid: Grid of the region, 10 m.
        classified: Whether the mask is the scene classification; ``None`` without mask.
        access: Time limits, retries and connections.
        faults: Scenes that are left out, since a file of theirs can't be opened.
    """

    scenes: tuple[OpenedScene, ...]
    bands: tuple[str, ...]
    grid: GeoBox
    classified: bool | None
    access: AccessSettings
    faults: tuple[Fault, ...] = ()

    def without(self, names: set[str]) -> "SceneStack":
        """The stack without some scenes."""
        return replace(self, scenes=tuple(scene for scene in self.scenes if scene.facts.item not in names))

    def doubts(self) -> Iterator[str]:
        """Contradictions in the metadata of scenes, a sentence each; offsets are judged by the first band."""
        conflicts: dict[str, list[str]] = {}
        for scene in self.scenes:
            scaling = scene.images[self.bands[0]].scaling
            if scaling is not None and scaling.conflict:
                conflicts.setdefault(scaling.conflict, []).append(scene.facts.item)
        for conflict, items in conflicts.items():
            yield f"{items[0]}{f' and {len(items) - 1} more' if items[1:] else ''}: {conflict}"
        contradicted = [scene for scene in self.scenes if scene.notes]
        if contradicted:
            first = contradicted[0]
            yield (
                f"the catalog contradicts the files of {len(contradicted)} scenes about where their pixels lie "
                f"({first.facts.item}, {first.notes[0]}): the files are believed."
            )
        yield from self._coarse_bands()

    def _coarse_bands(self) -> Iterator[str]:
        coarse = {
            band: step
            for band in self.bands
            for scene in self.scenes
            if (step := abs(scene.images[band].grid.transform.a)) > _COARSE * BANDS[band].resolution
        }
        if coarse:
            told = ", ".join(f"{band} {step:g}" for band, step in coarse.items())
            yield (
                f"some bands are stored in pixels that are larger than Sentinel-2's ({told} m): what they show is "
                "blurred; name an archive with the original resolution."
            )

    @cached_property
    def remote(self) -> bool:
        """Whether any file is read over the network."""
        return any(urlsplit(image.href).scheme for scene in self.scenes for image in scene.images.values())

    def read_masks(self, grid: GeoBox, margin: float) -> Iterator["Pixels | Fault"]:
        """Read the masks of all scenes, many at once.

        Args:
            grid: Grid of a window, 10 m.
            margin: Metres beyond the window that are needed, too.

        Yields:
            Of each scene its codes, uint8, in the file's own resolution; or why they can't be read.
        """

        def read(task: tuple[OpenedScene, str]) -> Pixels:
            scene, name = task
            image = scene.images[name]
            unknown = UNKNOWN if not self.classified and image.nodata != NODATA else NODATA
            return image.codes(scene.native[name].window(grid, margin).grid, unknown, self.access)

        return self._each(read, [(scene, MASK) for scene in self.scenes])

    def read_bands(self, grid: GeoBox, places: Sequence[int]) -> Iterator["Pixels | Fault"]:
        """Read the bands of some scenes, many files at once.

        Args:
            grid: Grid of a window, 10 m.
            places: Places of the scenes.

        Yields:
            Of each band and each of these scenes its harmonised numbers, uint16, in the file's own resolution; or why
            they can't be read.
        """

        def read(task: tuple[OpenedScene, str]) -> Pixels:
            scene, band = task
            return scene.images[band].numbers(scene.native[band].window(grid).grid, self.access)

        return self._each(read, [(self.scenes[place], band) for band in self.bands for place in places])

    def _each(
        self, read: Callable[[tuple[OpenedScene, str]], Pixels], tasks: Sequence[tuple[OpenedScene, str]]
    ) -> Iterator["Pixels | Fault"]:
        def answer(task: tuple[OpenedScene, str]) -> "Pixels | Fault":
            try:
                return patiently(lambda: read(task), self.access)
            except READING_FAULTS as error:
                return _fault(task[0].facts.item, error)

        return _ahead(answer, tasks, self.access, remote=self.remote)


def open_stack(
    region: Region, items: Sequence[Mapping[str, Any]], bands: tuple[str, ...], mask: str | None, access: AccessSettings
) -> SceneStack:
    """Read the headers of all files that are wanted, and lay the grid of a region.

    Args:
        region: The region.
        items: Its scenes as STAC JSON, in order of time.
        bands: Names of the bands, in the order wanted.
        mask: Cloud mask: ``scl`` for the scene classification, whatever its key, or the key of another asset;
            ``None`` for none.
        access: Time limits, retries, connections and signing.

    Returns:
        The scenes whose files can be opened; the others are its faults.

    Raises:
        MissingAssetError: A scene lacks a band or the mask.
        NoCompositeError: No scene can be opened.
        SceneError: No grid can be laid over the region.
    """
    jobs = [job for item in items for job in _files_of(item, bands, mask)]

    def read(job: "_File") -> "Image | Fault":
        def attempt() -> Image:
            return read_image(job.asset, job.item["properties"], access, band=job.name != MASK)

        try:
            return patiently(attempt, access)
        except BadInputError as error:
            return Fault(job.item["id"], f"{job.key} can't be read: {error}")
        except READING_FAULTS as error:
            return _fault(job.item["id"], error)

    remote = any(urlsplit(str(job.asset["href"])).scheme for job in jobs)
    images = list(zip(jobs, _ahead(read, jobs, access, remote=remote), strict=True))
    faults = {answer.item: answer for _, answer in reversed(images) if isinstance(answer, Fault)}
    opened = [item for item in items if item["id"] not in faults]
    if not opened:
        first = next(iter(reversed(faults.values())))
        raise NoCompositeError(
            f"not one of {len(items)} scenes can be read, the first for this reason: {first.reason.rstrip('.')}"
        )
    by_scene: dict[str, dict[str, Image]] = {str(item["id"]): {} for item in opened}
    for job, answer in images:
        if isinstance(answer, Image) and job.item["id"] in by_scene:
            by_scene[job.item["id"]][job.name] = answer
    grid = region_grid(region, [_finest(files) for files in by_scene.values()])
    scenes = tuple(_opened_scene(item, by_scene[str(item["id"])], jobs, grid) for item in opened)
    classified = None if mask is None else mask == CSMASK or mask.upper() == SCENE_CLASSIFICATION
    return SceneStack(scenes, bands, grid, classified, access, tuple(faults[name] for name in sorted(faults)))


@dataclass(frozen=True)
class _File:
    """A file to open: its scene, band, key and asset."""

    item: Mapping[str, Any]
    name: str
    key: str
    asset: Mapping[str, Any]


def _files_of(item: Mapping[str, Any], bands: Sequence[str], mask: str | None) -> Iterator[_File]:
    parsed = pystac.Item.from_dict(dict(item))
    keys = {band: find_asset(parsed, band) for band in bands}
    if mask is not None:
        keys[MASK] = find_mask(parsed, mask)
    for name, key in keys.items():
        yield _File(item, name, key, item["assets"][key])


def _opened_scene(
    item: Mapping[str, Any], images: Mapping[str, Image], files: Sequence[_File], grid: GeoBox
) -> OpenedScene:
    own = {file.name: file for file in files if file.item is item}
    notes = (
        f"{own[name].key}: {told}"
        for name, image in images.items()
        if (told := contradiction(image, own[name].asset, item["properties"]))
    )
    native = {name: NativeGrid.of(image.grid, grid) for name, image in images.items()}
    return OpenedScene(SceneFacts.of(item), images, native, tuple(notes))


def _finest(images: Mapping[str, Image]) -> GeoBox:
    return min((image.grid for image in images.values()), key=lambda grid: abs(grid.transform.a))


def _fault(item: str, error: Exception) -> Fault:
    return Fault(item, redact(f"{type(error).__name__}: {error.__cause__ or error}"))


def _ahead(
    function: Callable[[Task], Result], tasks: Sequence[Task], access: AccessSettings, *, remote: bool
) -> Iterator[Result]:
    """Keep requests in flight; files of this machine are decoded by the thread that wants them."""
    if not remote:
        return map(function, tasks)
    return map_ahead(function, tasks, access.connections, _readers(access.connections))


@cache
def _readers(connections: int) -> ThreadPoolExecutor:
    """Threads of this process that wait for answers. They live on, since each keeps its connections open."""
    return ThreadPoolExecutor(connections, thread_name_prefix="readers")
