"""One plane of values a chip, such as its mask or its map of probabilities, in one array for all chips.

Like the packed chips, planes are written as a stream and read through a memory map. They know where they lie, and can
be written as GeoTIFFs beside the array, for a GIS to open.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from affine import Affine
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from rasterio.crs import CRS
from rasterio.io import MemoryFile

from mining_the_mines.core.array_files import flush, open_array, write_array
from mining_the_mines.core.atomic import whole_folder
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.grid import ChipGrid

Plane = npt.NDArray[np.generic]

ARRAY: Final = "planes.npy"
SCHEMA: Final = "schema.json"
RASTERS: Final = "rasters"
#: Value of integer planes where nothing is known; in planes of floats it is NaN.
NO_VALUE: Final = 255
_TYPES: Final[dict[str, np.dtype[Any]]] = {
    "uint8": np.dtype("u1"),
    "float16": np.dtype("<f2"),
    "float32": np.dtype("<f4"),
}


class StoredGrid(BaseModel):
    """A chip's grid in the schema."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    crs: str = Field(description="EPSG code, or WKT where there is none.")
    transform: tuple[float, float, float, float, float, float] = Field(description="Affine coefficients a to f.")


class PlaneSchema(BaseModel):
    """What an array of planes holds; the file ``schema.json`` beside it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = Field(1, description="Version of this layout.")
    description: str = Field(description="What the values are, for people.")
    dtype: str = Field(description="Type of the values: uint8 (255 is unknown), float16 or float32 (NaN is unknown).")
    height: int = Field(ge=1, description="Rows of a plane.")
    width: int = Field(ge=1, description="Columns of a plane.")
    filenames: tuple[str, ...] = Field(description="The chips, in the order of the array.")
    grids: tuple[StoredGrid, ...] = Field(description="Where they lie.")
    content_hash: str = Field(description="SHA-256 of filenames, grids, size, type and values.")


@dataclass(frozen=True)
class PlaneStream:
    """Planes to be written, made one after the other while they are.

    Attributes:
        filenames: The chips, in this order.
        grids: Where they lie.
        size: Rows and columns of each.
        dtype: ``uint8``, ``float16`` or ``float32``.
        planes: (height, width) each, in the order of the chips; made when it is gone through.
        description: What the values are; the name of the band in a GIS.
    """

    filenames: tuple[str, ...]
    grids: tuple[ChipGrid, ...]
    size: tuple[int, int]
    dtype: str
    planes: Iterable[Plane]
    description: str = ""

    def __post_init__(self) -> None:
        if self.dtype not in _TYPES:
            raise ValueError(f"Planes of {self.dtype} can't be stored: choose among {', '.join(_TYPES)}.")
        if len(self.filenames) != len(self.grids):
            raise ValueError(f"{len(self.grids)} grids were given for {len(self.filenames)} chips.")

    def __len__(self) -> int:
        """Number of chips."""
        return len(self.filenames)

    def __iter__(self) -> Iterator[Plane]:
        """Make the planes.

        Yields:
            (height, width) each, in the order of the chips.
        """
        return iter(self.planes)


@dataclass(frozen=True, eq=False)
class PackedPlanes:
    """Planes in one array.

    Attributes:
        array: uint8 (255 is unknown), float16 or float32 (NaN is unknown), (chips, height, width); as a rule a
            read-only memory map.
        filenames: The chips, in the order of the array.
        grids: Where they lie.
        content_hash: SHA-256 of all of that; equal planes have equal hashes.
        path: Folder that it was opened from, if any.
        description: What the values are.
    """

    array: npt.NDArray[Any]
    filenames: tuple[str, ...]
    grids: tuple[ChipGrid, ...]
    content_hash: str
    path: Path | None = None
    description: str = ""

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.filenames)}

    def __reduce__(self) -> tuple[Any, ...]:
        # As for packed chips: a memory map is opened anew by each process, not copied.
        if self.path is not None:
            return open_planes, (self.path,)
        return PackedPlanes, (self.array, self.filenames, self.grids, self.content_hash, None, self.description)

    def __len__(self) -> int:
        """Number of chips."""
        return len(self.filenames)

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of a plane."""
        return int(self.array.shape[1]), int(self.array.shape[2])

    @property
    def stream(self) -> PlaneStream:
        """The same planes, to be written elsewhere."""
        return PlaneStream(
            self.filenames, self.grids, self.size, self.array.dtype.name, iter(self.array), self.description
        )

    def rows(self, filenames: Iterable[str]) -> npt.NDArray[np.intp]:
        """Find chips in the array.

        Args:
            filenames: Names of chips.

        Returns:
            Their positions, in the same order.

        Raises:
            BadInputError: If a chip has no plane.
        """
        try:
            return np.array([self._positions[name] for name in filenames], dtype=np.intp)
        except KeyError as error:
            raise BadInputError(
                f"{error.args[0]} is not among the {len(self)} chips of {self._name}: run preprocessing again."
            ) from None

    @property
    def _name(self) -> str:
        return str(self.path) if self.path is not None else "these planes"


