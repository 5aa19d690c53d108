"""One task of mapping: some rows of windows are read, predicted and blended, and what they add to the map is kept."""

import math
import os
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from mining_the_mines.core.atomic import whole_file
from mining_the_mines.core.threads import one_thread
from mining_the_mines.mapping.model import MapModel, StoredModel
from mining_the_mines.mapping.plan import ProbabilityPlan, RowBand
from mining_the_mines.rasters.scene import SceneRows, gdal_memory, open_rows

Numbers = npt.NDArray[np.generic]
Reflectance = npt.NDArray[np.float32]
Sums = npt.NDArray[np.float32]

#: Pixels that a model is given at a time: 4 windows of 256 × 256, and always at least one. What lies between the layers
#: of a network then stays in reach of a CPU's caches; 16 windows take up to five times as long each.
_BATCH_PIXELS: Final = 2**18


@dataclass(frozen=True)
class BandPart:
    """What a band of rows adds to a map, on disk until the map is whole.

    Attributes:
        path: Of an array float32 (rows, width): weighted sums of probabilities, NaN without data. Rows that no other
            band has windows on are final.
        band: Which band.
    """

    path: Path
    band: RowBand


def is_whole(part: BandPart, width: int) -> bool:
    """Tell whether a part is there as it was written; one that a power cut damaged is none."""
    try:
        sums = np.load(part.path, mmap_mode="r")
    except (OSError, EOFError, ValueError):
        return False
    return bool(sums.dtype == np.float32 and sums.shape == (part.band.end_row - part.band.first_row, width))


def part_of(band: RowBand, folder: Path) -> BandPart:
    """Where a band's part lies in a folder.

    It is named by its windows, for rows don't tell bands apart: where windows overlap by more than half, several rows
    of them begin above the scene, and so with its first row.
    """
    return BandPart(folder / f"windows_{band.first_window:05d}_{band.end_window:05d}.npy", band)


def map_band(plan: ProbabilityPlan, part: BandPart) -> None:
    """Map a band of rows and write its part, whole or not at all.

    Memory follows the width of the scene and the height of a window; rows are read ahead while the model works.

    Args:
        plan: Of the scene.
        part: Which band, and where to.

    Raises:
        SceneError: If the scene can't be read there.
        BadInputError: If the disk is full.
    """
    model = load_once(plan.model)
    band = part.band
    with (
        gdal_memory(),
        one_thread(),  # the same bytes whatever the machine
        open_rows(plan.scene, model.chips, plan.grid) as scene,
        # Whatever fails: nobody may still read ahead when the scene is closed, for GDAL would crash.
        closing(_window_rows(plan, band, scene)) as window_rows,
        whole_file(part.path) as draft,
        draft.open("wb") as stream,
    ):
        # Not a memory map: where the disk is full, writing to one kills the process.
        sums: Sums = np.zeros((band.end_row - band.first_row, plan.grid.width), dtype=np.float32)
        batch = _new_batch(plan, len(model.chips.bands))
        for number, numbers in window_rows:
            first, end = plan.rows.inside(number)
            inside = slice(first - plan.rows.starts[number], end - plan.rows.starts[number])
            weighted = _blend_row(plan, model, scene, numbers, batch)[inside] * plan.rows.weights[number][inside, None]
            sums[first - band.first_row : end - band.first_row] += weighted
        np.save(stream, sums)
        stream.flush()
        os.fsync(stream.fileno())  # it gets its name when it is on the disk, whatever happens to the machine


@lru_cache(maxsize=2)  # a worker is given many bands, and reading a model takes longer than mapping a small one
def load_once(stored: StoredModel) -> MapModel:
    """Load a model the first time that this process is asked for it."""
    return stored.load(stored.folder)


def _window_rows(plan: ProbabilityPlan, band: RowBand, scene: SceneRows) -> Generator[tuple[int, Numbers], None, None]:
    """Each row of windows with its numbers (bands, window, width), which hold until the next one is asked for.

    Rows outside of the scene are mirrored. The next rows are read while the model works on these.
    """
    rows, numbers = plan.rows, range(band.first_window, band.end_window)
    spans = [rows.inside(number) for number in numbers]
    ends = [spans[0][0], *(end for _, end in spans)]
    news = [(max(first, before), end) for (first, end), before in zip(spans, ends, strict=False)]
    buffer: Numbers | None = None
    filled = 0
    # Whoever stops in between waits here for the read that is under way: GDAL would crash if the scene were closed.
    with ThreadPoolExecutor(1, thread_name_prefix="rows") as reader:
        ahead = reader.submit(scene.read, *news[0])
        for number, (first, end), following in zip_longest(numbers, spans, news[1:]):
            new = ahead.result()
            if following is not None:
                ahead = reader.submit(scene.read, *following)
            if buffer is None:
                buffer = np.empty((len(new), rows.window, new.shape[2]), dtype=new.dtype)
            again = end - first - new.shape[1]
            buffer[:, :again] = buffer[:, filled - again : filled]
            buffer[:, again : end - first] = new
            filled = end - first
            del new
            place = rows.mirrored(rows.starts[number], rows.starts[number] + rows.window) - first
            yield number, buffer if filled == rows.window else buffer[:, place]


def _blend_row(plan: ProbabilityPlan, model: MapModel, scene: SceneRows, numbers: Numbers, batch: Reflectance) -> Sums:
    """Predict a row of windows and blend them sideways, (window, width); where nothing is known, no model is asked."""
    columns, waiting = plan.columns, list[int]()
    blended = np.zeros((numbers.shape[1], columns.length), dtype=np.float32)
    for number in range(len(columns.starts)):
        window = _window(plan, scene, numbers, number)
        if np.isfinite(window).all(axis=0).any():
            batch[len(waiting)] = window
            waiting.append(number)
        else:
            blended[:, slice(*columns.inside(number))] = np.nan
        if waiting and (len(waiting) == len(batch) or number + 1 == len(columns.starts)):
            for asked, probability in zip(waiting, model.predict(batch[: len(waiting)]), strict=True):
                first, end = columns.inside(asked)
                inside = slice(first - columns.starts[asked], end - columns.starts[asked])
                blended[:, first:end] += probability[:, inside] * columns.weights[asked][inside]
            waiting.clear()
    return blended


def _new_batch(plan: ProbabilityPlan, bands: int) -> Reflectance:
    """Room for as many windows as the model is given at a time."""
    shape = (plan.rows.window, plan.columns.window)
    size = plan.tiling.batch or max(1, _BATCH_PIXELS // math.prod(shape))
    return np.empty((min(size, len(plan.columns.starts)), bands, *shape), dtype=np.float32)


def _window(plan: ProbabilityPlan, scene: SceneRows, numbers: Numbers, number: int) -> Reflectance:
    """Reflectance of one window, (bands, window, window)."""
    columns, (first, end) = plan.columns, plan.columns.inside(number)
    if end - first == columns.window:
        return scene.bands.decode(numbers[:, :, first:end])
    start = columns.starts[number]
    return scene.bands.decode(numbers[:, :, columns.mirrored(start, start + columns.window)])
