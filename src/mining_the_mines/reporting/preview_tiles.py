"""Chips, masks, maps of probability, composites and maps of scenes as tiles of a contact sheet: a few of many."""

from collections.abc import Sequence
from itertools import chain, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
import rasterio
from numpy.typing import NDArray
from PIL import Image

from mining_the_mines.rasters.true_colour import read_true_colour, visible_bands
from mining_the_mines.reporting.composite_pictures import photograph
from mining_the_mines.reporting.contact_sheet import Tile, spread
from mining_the_mines.reporting.formatting import category_title, count, percent
from mining_the_mines.reporting.overlay import segmentation_overlay
from mining_the_mines.reporting.pictures import attention_overlay, stretch_for, true_colour
from mining_the_mines.scenes.quicklooks import read_quicklook
from mining_the_mines.scoring.pixel_tally import MINE

if TYPE_CHECKING:
    from mining_the_mines.chips.folder import ChipFolder
    from mining_the_mines.chips.packing import PackedChips
    from mining_the_mines.chips.planes import PackedPlanes
    from mining_the_mines.mapping.scene_map import SceneMaps
    from mining_the_mines.scenes.composite_files import Composite

#: Chips, masks and maps of probability are drawn in squares of this many pixels, so many beside each other.
CHIP_SIDE: Final = 192
CHIP_COLUMNS: Final = 3
#: So are composites and maps of scenes.
SCENE_SIDE: Final = 384
SCENE_COLUMNS: Final = 2
_CHIPS: Final = 6
_SCENES: Final = 4
_NO_MINE: Final = "no mine"
#: Of so many planes, those with most in them are shown; looking through all of them would take too long.
_LOOKED_AT: Final = 64


def chip_tiles(folder: "ChipFolder", bands: Sequence[str]) -> tuple[Tile, ...]:
    """Photograph a few chips: every other one with a mine, where labels tell.

    Args:
        folder: The chips.
        bands: Of their files, where these don't say.

    Returns:
        At most 6 tiles.

    Raises:
        ChipError: If a chip can't be read.
    """
    titles = _titles(folder)
    chosen = _chosen(folder.filenames, titles)
    colours = [read_true_colour(folder.path(name), bands) for name in chosen]
    stretch = stretch_for(colours)
    return tuple(
        Tile(true_colour(colour, stretch), titles.get(name, Path(name).stem))
        for name, colour in zip(chosen, colours, strict=True)
    )


def packed_tiles(packed: "PackedChips") -> tuple[Tile, ...]:
    """Photograph a few packed chips, evenly chosen.

    Args:
        packed: The chips.

    Returns:
        At most 6 tiles.
    """
    rows = spread(len(packed), _CHIPS)
    colours = [visible_bands(packed.reflectance(row), packed.bands) for row in rows]
    stretch = stretch_for(colours)
    return tuple(
        Tile(true_colour(colour, stretch), Path(packed.filenames[row]).stem)
        for row, colour in zip(rows, colours, strict=True)
    )


def plane_tiles(planes: "PackedPlanes", packed: "PackedChips | None") -> tuple[Tile, ...]:
    """Lay a few masks or maps of probability over their chips: of some, those that show most mine.

    Args:
        planes: Masks (integers) or maps of probability (floats).
        packed: The chips that they lie on; without them, planes are drawn on grey.

    Returns:
        At most 6 tiles.

    Raises:
        ChipError: If a plane's chip is not among the packed ones.
    """
    some = spread(len(planes), _LOOKED_AT)
    shares = {row: _mine_share(planes.array[row]) for row in some}
    rows = sorted(some, key=lambda row: (-shares[row], row))[:_CHIPS]
    colours = [_ground(planes, packed, row) for row in rows]
    stretch = stretch_for(colours)
    return tuple(
        _plane_tile(true_colour(colour, stretch), np.asarray(planes.array[row]))
        for row, colour in zip(rows, colours, strict=True)
    )


