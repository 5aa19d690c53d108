"""All chips in one array of 16-bit digital numbers, written chip by chip and read through a memory map."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from mining_the_mines.chips.folder import ChipFolder
from mining_the_mines.chips.quality import ACCEPTED, ChipSettings
from mining_the_mines.core.array_files import open_array, read_schema, write_array, write_schema
from mining_the_mines.core.atomic import whole_folder
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.prefetching import map_ahead
from mining_the_mines.core.progress import Progress, silent
from mining_the_mines.sentinel2.reflectance import decode, encode

ARRAY: Final = "chips.npy"
SCHEMA: Final = "schema.json"
_PIXEL: Final = np.dtype("<u2")


class PackedSchema(BaseModel):
    """Content of a packed array; the file ``schema.json`` beside it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    filenames: tuple[str, ...] = Field(description="The chips, in the order of the array.")
    bands: tuple[str, ...] = Field(description="The bands, in the order of the array.")
    height: int = Field(ge=1, description="Rows of a chip.")
    width: int = Field(ge=1, description="Columns of a chip.")
    encoding: str = Field(
        "reflectance = (number - 1000) / 10000; 0 = no data", description="How to read the numbers, for people."
    )
    content_hash: str = Field(description="SHA-256 of filenames, bands, size and pixels.")


class NamedRows:
    """Chips that are found by name in an array.

    Attributes:
        filenames: The chips, in the order of the array.
        folder: Folder of its files; ``None`` in memory.
    """

    filenames: tuple[str, ...]
    folder: Path | None

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.filenames)}

    def __len__(self) -> int:
        """Number of chips."""
        return len(self.filenames)

    def rows(self, filenames: Iterable[str]) -> npt.NDArray[np.intp]:
        """Find chips in the array.

        Args:
            filenames: Names of chips.

        Returns:
            Their positions, in the same order.

        Raises:
            BadInputError: The array lacks a chip.
        """
        try:
            return np.array([self._positions[name] for name in filenames], dtype=np.intp)
        except KeyError as error:
            raise BadInputError(
                f"{error.args[0]} is not among the {len(self)} chips of {self.folder or 'an array in memory'}: run "
                "preprocessing again."
            ) from None


@dataclass(frozen=True)
class PackedChips(NamedRows):
    """Chips in one array.

    Attributes:
        array: uint16 (chips, bands, height, width), digital numbers of :mod:`mining_the_mines.sentinel2.reflectance`;
            as a rule a read-only memory map.
        filenames: The chips, in the order of the array.
        bands: The bands, in the order of the array.
        content_hash: SHA-256 of all of that; equal chips have equal hashes.
        folder: Folder of its files; ``None`` in memory.
    """

    array: npt.NDArray[np.uint16]
    filenames: tuple[str, ...]
    bands: tuple[str, ...]
    content_hash: str
    folder: Path | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        # Pickling a memory map would copy all of it, once for each process that loads training data.
        if self.folder is not None:
            return open_packed, (self.folder,)
        return PackedChips, (self.array, self.filenames, self.bands, self.content_hash)

    def reflectance(self, row: int) -> npt.NDArray[np.float32]:
        """Decode the chip at a position, float32 (bands, height, width), NaN without data."""
        return decode(np.asarray(self.array[row]))


def pack_chips(
    chips: ChipFolder, manifest: pd.DataFrame, settings: ChipSettings, folder: Path, progress: Progress = silent
) -> PackedChips:
    """Read the accepted chips and write them into one array, chip by chip, so that memory stays flat.

    Args:
        chips: Folder of the chips.
        manifest: Inventory of the folder; see :func:`mining_the_mines.chips.manifest.take_inventory`.
        settings: Settings that the inventory was taken with.
        folder: Folder for ``chips.npy`` and ``schema.json``; it appears whole or not at all.
        progress: Shows the progress.

    Returns:
        The packed chips, opened from the folder.

    Raises:
        BadInputError: No chip was accepted, a chip can't be read or has changed its size since the inventory, the
            folder can't be written, or the disk is full.
    """
    accepted = manifest[manifest["verdict"] == ACCEPTED]
    if accepted.empty:
        raise BadInputError(f"No chip in {chips.images} can be used: the manifest gives the reason for each.")
    size = (int(accepted["height"].iloc[0]), int(accepted["width"].iloc[0]))
    names = tuple(accepted["filename"])

    def read(filename: str) -> npt.NDArray[np.uint16]:
        path = chips.path(filename)
        chip = settings.read(path)
        if (chip.height, chip.width) != size:
            raise BadInputError(
                f"{path} is {chip.width} × {chip.height} pixels now, but was not when the inventory was taken: "
                "run preprocessing again."
            )
        return encode(chip.reflectance)

    pixels = map_ahead(read, progress(names, "Packing chips"), settings.workers)
    return write_packed(pixels, names, settings.bands, size, folder)


def write_packed(
    pixels: Iterable[npt.NDArray[np.uint16]],
    filenames: Sequence[str],
    bands: Sequence[str],
    size: tuple[int, int],
    folder: Path,
) -> PackedChips:
    """Write chips into one array, one by one.

    Args:
        pixels: Digital numbers, uint16 (bands, height, width) each.
        filenames: Their names, in the same order.
        bands: Their bands.
        size: Rows and columns of each.
        folder: Folder for ``chips.npy`` and ``schema.json``; it appears whole or not at all.

    Returns:
        The packed chips, opened from the folder.

    Raises:
        BadInputError: The folder can't be written, or the disk is full.
        ValueError: The chips are not as many or as large as declared.
    """
    digest = _digest(filenames, bands, size)
    with whole_folder(folder) as draft:
        write_array(draft / ARRAY, (len(filenames), len(bands), *size), _PIXEL, pixels, digest)
        height, width = size
        schema = PackedSchema(
            filenames=tuple(filenames), bands=tuple(bands), height=height, width=width, content_hash=digest.hexdigest()
        )
        write_schema(draft / SCHEMA, schema)
    return open_packed(folder)


def open_packed(folder: Path) -> PackedChips:
    """Open packed chips through a read-only memory map.

    Args:
        folder: Folder that :func:`write_packed` wrote.

    Returns:
        The chips.

    Raises:
        BadInputError: The folder is missing or incomplete, or its array contradicts its schema.
    """
    schema = read_schema(folder / SCHEMA, PackedSchema, "packed chips", "run preprocessing first")
    shape = (len(schema.filenames), len(schema.bands), schema.height, schema.width)
    array = open_array(folder / ARRAY, shape, _PIXEL)
    return PackedChips(array, schema.filenames, schema.bands, schema.content_hash, folder)


def pack_in_memory(
    chips: Sequence[npt.NDArray[np.float32]], filenames: Sequence[str], bands: Sequence[str]
) -> PackedChips:
    """Pack a few chips without a file, with the content hash that :func:`write_packed` would give.

    Args:
        chips: Reflectance, float32 (bands, height, width) each, NaN without data.
        filenames: Their names.
        bands: Their bands.

    Returns:
        The packed chips.
    """
    array = np.stack([encode(chip) for chip in chips])
    digest = _digest(filenames, bands, array.shape[2:])
    digest.update(np.ascontiguousarray(array, dtype=_PIXEL).data)
    return PackedChips(array, tuple(filenames), tuple(bands), digest.hexdigest())


def _digest(filenames: Sequence[str], bands: Sequence[str], size: Sequence[int]) -> "hashlib._Hash":
    header = {"filenames": list(filenames), "bands": list(bands), "size": list(size)}
    return hashlib.sha256(json.dumps(header).encode())
