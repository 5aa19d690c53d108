"""Segmentation of a folder of chips, a few chips at a time, to files that a GIS opens."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, count, groupby, islice
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import rasterio

from mining_the_mines.chips.folder import ChipFolder
from mining_the_mines.chips.planes import encode_raster
from mining_the_mines.chips.quality import ChipSettings, judge_chip
from mining_the_mines.core.atomic import whole_folder
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.prefetching import map_ahead
from mining_the_mines.core.progress import Progress, silent
from mining_the_mines.geo.geopackage import write_layer
from mining_the_mines.geo.grid import ChipGrid, read_grid
from mining_the_mines.mapping.polygonize import Probability, draw_mask, polygonize_chip
from mining_the_mines.mapping.settings import VectorSettings
from mining_the_mines.models.predictor import Predictor
from mining_the_mines.rasters.judge import gather_doubts

logger = logging.getLogger(__name__)

#: Folder of the probability maps: float32, NaN without data.
PROBABILITIES: Final = "probabilities"
#: Folder of the masks: uint8, 0 background, 1 mine, 255 unknown.
MASKS: Final = "masks"
#: Polygons, one layer a chip.
POLYGONS: Final = "mine_polygons.gpkg"
#: Table of the chips.
TABLE: Final = "chips.csv"
#: Columns of the table and their types.
COLUMNS: Final = {
    "filename": "str",
    "layer": "str",
    "mines": "Int64",
    "hectares": "float64",
    "highest_probability": "float64",
    "novelty": "float64",
    "error": "str",
}
_NUMBERS: Final = ("mines", "hectares", "highest_probability", "novelty")
#: Prefixes of a GeoPackage's own tables, which no layer may have.
_RESERVED: Final = ("gpkg", "sqlite_", "rtree_")
#: Pixels in a batch: 16 chips of 256 × 256, 4 of 512 × 512, and always at least one chip.
_BATCH_PIXELS: Final = 2**20


@dataclass(frozen=True)
class SegmentedChips:
    """Segmented chips on disk.

    Attributes:
        folder: Folder with :data:`PROBABILITIES`, :data:`MASKS`, :data:`POLYGONS` and :data:`TABLE`.
    """

    folder: Path

    @property
    def table(self) -> pd.DataFrame:
        """The table; see :func:`read_segmentation_table`."""
        return read_segmentation_table(self.folder)


@dataclass(frozen=True)
class _LeftOutChip:
    filename: str
    reason: str


@dataclass(frozen=True, eq=False)
class _ReadChip:
    filename: str
    grid: ChipGrid
    reflectance: npt.NDArray[np.float32]
    doubts: tuple[str, ...] = ()


_Chip: TypeAlias = _ReadChip | _LeftOutChip


def segment_folder(
    chips: ChipFolder,
    segmenter: Predictor,
    reading: ChipSettings,
    settings: VectorSettings,
    folder: Path,
    progress: Progress = silent,
) -> SegmentedChips:
    """Segment a folder of chips; the same chips and model give the same bytes.

    Each chip gets a probability map and a mask of its own name on its own grid, with the threshold in the tags; a chip
    with mines gets a layer in ``mine_polygons.gpkg``, in the chip's CRS. A chip that can't be read, has no place on the
    Earth or is faulty gets the reason in the table instead.

    Args:
        chips: Chips of any sizes.
        segmenter: The model.
        reading: How to read the chips, with the model's bands.
        settings: Patches that become polygons.
        folder: Folder to write; it appears whole or not at all.
        progress: Shows progress over the chips.

    Returns:
        The folder.

    Raises:
        BadInputError: The folder of chips does not exist or holds no GeoTIFF, or the disk is full.
    """
    rows: list[dict[str, Any]] = []
    layers: set[str] = set()
    doubts: dict[str, tuple[str, ...]] = {}
    with whole_folder(folder) as draft:
        (draft / PROBABILITIES).mkdir()
        (draft / MASKS).mkdir()
        for chip, probability in _predict(chips, segmenter, reading, progress):
            if isinstance(chip, _ReadChip):
                doubts[chip.filename] = chip.doubts
                path = chips.path(chip.filename)
                row = _write_chip(chip, probability, path, segmenter, settings, draft, layers)
                far = np.nan if segmenter.novelty is None else segmenter.novelty.score(chip.reflectance[None])[0]
                rows.append(row | {"novelty": far})
            else:
                rows.append({"filename": chip.filename, "layer": "", "error": chip.reason})
        table = pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS).sort_values("filename", ignore_index=True)
        table.to_csv(draft / TABLE, index=False)
    for doubt in gather_doubts(doubts, "chips"):
        logger.warning("%s", doubt)
    _report(table)
    return SegmentedChips(folder)


def read_segmentation_table(folder: Path) -> pd.DataFrame:
    """Read the table of segmented chips.

    Args:
        folder: Folder of segmented chips.

    Returns:
        A row a chip, by file name: ``filename``, ``layer`` (in the GeoPackage; empty without mines), ``mines``
        (polygons), their ``hectares``, ``highest_probability`` of a pixel, ``novelty`` (percentile among the training
        chips, missing for models of earlier versions), and ``error``, the reason why a chip was left out.

    Raises:
        BadInputError: There is no table, or it is another one.
    """
    path = folder / TABLE
    try:
        table = pd.read_csv(path, dtype=COLUMNS, keep_default_na=False, na_values=dict.fromkeys(_NUMBERS, ""))
    except FileNotFoundError:
        raise BadInputError(f"{folder} holds no segmented chips: run inference first.") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise BadInputError(f"{path} is no table of segmented chips ({error}): run inference again.") from error
    if list(table.columns) != list(COLUMNS):
        raise BadInputError(f"{path} lacks columns of a table of segmented chips: run inference again.")
    return table


def _predict(
    chips: ChipFolder, segmenter: Predictor, settings: ChipSettings, progress: Progress
) -> Iterator[tuple[_Chip, Probability]]:
    """Yield each chip with its probabilities (height, width), empty for a chip that was left out."""

    def read(filename: str) -> _Chip:
        path = chips.path(filename)
        try:
            grid = read_grid(path)
            chip = settings.read(path)
        except BadInputError as error:
            return _LeftOutChip(filename, str(error))
        verdict = judge_chip(chip, settings)
        if verdict.fault is not None:
            return _LeftOutChip(filename, f"{path} can't be judged ({verdict.fault}): give a better chip of the place.")
        return _ReadChip(filename, grid, chip.reflectance, verdict.doubts)

    for _, alike in groupby(
        map_ahead(read, progress(chips.filenames, "Segmenting chips"), settings.workers), key=_size
    ):
        for batch in _batches(alike):
            stacked = [chip.reflectance for chip in batch if isinstance(chip, _ReadChip)]
            predicted = segmenter.predict(np.stack(stacked)) if stacked else [np.empty((0, 0))] * len(batch)
            for chip, probability in zip(batch, predicted, strict=True):
                yield chip, np.asarray(probability, dtype=np.float32)


def _size(chip: _Chip) -> tuple[int, int] | None:
    return None if isinstance(chip, _LeftOutChip) else (chip.grid.height, chip.grid.width)


def _batches(chips: Iterable[_Chip]) -> Iterator[list[_Chip]]:
    """Cut chips of one size into batches of about equal numbers of pixels."""
    remaining = iter(chips)
    for first in remaining:
        height, width = _size(first) or (1, 1)
        yield [first, *islice(remaining, max(1, _BATCH_PIXELS // (height * width)) - 1)]


def _write_chip(
    chip: _ReadChip,
    probability: Probability,
    path: Path,
    segmenter: Predictor,
    settings: VectorSettings,
    folder: Path,
    layers: set[str],
) -> dict[str, Any]:
    """Write the files of a chip, add its layer, and return its row of the table."""
    if np.isnan(probability).all():
        reason = f"{path} has no pixel with data in every band: give a better chip."
        return {"filename": chip.filename, "layer": "", "error": reason}
    try:
        polygons = polygonize_chip(probability, chip.grid, segmenter.threshold, settings)
    except BadInputError as error:
        return {"filename": chip.filename, "layer": "", "error": f"{path} can't be segmented: {error}"}
    layer = ""
    if len(polygons):
        layer = _free_layer(chip.filename, layers)
        layers.add(layer.casefold())
        # A few polygons need no index, and its tables would make a file of many layers slow to write and open.
        write_layer(polygons, folder / POLYGONS, layer, SPATIAL_INDEX="NO")
    _write_rasters(chip, probability, draw_mask(polygons, probability, chip.grid), segmenter.threshold, folder)
    return {
        "filename": chip.filename,
        "layer": layer,
        "mines": len(polygons),
        "hectares": float(polygons["area_ha"].sum()),
        "highest_probability": float(np.nanmax(probability)),
        "error": "",
    }


def _write_rasters(
    chip: _ReadChip, probability: Probability, mask: npt.NDArray[np.uint8], threshold: float, folder: Path
) -> None:
    planes = (
        (PROBABILITIES, encode_raster(probability, chip.grid, "probability of a mine")),
        (MASKS, encode_raster(mask, chip.grid, "mine (1), unknown (255)")),
    )
    for subfolder, content in planes:
        path = folder / subfolder / chip.filename
        path.write_bytes(content)
        with rasterio.open(path, "r+") as file:
            file.update_tags(threshold=threshold)


def _free_layer(filename: str, taken: set[str]) -> str:
    """Name of a chip's layer: its file name without the suffix, unless another chip has it in whatever case."""
    stem = Path(filename).stem
    if stem.lower().startswith(_RESERVED):
        stem = f"chip_{stem}"
    candidates = chain((stem, filename), (f"{stem}_{number}" for number in count(2)))
    return next(name for name in candidates if name.casefold() not in taken)


def _report(table: pd.DataFrame) -> None:
    mines = table["mines"].fillna(0)
    logger.info(
        "%d mines of %.1f hectares in %d of %d chips; %d chips could not be segmented.",
        mines.sum(), table["hectares"].sum(), (mines > 0).sum(), len(table), (table["error"] != "").sum(),
    )  # fmt: skip
