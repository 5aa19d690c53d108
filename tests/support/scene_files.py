"""Tiny scenes as files, a model whose windows disagree, and the map that a plain loop makes of both."""

import json
import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import rasterio
from affine import Affine
from scipy import ndimage

from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.dask_client import DaskSettings
from mining_the_mines.core.progress import Count, uncounted
from mining_the_mines.mapping.completion import finish_scene, waiting_parts
from mining_the_mines.mapping.plan import (
    BandPart,
    PermitFiles,
    ProbabilityPlan,
    ScenePlan,
    StoredModel,
)
from mining_the_mines.mapping.plan import (
    plan_scene as plan_any_scene,
)
from mining_the_mines.mapping.row_bands import map_band
from mining_the_mines.mapping.scene_map import SceneMap, SceneMaps, read_map, write_index
from mining_the_mines.mapping.scene_maps import make_maps, map_part, plan_maps
from mining_the_mines.mapping.scene_preparation import StacReading, prepare_scenes
from mining_the_mines.mapping.settings import MappingSettings, TilingSettings, VectorSettings
from mining_the_mines.models.novelty import Novelty
from mining_the_mines.models.predictor import ModelSource
from mining_the_mines.rasters.scene import Scene
from mining_the_mines.scenes.composite_files import RECORD, Composite, CompositeRecord, record_path
from mining_the_mines.scenes.settings import AcquisitionSettings, CompositingSettings
from support.composites import composite_at

BANDS: Final = ("B2", "B3")
CRS: Final = "EPSG:32721"
CORNER: Final = (600_000, 9_300_000)
#: Edge in pixels of the chips that the model says it has learnt from.
WINDOW: Final = 32
THRESHOLD: Final = 0.5
#: A worker that finds a file of this name beside the model takes it away and dies.
POISON: Final = "poison*"
NO_PERMITS: Final = PermitFiles()
_CHIPS: Final = ChipSettings(bands=BANDS)
Reflectance = npt.NDArray[np.float32]
Numbers = npt.NDArray[Any]


@dataclass(frozen=True)
class PlaceModel:
    """Bright is mine, and the more so the lower right in the window: no two windows agree about a pixel.

    Attributes:
        folder: Where it was read from.
        window: Edge of the chips that it was trained on.
        coarse: Whether it gives all pixels of a window their mean.
        pause: Seconds that each batch takes.
        fails: Whether it can't predict at all.
    """

    folder: Path
    window: int = WINDOW
    coarse: bool = False
    pause: float = 0.0
    fails: bool = False
    chips: ChipSettings = _CHIPS
    threshold: float = THRESHOLD
    novelty: Novelty | None = None

    @property
    def source(self) -> ModelSource:
        """Folder of the model."""
        return ModelSource(self.folder)

    def predict(self, reflectance: Reflectance, /) -> Reflectance:
        """See the class."""
        for poison in self.folder.glob(POISON):
            with suppress(FileNotFoundError):  # another worker was faster
                poison.unlink()
                os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(self.pause)
        if self.fails:
            raise MemoryError("no memory left on the device")
        if self.coarse:
            assert reflectance.shape[2:] == (self.window, self.window)
        return place_and_brightness(reflectance, coarse=self.coarse)


def place_and_brightness(reflectance: Reflectance, *, coarse: bool = False) -> Reflectance:
    """What the model says of windows (B, C, H, W): (B, H, W)."""
    known = np.asarray(np.isfinite(reflectance).all(axis=1))
    height, width = reflectance.shape[2:]
    place = (np.arange(height)[:, None] / height + np.arange(width) / width) / 2
    light = reflectance[:, 0] * 0.7 + reflectance[:, 1] * 0.2
    probability = (light + 0.1 * place).clip(0, 1).astype(np.float32)
    if coarse:
        means = [window[inside].mean() for window, inside in zip(probability, known, strict=True)]
        probability = np.broadcast_to(np.array(means, dtype=np.float32)[:, None, None], probability.shape)
    return np.where(known, probability, np.float32(np.nan))


def load_model(folder: Path) -> PlaceModel:
    """Read a model."""
    return PlaceModel(folder, **json.loads((folder / "model.json").read_text(encoding="utf-8")))


def store_model(folder: Path, content_hash: str = "abc", **changes: Any) -> StoredModel:
    """Write a model."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.json").write_text(json.dumps(changes), encoding="utf-8")
    return StoredModel(folder, load_model, "place", "7", content_hash)


def ground(height: int, width: int, seed: int = 0, empty: npt.NDArray[np.bool_] | None = None) -> Numbers:
    """Digital numbers uint16 (2, height, width) of bright and dark patches; 0 where it is empty."""
    noise = np.random.default_rng(seed).standard_normal((2, height, width))
    smooth = ndimage.gaussian_filter(noise, (0, 2, 2), mode="wrap")
    numbers = (5_000 + 8_000 * smooth).clip(1, 9_999).astype(np.uint16)
    if empty is not None:
        numbers[:, empty] = 0
    return numbers


def torn_corner(height: int, width: int) -> npt.NDArray[np.bool_]:
    """Where a scene is cut off along its orbit, and a hole in it."""
    rows, columns = np.indices((height, width))
    empty = rows / height + columns / width < 0.5
    empty[height * 2 // 3 : height * 2 // 3 + 3, width // 2 : width // 2 + 5] = True
    return np.asarray(empty)


def write_scene(
    path: Path,
    numbers: Numbers,
    names: Sequence[str | None] = BANDS,
    *,
    pixel: float = 10.0,
    scaling: tuple[float, float] = (1.0, 0.0),
    **profile: Any,
) -> Path:
    """Write a scene in tiles of 16 × 16 pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = numbers.shape
    given: dict[str, Any] = {
        "crs": CRS, "transform": Affine(pixel, 0, CORNER[0], 0, -pixel, CORNER[1]), "nodata": 0, "tiled": True,
        "blockxsize": 16, "blockysize": 16, "compress": "deflate",
    }  # fmt: skip
    size = {"count": count, "height": height, "width": width, "dtype": numbers.dtype}
    with rasterio.open(path, "w", driver="GTiff", **size, **(given | profile)) as image:
        image.write(numbers)
        if scaling != (1.0, 0.0):
            image.scales, image.offsets = (scaling[0],) * count, (scaling[1],) * count
        for index, name in enumerate(names, start=1):
            if name is not None:
                image.set_band_description(index, name)
    return path


