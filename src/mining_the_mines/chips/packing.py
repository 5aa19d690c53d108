"""All chips in one array of 16-bit digital numbers: written as a stream, read through a memory map."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mining_the_mines.chips.folder import ChipFolder
from mining_the_mines.chips.quality import ACCEPTED, ChipSettings
from mining_the_mines.core.array_files import flush, open_array, write_array
from mining_the_mines.core.atomic import whole_folder
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.prefetching import map_ahead
from mining_the_mines.core.progress import Progress, silent
from mining_the_mines.sentinel2.reflectance import decode, encode

ARRAY: Final = "chips.npy"
SCHEMA: Final = "schema.json"
_PIXEL: Final = np.dtype("<u2")


class PackedSchema(BaseModel):
    """What a packed array holds; the file ``schema.json`` beside it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = Field(1, description="Version of this layout.")
    filenames: tuple[str, ...] = Field(description="The chips, in the order of the array.")
    bands: tuple[str, ...] = Field(description="The bands, in the order of the array.")
    height: int = Field(ge=1, description="Rows of a chip.")
    width: int = Field(ge=1, description="Columns of a chip.")
    encoding: str = Field(
        "reflectance = (number - 1000) / 10000; 0 = no data", description="How to read the numbers, for people."
    )
    content_hash: str = Field(description="SHA-256 of filenames, bands, size and pixels.")


@dataclass(frozen=True)
class PackedChips:
    """Chips in one array.

    Attributes:
        array: uint16 (chips, bands, height, width), digital numbers of :mod:`mining_the_mines.sentinel2.reflectance`;
            as a rule a read-only memory map.
        filenames: The chips, in the order of the array.
        bands: The bands, in the order of the array.
        content_hash: SHA-256 of all of that; equal chips have equal hashes.
        path: Folder that it was opened from, if any.
    """

    array: npt.NDArray[np.uint16]
    filenames: tuple[str, ...]
    bands: tuple[str, ...]
    content_hash: str
    path: Path | None = None

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.filenames)}

    def __reduce__(self) -> tuple[Any, ...]:
        # Pickling a memory map would copy all of it, once for each process that loads training data.
        if self.path is not None:
            return open_packed, (self.path,)
        return PackedChips, (self.array, self.filenames, self.bands, self.content_hash)

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
            BadInputError: If a chip was not packed.
        """
        try:
            return np.array([self._positions[name] for name in filenames], dtype=np.intp)
        except KeyError as error:
            raise BadInputError(
                f"{error.args[0]} is not among the {len(self)} packed chips: run preprocessing again."
            ) from None

    def reflectance(self, row: int) -> npt.NDArray[np.float32]:
        """Decode one chip.

        Args:
            row: Its position.

        Returns:
            float32 (bands, height, width), NaN without data.
        """
        return decode(np.asarray(self.array[row]))


@dataclass(frozen=True)
class ChipStream:
    """Chips to be packed, read one after the other while they are written.

    Attributes:
        folder: Where they lie.
        filenames: Which of them, in this order.
        settings: How to read them.
        size: Rows and columns of each.
        progress: Shows how far it has come.
    """

    folder: ChipFolder
    filenames: tuple[str, ...]
    settings: ChipSettings
    size: tuple[int, int]
    progress: Progress = field(default=silent, compare=False, repr=False)

    @classmethod
    def accepted(
        cls, folder: ChipFolder, manifest: pd.DataFrame, settings: ChipSettings, progress: Progress = silent
    ) -> "ChipStream":
        """Take the chips that the inventory accepted.

        Args:
            folder: Where they lie.
            manifest: Its inventory.
            settings: The inventory's settings.
            progress: Shows how far it has come.

        Returns:
            The stream.

        Raises:
            BadInputError: If no chip was accepted.
        """
        chips = manifest[manifest["verdict"] == ACCEPTED]
        if chips.empty:
            raise BadInputError(f"No chip in {folder.images} can be used: the manifest gives the reason for each.")
        size = (int(chips["height"].iloc[0]), int(chips["width"].iloc[0]))
        return cls(folder, tuple(chips["filename"]), settings, size, progress)

    @property
    def bands(self) -> tuple[str, ...]:
        """The bands, in the order of the pixels."""
        return self.settings.bands

    def __iter__(self) -> Iterator[npt.NDArray[np.uint16]]:
        """Read the chips.

        Yields:
            Digital numbers, uint16 (bands, height, width).

        Raises:
            BadInputError: If a chip can't be read or has changed its size since the inventory.
        """
        names = self.progress(self.filenames, "Packing chips")
        return map_ahead(self._read, names, self.settings.workers)

    def _read(self, filename: str) -> npt.NDArray[np.uint16]:
        path = self.folder.path(filename)
        chip = self.settings.read(path)
        if (chip.height, chip.width) != self.size:
            raise BadInputError(
                f"{path} is {chip.width} × {chip.height} pixels now, but was not when the inventory was taken: "
                "run preprocessing again."
            )
        return encode(chip.reflectance)


def write_packed(stream: ChipStream, folder: Path) -> PackedSchema:
    """Pack chips.

    They are read and appended one by one, so that memory stays flat.

    Args:
        stream: The chips.
        folder: Where ``chips.npy`` and ``schema.json`` are to be; it appears whole or not at all.

    Returns:
        What was written.

    Raises:
        BadInputError: If a chip can't be read.
        BadInputError: If the folder can't be written, or the disk is full.
    """
    height, width = stream.size
    shape = (len(stream.filenames), len(stream.bands), height, width)
    with whole_folder(folder) as draft:
        digest = _digest(stream.filenames, stream.bands, stream.size)
        for pixels in write_array(draft / ARRAY, shape, _PIXEL, stream):
            digest.update(pixels.data)
        schema = PackedSchema(
            filenames=stream.filenames, bands=stream.bands, height=height, width=width, content_hash=digest.hexdigest()
        )
        with (draft / SCHEMA).open("w", encoding="utf-8") as text:
            text.write(schema.model_dump_json(indent=1))
            flush(text)
    return schema


def open_packed(folder: Path) -> PackedChips:
    """Open packed chips through a read-only memory map.

    Args:
        folder: As :func:`write_packed` left it.

    Returns:
        The chips.

    Raises:
        BadInputError: If the folder is missing or incomplete, or its array is not what its schema says.
    """
    schema = _read_schema(folder)
    shape = (len(schema.filenames), len(schema.bands), schema.height, schema.width)
    array = open_array(folder / ARRAY, shape, _PIXEL)
    return PackedChips(array, schema.filenames, schema.bands, schema.content_hash, folder)


def pack_in_memory(
    chips: Sequence[npt.NDArray[np.float32]], filenames: Sequence[str], bands: Sequence[str]
) -> PackedChips:
    """Pack a few chips without a file, as :func:`write_packed` would.

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


def _read_schema(folder: Path) -> PackedSchema:
    path = folder / SCHEMA
    try:
        return PackedSchema.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInputError(f"{folder} holds no packed chips: run preprocessing first.") from None
    except (ValidationError, UnicodeDecodeError) as error:
        raise BadInputError(
            f"{path} is no schema of packed chips ({type(error).__name__}): run preprocessing again."
        ) from error
