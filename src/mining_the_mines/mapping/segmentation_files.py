"""Outlined chips as files that a GIS opens: rasters, a GeoPackage, and a table of what was found where."""

import errno
import logging
from collections.abc import Iterable
from itertools import chain, count
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import rasterio
from pyogrio.errors import DataLayerError, DataSourceError

from mining_the_mines.chips.planes import encode_raster
from mining_the_mines.core.atomic import whole_folder
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.geopackage import fix_dates
from mining_the_mines.mapping.chip_segmentation import LeftOutChip, Outcome, SegmentedChip

logger = logging.getLogger(__name__)

#: Folder of the maps of probability: float32, NaN without data.
PROBABILITIES: Final = "probabilities"
#: Folder of the masks: uint8, 0 background, 1 mine, 255 unknown.
MASKS: Final = "masks"
#: Polygons, a layer a chip.
POLYGONS: Final = "outlines.gpkg"
#: What was found in each chip.
TABLE: Final = "outlines.csv"
#: Columns of the table and their types.
COLUMNS: Final = {
    "filename": "str",
    "layer": "str",
    "mines": "Int64",
    "hectares": "float64",
    "highest_probability": "float64",
    "error": "str",
}
_NUMBERS: Final = ("mines", "hectares", "highest_probability")
# A GeoPackage takes no layers whose names begin like its own tables.
_RESERVED: Final = ("gpkg", "sqlite_", "rtree_")


def write_segmented_chips(chips: Iterable[Outcome], folder: Path) -> pd.DataFrame:
    """Write what was found, one chip at a time; the same findings give the same bytes.

    The folder gets a map of probability and a mask for each outlined chip, by the chip's own name and on its own grid,
    with the threshold in the files' tags; ``outlines.gpkg`` with a layer, in the chip's own CRS, for each chip with a
    mine; and ``outlines.csv``. A chip without a mine has no layer, and where no chip has one there is no GeoPackage.

    Args:
        chips: Outlined, or left out with the reason.
        folder: Where all of it is to be; it appears whole or not at all.

    Returns:
        The table: ``filename``, ``layer`` (of the GeoPackage; empty without a mine), ``mines`` (polygons), their
        ``hectares``, ``highest_probability`` of a pixel, and ``error``, the reason why a chip was left out; a row a
        chip, by file name.

    Raises:
        BadInputError: If the folder can't be written, or the disk is full.
    """
    rows: list[dict[str, Any]] = []
    layers: set[str] = set()
    with whole_folder(folder) as draft:
        (draft / PROBABILITIES).mkdir()
        (draft / MASKS).mkdir()
        for chip in chips:
            if isinstance(chip, LeftOutChip):
                rows.append({"filename": chip.filename, "layer": "", "error": chip.reason})
                continue
            layer = ""
            if len(chip.outlines):
                layer = _free_layer(chip.filename, layers)
                layers.add(layer.casefold())
                _write_layer(chip.outlines, draft / POLYGONS, layer)
            _write_rasters(chip, draft)
            rows.append(_row(chip, layer))
        if layers:
            fix_dates(draft / POLYGONS)
        table = pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS).sort_values("filename", ignore_index=True)
        table.to_csv(draft / TABLE, index=False)
    _report(table)
    return table


def read_segmentation_table(folder: Path) -> pd.DataFrame:
    """Read the table of what was found in each chip.

    Args:
        folder: As :func:`write_segmented_chips` left it.

    Returns:
        The same table.

    Raises:
        BadInputError: If there is none, or it is another table.
    """
    path = folder / TABLE
    try:
        table = pd.read_csv(path, dtype=COLUMNS, keep_default_na=False, na_values=dict.fromkeys(_NUMBERS, ""))
    except FileNotFoundError:
        raise BadInputError(f"{folder} holds no outlines: run inference first.") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise BadInputError(f"{path} is no table of outlines ({error}): run inference again.") from error
    if list(table.columns) != list(COLUMNS):
        raise BadInputError(f"{path} lacks columns of a table of outlines: run inference again.")
    return table


def _row(chip: SegmentedChip, layer: str) -> dict[str, Any]:
    return {
        "filename": chip.filename,
        "layer": layer,
        "mines": len(chip.outlines),
        "hectares": float(chip.outlines["area_ha"].sum()),
        "highest_probability": float(np.nanmax(chip.probability)),
        "error": "",
    }


def _write_rasters(chip: SegmentedChip, folder: Path) -> None:
    probability = encode_raster(chip.probability, chip.grid, "probability of a mine")
    mask = encode_raster(chip.mask, chip.grid, "mine (1), unknown (255)")
    for subfolder, content in ((PROBABILITIES, probability), (MASKS, mask)):
        path = folder / subfolder / chip.filename
        path.write_bytes(content)
        with rasterio.open(path, "r+") as file:
            file.update_tags(threshold=chip.threshold)


def _write_layer(outlines: gpd.GeoDataFrame, path: Path, layer: str) -> None:
    try:
        # A few polygons are found without an index; its tables would make a file of many layers slow to write and open.
        pyogrio.write_dataframe(
            outlines, path, layer=layer, driver="GPKG", geometry_type="MultiPolygon", promote_to_multi=True,
            SPATIAL_INDEX="NO",
        )  # fmt: skip
    except (DataSourceError, DataLayerError) as error:
        raise OSError(errno.EIO, f"the layer {layer} could not be added to {path.name}") from error


def _free_layer(filename: str, taken: set[str]) -> str:
    """Name of a chip's layer: its file's without the suffix, unless another has it in whatever case."""
    stem = Path(filename).stem
    if stem.lower().startswith(_RESERVED):
        stem = f"chip_{stem}"
    candidates = chain((stem, filename), (f"{stem}_{number}" for number in count(2)))
    return next(name for name in candidates if name.casefold() not in taken)


def _report(table: pd.DataFrame) -> None:
    mines = table["mines"].fillna(0)
    left_out = int((table["error"] != "").sum())
    logger.info(
        "%d mines of %.1f hectares in %d of %d chips; %d can't be outlined.",
        mines.sum(),
        table["hectares"].sum(),
        (mines > 0).sum(),
        len(table),
        left_out,
    )