def recorded_composite(folder: Path, region: str = "north") -> Composite:
    """A composite with its record."""
    composite = composite_at(folder, region)
    fields = {name: getattr(composite, name) for name in CompositeRecord.__dataclass_fields__}
    record_path(folder, region).write_bytes(RECORD.dump_json(CompositeRecord(**fields)))
    return composite


def scene_at(path: Path) -> Scene:
    """A scene of which nothing is known beside its pixels."""
    return Scene(path.stem, path, str(path))


def plan_map(path: Path, stored: StoredModel, precision: str = "float32", **tiling: Any) -> ProbabilityPlan:
    """Lay out the windows of a scene."""
    return plan_scene(scene_at(path), stored, precision=precision, tiling=TilingSettings(**tiling)).probability


def plan_scene(scene: Scene, stored: StoredModel, permits: PermitFiles = NO_PERMITS, **changes: Any) -> ScenePlan:
    """Plan all of a scene's map; every patch above the model's threshold becomes a polygon."""
    vectors = VectorSettings(seed=THRESHOLD, grow=THRESHOLD, minimum_hectares=0)
    return plan_any_scene(scene, stored, MappingSettings(**({"vectors": vectors} | changes)), permits)


def map_named(
    folder: Path,
    scenes: str | Sequence[str],
    *,
    permits: PermitFiles = NO_PERMITS,
    imagery: ChipSettings | None = None,
    progress: Count = uncounted,
    **settings: Any,
) -> SceneMaps:
    """Map the scenes that a person names into the sub-folder ``maps``, with composites beside it."""
    reading = StacReading(
        CompositingSettings(mask_asset="scl"),
        AcquisitionSettings(timeout_seconds=3, retries=0, back_off=0),
        DaskSettings(workers=1),
        folder / "composites",
    )
    vectors = VectorSettings(seed=THRESHOLD, grow=THRESHOLD, minimum_hectares=0)
    stored = store_model(folder / "model")
    prepared = prepare_scenes(scenes, BANDS, reading)
    changed = MappingSettings(**({"vectors": vectors} | settings))
    plans, unmapped = plan_maps(prepared, stored, changed, permits, imagery)
    maps = make_maps(plans, unmapped, folder / "maps", reading.dask, progress)
    write_index(folder / "maps", maps)
    return maps


def make_here(plan: ScenePlan, folder: Path) -> SceneMap:
    """Make a map without any cluster."""
    for part in waiting_parts(plan, folder):
        map_part(plan, part)
    finish_scene(plan, folder)
    found = read_map(folder, plan.name)
    assert found is not None
    return found


def map_rows(plan: ProbabilityPlan, folder: Path) -> list[BandPart]:
    """Make all parts of a map of probability."""
    parts = plan.parts(folder)
    for part in parts:
        map_band(plan, part)
    return parts


def plain_map(reflectance: Reflectance, plan: ProbabilityPlan) -> npt.NDArray[np.float64]:
    """The same windows of the whole scene in memory, accumulated as any tutorial does it."""
    height, width = reflectance.shape[1:]
    (rows, up), (columns, left) = (_padding(axis.starts, axis.window) for axis in (plan.rows, plan.columns))
    padded = np.pad(
        reflectance,
        ((0, 0), (up, max(0, rows[-1] + plan.rows.window - up - height)),
         (left, max(0, columns[-1] + plan.columns.window - left - width))),
        mode="reflect",
    )  # fmt: skip
    sums, weights = np.zeros(padded.shape[1:]), np.zeros(padded.shape[1:])
    for row in rows:
        for column in columns:
            place = (slice(row, row + plan.rows.window), slice(column, column + plan.columns.window))
            window = padded[(slice(None), *place)][None]
            known = np.isfinite(window).all(axis=1).any()
            share = np.outer(
                _share(plan, rows, row, plan.rows.window), _share(plan, columns, column, plan.columns.window)
            )
            sums[place] += share * (place_and_brightness(window, coarse=plan.coarse)[0] if known else np.nan)
            weights[place] += share
    return (sums / weights)[up : up + height, left : left + width]


def _padding(starts: Sequence[int], _window: int) -> tuple[list[int], int]:
    before = max(0, -starts[0])
    return [start + before for start in starts], before


def _share(plan: ProbabilityPlan, starts: Sequence[int], start: int, window: int) -> npt.NDArray[np.float64]:
    if plan.tiling.blend == "cosine":
        return np.sin(np.pi * (np.arange(window) + 0.5) / window) ** 2
    centres = np.array(starts) + window / 2
    distances = np.abs(np.arange(start, start + window)[:, None] + 0.5 - centres)
    return np.asarray(distances.argmin(axis=1) == list(starts).index(start), dtype=np.float64)