def outlined_tiles(table: pd.DataFrame, folder: Path, chips: Path | None, bands: Sequence[str]) -> tuple[Tile, ...]:
    """Lay the outlines that inference drew over their chips: those with most mine.

    Args:
        table: ``filename``, ``mines``, ``hectares`` and ``error`` of each chip.
        folder: With their masks.
        chips: Folder of the chips' files; masks of those that are no longer there are drawn on grey.
        bands: Of these files, where they don't say.

    Returns:
        At most 6 tiles.

    Raises:
        ChipError: If a chip can't be read.
    """
    from mining_the_mines.mapping.segmentation_files import MASKS  # mapping draws its quicklooks with this package

    drawn = table[table["error"] == ""].sort_values(["hectares", "filename"], ascending=[False, True]).head(_CHIPS)
    masks, colours = [], []
    for name in drawn["filename"]:
        with rasterio.open(folder / MASKS / name) as file:
            masks.append(file.read(1))
        there = chips is not None and (chips / name).is_file()
        colours.append(read_true_colour(Path(chips or "", name), bands) if there else _grey(masks[-1].shape))
    stretch = stretch_for(colours)
    return tuple(
        Tile(
            segmentation_overlay(true_colour(colour, stretch), mask, mask == MINE, CHIP_SIDE),
            f"{count(int(mines), 'mine')}, {hectares:.1f} ha",
        )
        for colour, mask, mines, hectares in zip(colours, masks, drawn["mines"], drawn["hectares"], strict=True)
    )


def composite_tiles(composites: "Sequence[Composite]") -> tuple[Tile, ...]:
    """Photograph a few composites.

    Args:
        composites: Any number.

    Returns:
        At most 4 tiles.

    Raises:
        SceneError: If a composite can't be read.
    """
    chosen = [composites[position] for position in spread(len(composites), _SCENES)]
    visible = [read_quicklook(composite, SCENE_SIDE).visible for composite in chosen]
    stretch = stretch_for(visible)
    return tuple(
        Tile(photograph(seen, stretch), category_title(composite.region))
        for seen, composite in zip(visible, chosen, strict=True)
    )


def map_tiles(maps: "SceneMaps") -> tuple[Tile, ...]:
    """Take the quicklooks of a few maps, those with most mines first.

    Args:
        maps: The maps of a run.

    Returns:
        At most 4 tiles.
    """
    from mining_the_mines.mapping.scene_map import QUICKLOOK  # mapping draws its quicklooks with this package

    most = sorted(maps.maps, key=lambda found: (-found.record.mines, found.name))[:_SCENES]
    return tuple(
        Tile(_picture(found.folder / QUICKLOOK), f"{category_title(found.name)}: {count(found.record.mines, 'mine')}")
        for found in most
        if (found.folder / QUICKLOOK).is_file()
    )


def _titles(folder: "ChipFolder") -> dict[str, str]:
    """What each labelled chip shows; labels are text as somebody wrote it."""
    labels = folder.labels
    if labels is None or "label" not in labels:
        return {}
    kinds = labels["category"] if "category" in labels else [""] * len(labels)
    return {
        name: (category_title(kind) or "mine") if label == "1" else _NO_MINE
        for name, label, kind in zip(labels["filename"], labels["label"], kinds, strict=True)
        if label in {"0", "1"}
    }


def _chosen(filenames: Sequence[str], titles: dict[str, str]) -> list[str]:
    with_mine = [name for name in filenames if titles.get(name, _NO_MINE) != _NO_MINE]
    without = [name for name in filenames if name not in set(with_mine)]
    if not with_mine:
        return [without[position] for position in spread(len(without), _CHIPS)]
    halves = ([half[position] for position in spread(len(half), _CHIPS // 2)] for half in (with_mine, without))
    return [name for name in chain.from_iterable(zip_longest(*halves)) if name is not None]


def _mine_share(plane: NDArray[np.generic]) -> float:
    """How much of a mask is mine; how likely the likeliest twentieth of a map is."""
    if plane.dtype.kind != "f":
        return float((plane == MINE).mean())
    known = plane[np.isfinite(plane)].astype(np.float32)
    return float(np.quantile(known, 0.95)) if known.size else 0.0


def _ground(planes: "PackedPlanes", packed: "PackedChips | None", row: int) -> NDArray[np.float32]:
    if packed is None:
        return _grey(planes.size)
    (position,) = packed.rows([planes.filenames[row]])
    return visible_bands(packed.reflectance(int(position)), packed.bands)


def _grey(size: tuple[int, ...]) -> NDArray[np.float32]:
    """Ground of which there is no picture."""
    return np.full((3, *size), np.nan, dtype=np.float32)


def _plane_tile(ground: NDArray[np.uint8], plane: NDArray[np.generic]) -> Tile:
    if plane.dtype.kind == "f":
        likely = plane.astype(np.float32)
        expected = float(np.nanmean(likely)) if np.isfinite(likely).any() else float("nan")
        return Tile(attention_overlay(ground, likely, peak=1.0), f"{percent(expected)} mine expected")
    mask = plane.astype(np.uint8)
    return Tile(segmentation_overlay(ground, mask, mask == MINE, CHIP_SIDE), f"{percent(_mine_share(mask))} mine")


def _picture(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        pixels: NDArray[np.uint8] = np.asarray(image.convert("RGB"))
    return pixels