def write_planes(stream: PlaneStream, folder: Path, *, rasters: bool = False) -> PlaneSchema:
    """Write planes one by one.

    Args:
        stream: The planes.
        folder: Where ``planes.npy`` and ``schema.json`` are to be; it appears whole or not at all.
        rasters: Whether a GeoTIFF a chip, by the chip's own name, is written to the folder ``rasters`` in it.

    Returns:
        What was written.

    Raises:
        BadInputError: If the folder can't be written, the disk is full, or a plane can't be made.
        ValueError: If the planes are not as many or as large as the stream says.
    """
    dtype = _TYPES[stream.dtype]
    digest = _digest(stream.filenames, stream.grids, stream.size, stream.dtype)
    chips = zip(stream.filenames, stream.grids, strict=True)
    with whole_folder(folder) as draft:
        if rasters:
            (draft / RASTERS).mkdir()
        for plane in write_array(draft / ARRAY, (len(stream), *stream.size), dtype, stream):
            digest.update(plane.data)
            filename, grid = next(chips)
            if rasters:
                (draft / RASTERS / filename).write_bytes(encode_raster(plane, grid, stream.description))
        schema = PlaneSchema(
            description=stream.description,
            dtype=stream.dtype,
            height=stream.size[0],
            width=stream.size[1],
            filenames=stream.filenames,
            grids=tuple(_stored(grid) for grid in stream.grids),
            content_hash=digest.hexdigest(),
        )
        with (draft / SCHEMA).open("w", encoding="utf-8") as text:
            text.write(schema.model_dump_json(indent=1))
            flush(text)
    return schema


def open_planes(folder: Path) -> PackedPlanes:
    """Open planes through a read-only memory map.

    Args:
        folder: As :func:`write_planes` left it.

    Returns:
        The planes.

    Raises:
        BadInputError: If the folder is missing or incomplete, or its array is not what its schema says.
    """
    schema = _read_schema(folder)
    shape = (len(schema.filenames), schema.height, schema.width)
    array = open_array(folder / ARRAY, shape, _TYPES[schema.dtype])
    grids = tuple(_restored(grid, schema) for grid in schema.grids)
    return PackedPlanes(array, schema.filenames, grids, schema.content_hash, folder, schema.description)


def planes_in_memory(
    array: npt.NDArray[Any], filenames: Sequence[str], grids: Sequence[ChipGrid], description: str = ""
) -> PackedPlanes:
    """Hold a few planes without a file, as :func:`write_planes` would.

    Args:
        array: uint8, float16 or float32 (chips, height, width).
        filenames: The chips.
        grids: Where they lie.
        description: What the values are.

    Returns:
        The planes.
    """
    digest = _digest(filenames, grids, array.shape[1:], array.dtype.name)
    digest.update(np.ascontiguousarray(array, dtype=_TYPES[array.dtype.name]).data)
    return PackedPlanes(array, tuple(filenames), tuple(grids), digest.hexdigest(), description=description)


def encode_raster(plane: Plane, grid: ChipGrid, description: str = "") -> bytes:
    """Encode a plane as a GeoTIFF with one band.

    Args:
        plane: (height, width); integers where 255 is unknown, or floats where NaN is. Half-precision floats become
            float32, which every GIS can read.
        grid: Where it lies.
        description: Name of the band.

    Returns:
        Content of the file: deflate-compressed, on the grid's transform and CRS, with the unknown value as nodata.
    """
    floats = plane.dtype.kind == "f"
    values = plane.astype(np.float32) if floats else plane
    height, width = values.shape
    with MemoryFile() as memory:
        with memory.open(
            driver="GTiff",
            count=1,
            height=height,
            width=width,
            dtype=values.dtype,
            crs=grid.crs,
            transform=grid.transform,
            nodata=np.nan if floats else NO_VALUE,
            compress="deflate",
            predictor=3 if floats else 1,
        ) as file:
            file.write(values, 1)
            file.set_band_description(1, description)
        return bytes(memory.read())


def _digest(filenames: Sequence[str], grids: Sequence[ChipGrid], size: Sequence[int], dtype: str) -> "hashlib._Hash":
    header = {
        "filenames": list(filenames),
        "grids": [_stored(grid).model_dump() for grid in grids],
        "size": list(size),
        "dtype": dtype,
    }
    return hashlib.sha256(json.dumps(header).encode())


def _stored(grid: ChipGrid) -> StoredGrid:
    transform = grid.transform
    return StoredGrid(
        crs=_crs_text(grid.crs),
        transform=(transform.a, transform.b, transform.c, transform.d, transform.e, transform.f),
    )


def _restored(grid: StoredGrid, schema: PlaneSchema) -> ChipGrid:
    return ChipGrid(_crs_of(grid.crs), Affine(*grid.transform), schema.width, schema.height)


@lru_cache(maxsize=256)  # naming a CRS takes PROJ a while, and most chips share a few
def _crs_text(crs: CRS) -> str:
    return str(crs.to_string())


@lru_cache(maxsize=256)
def _crs_of(text: str) -> CRS:
    return CRS.from_string(text)


def _read_schema(folder: Path) -> PlaneSchema:
    path = folder / SCHEMA
    try:
        schema = PlaneSchema.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadInputError(f"{folder} holds no planes: run the pipeline that writes them first.") from None
    except (ValidationError, UnicodeDecodeError) as error:
        raise BadInputError(
            f"{path} is no schema of planes ({type(error).__name__}): run preprocessing again."
        ) from error
    if schema.dtype not in _TYPES or len(schema.grids) != len(schema.filenames):
        raise BadInputError(f"{path} contradicts itself: run preprocessing again.")
    return schema
