"""One plane of values a chip, such as its mask or its probability map, in one array for all chips.

Like packed chips, planes are written one by one and read through a memory map. They are georeferenced, and can be
written as GeoTIFFs beside the array, for a GIS to open.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from affine import Affine
from pydantic import BaseModel, ConfigDict, Field
from rasterio.crs import CRS
from rasterio.io import MemoryFile

from mining_the_mines.chips.packing import NamedRows
from mining_the_mines.core.array_files import open_array, read_schema, write_array, write_schema
from mining_the_mines.core.atomic import whole_folder
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.grid import ChipGrid

Plane = npt.NDArray[np.generic]

ARRAY: Final = "planes.npy"
SCHEMA: Final = "schema.json"
RASTERS: Final = "rasters"
#: Value of integer planes where nothing is known; in planes of floats it is NaN.
NO_VALUE: Final = 255
#: Band name of a probability map in a GIS.
PROBABILITY: Final = "probability of a mine"
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
    """Content of an array of planes; the file ``schema.json`` beside it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    description: str = Field(description="Meaning of the values, for people.")
    dtype: str = Field(description="Type of the values: uint8 (255 is unknown), float16 or float32 (NaN is unknown).")
    height: int = Field(ge=1, description="Rows of a plane.")
    width: int = Field(ge=1, description="Columns of a plane.")
    filenames: tuple[str, ...] = Field(description="The chips, in the order of the array.")
    grids: tuple[StoredGrid, ...] = Field(description="Their grids.")
    content_hash: str = Field(description="SHA-256 of filenames, grids, size, type and values.")


@dataclass(frozen=True)
class PlaneLayout:
    """Description of planes that are to be written.

    Attributes:
        filenames: The chips, in the order of the planes.
        grids: Their grids.
        size: Rows and columns of each plane.
        dtype: ``uint8``, ``float16`` or ``float32``.
        description: Meaning of the values; the name of the band in a GIS.
    """

    filenames: tuple[str, ...]
    grids: tuple[ChipGrid, ...]
    size: tuple[int, int]
    dtype: str
    description: str = ""

    def __post_init__(self) -> None:
        if self.dtype not in _TYPES:
            raise ValueError(f"Planes of {self.dtype} can't be stored: choose among {', '.join(_TYPES)}.")
        if len(self.filenames) != len(self.grids):
            raise ValueError(f"{len(self.grids)} grids were given for {len(self.filenames)} chips.")

    @property
    def stored_grids(self) -> tuple[StoredGrid, ...]:
        """The grids as the schema holds them."""
        return tuple(StoredGrid(crs=_crs_text(grid.crs), transform=grid.transform[:6]) for grid in self.grids)

    def start_digest(self) -> "hashlib._Hash":
        """Start the content hash with everything but the values."""
        header = {
            "filenames": self.filenames,
            "grids": [grid.model_dump() for grid in self.stored_grids],
            "size": self.size,
            "dtype": self.dtype,
        }
        return hashlib.sha256(json.dumps(header).encode())


