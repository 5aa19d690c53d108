"""One task of mapping: adjacent rows of windows are read, predicted and blended, and their share of the map is kept."""

import math
import os
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import zip_longest
from typing import Any

import numpy as np
import numpy.typing as npt

from mining_the_mines.core.atomic import whole_file
from mining_the_mines.core.threads import one_thread
from mining_the_mines.mapping.novelty_raster import NoveltyRows
from mining_the_mines.mapping.plan import BandPart, ProbabilityPlan, RowBand, load_once
from mining_the_mines.mapping.windows import AxisWindows
from mining_the_mines.models.predictor import EnsemblePredictor, Predictor, batch_pixels
from mining_the_mines.rasters.scene import SceneRows, gdal_memory, open_rows

Reflectance = npt.NDArray[np.float32]
Sums = npt.NDArray[np.float32]


def map_band(plan: ProbabilityPlan, part: BandPart) -> None:
    """Map a band of rows and write its part, whole or not at all.

    Memory grows with the width of the scene and the height of a window; rows are read ahead while the model works.

    Args:
        plan: Plan of the probability raster.
        part: The band and its file.

    Raises:
        SceneError: The scene can't be read there.
        UnwritableError: The disk is full.
    """
    model = load_once(plan.model, plan.tiling.views)
    band = part.band
    novelty = NoveltyRows(plan, model, band)
    with (
        gdal_memory(),
        one_thread(),  # the same bytes whatever the machine
        open_rows(plan.scene, plan.chips, plan.grid) as scene,
        # No thread may still read ahead when the scene is closed, whatever fails: GDAL would crash.
        closing(_window_rows(plan, band, scene, novelty)) as window_rows,
        whole_file(part.path) as draft,
        draft.open("wb") as stream,
    ):
        # No memory map: on a full disk, writing to one kills the process.
        sums: Sums = np.zeros((*plan.planes, band.end_row - band.first_row, plan.grid.width), dtype=np.float32)
        batch = _new_batch(plan, len(plan.chips.bands))
        for number, reflectance in window_rows:
            first, end = plan.rows.inside(number)
            inside = slice(first - plan.rows.starts[number], end - plan.rows.starts[number])
            blended = _blend_row(plan, model, reflectance, batch)[..., inside, :]
            sums[..., first - band.first_row : end - band.first_row, :] += (
                blended * plan.rows.weights[number][inside, None]
            )
        np.save(stream, sums)
        novelty.save(stream)
        stream.flush()
        os.fsync(stream.fileno())  # it gets its name when it is on the disk, whatever happens to the machine


def _window_rows(
    plan: ProbabilityPlan, band: RowBand, scene: SceneRows, novelty: NoveltyRows
) -> Generator[tuple[int, Reflectance], None, None]:
    """Yield each row of windows with its reflectance (bands, window, width), valid until the next one is asked for.

    Rows outside the scene are mirrored. The next rows are read and decoded, each once, while the model works on these.
    Novelty is scored on the way.
    """
    rows, numbers = plan.rows, range(band.first_window, band.end_window)
    spans = [rows.inside(number) for number in numbers]
    ends = [spans[0][0], *(end for _, end in spans)]
    news = [(max(first, before), end) for (first, end), before in zip(spans, ends, strict=False)]
    buffer: Reflectance | None = None
    filled = 0

    def read(first: int, end: int) -> Reflectance:
        return scene.decode(scene.read(first, end))

    # The pool waits for the read that is under way if the generator is closed: GDAL would crash on a closed scene.
    with ThreadPoolExecutor(1, thread_name_prefix="rows") as reader:
        ahead = reader.submit(read, *news[0])
        for number, (first, end), following in zip_longest(numbers, spans, news[1:]):
            new = ahead.result()
            if following is not None:
                ahead = reader.submit(read, *following)
            if buffer is None:
                buffer = np.empty((len(new), rows.window, new.shape[2]), dtype=np.float32)
            again = end - first - new.shape[1]
            buffer[:, :again] = buffer[:, filled - again : filled]
            buffer[:, again : end - first] = new
            filled = end - first
            novelty.add(end - new.shape[1], new)
            del new
            place = rows.mirrored(rows.starts[number], rows.starts[number] + rows.window) - first
            yield number, buffer if filled == rows.window else buffer[:, place]


def _blend_row(plan: ProbabilityPlan, model: Predictor, reflectance: Reflectance, batch: Reflectance) -> Sums:
    """Predict a row of windows and blend them sideways, (…, window, width); those without data are not predicted."""
    columns, waiting = plan.columns, list[int]()
    blended = np.zeros((*plan.planes, reflectance.shape[1], columns.length), dtype=np.float32)
    # A sum over bands is cheaper than a test of each, and some pixel of most windows has data in all of them.
    known = np.isfinite(reflectance.sum(axis=0)).any(axis=0)
    for number in range(len(columns.starts)):
        first, end = columns.inside(number)
        if known[first:end].any():
            batch[len(waiting)] = _window(columns, reflectance, number)
            waiting.append(number)
        else:
            blended[..., first:end] = np.nan
        if waiting and (len(waiting) == len(batch) or number + 1 == len(columns.starts)):
            for asked, probability in zip(waiting, _predict(plan, model, batch[: len(waiting)]), strict=True):
                first, end = columns.inside(asked)
                inside = slice(first - columns.starts[asked], end - columns.starts[asked])
                blended[..., first:end] += probability[..., inside] * columns.weights[asked][inside]
            waiting.clear()
    return blended


def _predict(plan: ProbabilityPlan, model: Predictor, windows: Reflectance) -> npt.NDArray[np.floating[Any]]:
    """Probabilities of windows (B, window, window), with the networks' standard deviation (B, 2, window, window)."""
    if not (plan.disagreement and isinstance(model, EnsemblePredictor)):
        return model.predict(windows)
    each = model.predict_each(windows)
    return np.stack([each.mean(axis=0), each.std(axis=0)], axis=1)


def _new_batch(plan: ProbabilityPlan, bands: int) -> Reflectance:
    """Buffer for the windows of a batch."""
    shape = (plan.rows.window, plan.columns.window)
    size = plan.tiling.batch or max(1, batch_pixels() // math.prod(shape))
    return np.empty((min(size, len(plan.columns.starts)), bands, *shape), dtype=np.float32)


def _window(columns: AxisWindows, reflectance: Reflectance, number: int) -> Reflectance:
    """Reflectance of one window, (bands, window, window)."""
    first, end = columns.inside(number)
    if end - first == columns.window:
        return reflectance[:, :, first:end]
    start = columns.starts[number]
    return reflectance[:, :, columns.mirrored(start, start + columns.window)]