@dataclass(frozen=True, eq=False)
class PackedPlanes(NamedRows):
    """Planes in one array.

    Attributes:
        array: uint8 (255 is unknown), float16 or float32 (NaN is unknown), (chips, height, width); as a rule a
            read-only memory map.
        filenames: The chips, in the order of the array.
        grids: Their grids.
        content_hash: SHA-256 of all of that; equal planes have equal hashes.
        folder: Folder of its files; ``None`` in memory.
        description: Meaning of the values.
    """

    array: npt.NDArray[Any]
    filenames: tuple[str, ...]
    grids: tuple[ChipGrid, ...]
    content_hash: str
    folder: Path | None = None
    description: str = ""

    def __reduce__(self) -> tuple[Any, ...]:
        # As for packed chips: each process opens the memory map anew, without a copy.
        if self.folder is not None:
            return open_planes, (self.folder,)
        return PackedPlanes, (self.array, self.filenames, self.grids, self.content_hash, None, self.description)

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns of a plane."""
        return int(self.array.shape[1]), int(self.array.shape[2])

    @property
    def layout(self) -> PlaneLayout:
        """Description of the planes, to write them elsewhere."""
        return PlaneLayout(self.filenames, self.grids, self.size, self.array.dtype.name, self.description)


def write_planes(folder: Path, layout: PlaneLayout, planes: Iterable[Plane], *, rasters: bool = False) -> PackedPlanes:
    """Write planes one by one.

    Args:
        folder: Folder for ``planes.npy`` and ``schema.json``; it appears whole or not at all.
        layout: Chips, grids, size and type.
        planes: (height, width) each, in the order of the chips.
        rasters: Whether to write a GeoTIFF a chip, by the chip's name, to the sub-folder ``rasters``.

    Returns:
        The planes, opened from the folder.

    Raises:
        BadInputError: The folder can't be written, or the disk is full.
        ValueError: The planes are not as many or as large as declared.
    """
    dtype = _TYPES[layout.dtype]
    digest = layout.start_digest()
    with whole_folder(folder) as draft:
        if rasters:
            (draft / RASTERS).mkdir()
            planes = _with_rasters(draft / RASTERS, layout, planes)
        write_array(draft / ARRAY, (len(layout.filenames), *layout.size), dtype, planes, digest)
        schema = PlaneSchema(
            description=layout.description,
            dtype=layout.dtype,
            height=layout.size[0],
            width=layout.size[1],
            filenames=layout.filenames,
            grids=layout.stored_grids,
            content_hash=digest.hexdigest(),
        )
        write_schema(draft / SCHEMA, schema)
    return open_planes(folder)


def write_probability_maps(
    folder: Path, masks: PackedPlanes, filenames: Sequence[str], probabilities: npt.NDArray[np.floating]
) -> PackedPlanes:
    """Write probability maps on the grids of the masks that they will be compared with.

    Args:
        folder: Folder for the maps; it appears whole or not at all.
        masks: Masks of these chips and maybe others.
        filenames: The chips.
        probabilities: (chips, height, width) in 0–1, NaN without data.

    Returns:
        The maps in half precision, which has three digits, more than any threshold needs.

    Raises:
        BadInputError: A chip has no mask, the folder can't be written, or the disk is full.
    """
    grids = tuple(masks.grids[row] for row in masks.rows(filenames))
    layout = PlaneLayout(tuple(filenames), grids, masks.size, "float16", PROBABILITY)
    return write_planes(folder, layout, probabilities)


def open_planes(folder: Path) -> PackedPlanes:
    """Open planes through a read-only memory map.

    Args:
        folder: Folder that :func:`write_planes` wrote.

    Returns:
        The planes.

    Raises:
        BadInputError: The folder is missing or incomplete, or its array contradicts its schema.
    """
    schema = read_schema(folder / SCHEMA, PlaneSchema, "planes", "run the pipeline that writes them first")
    if schema.dtype not in _TYPES or len(schema.grids) != len(schema.filenames):
        raise BadInputError(f"{folder / SCHEMA} contradicts itself: run preprocessing again.")
    array = open_array(folder / ARRAY, (len(schema.filenames), schema.height, schema.width), _TYPES[schema.dtype])
    grids = tuple(
        ChipGrid(_crs_of(grid.crs), Affine(*grid.transform), schema.width, schema.height) for grid in schema.grids
    )
    return PackedPlanes(array, schema.filenames, grids, schema.content_hash, folder, schema.description)


def planes_in_memory(
    array: npt.NDArray[Any], filenames: Sequence[str], grids: Sequence[ChipGrid], description: str = ""
) -> PackedPlanes:
    """Hold a few planes without a file, with the content hash that :func:`write_planes` would give.

    Args:
        array: uint8, float16 or float32 (chips, height, width).
        filenames: The chips.
        grids: Their grids.
        description: Meaning of the values.

    Returns:
        The planes.
    """
    height, width = array.shape[1:]
    layout = PlaneLayout(tuple(filenames), tuple(grids), (height, width), array.dtype.name, description)
    digest = layout.start_digest()
    digest.update(np.ascontiguousarray(array, dtype=_TYPES[layout.dtype]).data)
    return PackedPlanes(array, layout.filenames, layout.grids, digest.hexdigest(), description=description)


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


def _with_rasters(folder: Path, layout: PlaneLayout, planes: Iterable[Plane]) -> Iterator[Plane]:
    """Write each plane as a GeoTIFF as it passes."""
    for plane, filename, grid in zip(planes, layout.filenames, layout.grids, strict=True):
        (folder / filename).write_bytes(encode_raster(plane, grid, layout.description))
        yield plane


@lru_cache(maxsize=256)  # naming a CRS takes PROJ a while, and most chips share a few
def _crs_text(crs: CRS) -> str:
    return str(crs.to_string())


@lru_cache(maxsize=256)
def _crs_of(text: str) -> CRS:
    return CRS.from_string(text)
