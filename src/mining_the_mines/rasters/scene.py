"""Scenes to map: rasters of any size, read a few rows at a time."""

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import rasterio
from affine import Affine
from rasterio._err import CPLE_BaseError  # GDAL's own errors have no public name in rasterio 1.4
from rasterio.enums import Resampling
from rasterio.errors import RasterioError, RasterioIOError
from rasterio.io import DatasetReader
from rasterio.warp import reproject
from rasterio.windows import Window

from mining_the_mines.core.errors import SceneError
from mining_the_mines.core.hashing import hash_file
from mining_the_mines.core.redaction import redact
from mining_the_mines.geo.grid import ChipGrid, flip_north_up, pixel_metres
from mining_the_mines.rasters.decoding import BandReader
from mining_the_mines.rasters.judge import Limits, Verdict, judge_pixels, pixel_size_fault
from mining_the_mines.rasters.reader import RasterFormat, find_bands, unreadable

#: Size of GDAL's cache of decoded blocks; its default is a twentieth of the machine's memory. Two workers read a few
#: rows of a tile at a time, out of blocks of 512 rows in 12 bands (135 MB each). In a smaller cache, blocks are gone
#: before the next rows are read, and each block is decoded ten times.
_GDAL_CACHE_BYTES: Final = 384 * 2**20
#: Edge in pixels of the windows by which a scene is judged, and the pixels with data that it takes.
_JUDGED_EDGE: Final = 256
_LEAST_PIXELS: Final = 100
#: Suffix of statistics that GDAL and QGIS write beside a raster when they open it.
_STATISTICS: Final = ".aux.xml"


@dataclass(frozen=True)
class Scene:
    """A scene to map.

    Attributes:
        name: Name, unique among the scenes of a run; the name of the map's folder.
        image: Raster with named bands.
        source: Path or address that a person knows the scene by.
        clear_dates: Raster on the same grid with the number of clear dates of each pixel, if there is one.
        dates: Days of its images in order; empty if unknown.
    """

    name: str
    image: Path
    source: str
    clear_dates: Path | None = None
    dates: tuple[date, ...] = ()

    def fingerprint(self) -> list[Any]:
        """Hashes of its files and descriptions of their bands, independent of where the files lie.

        Raises:
            SceneError: One of them can't be opened.
        """
        return [None if path is None else _marks(path) for path in (self.image, self.clear_dates)]

    def file_hashes(self) -> dict[str, str]:
        """SHA-256 of each of its files on this machine, by path.

        Raises:
            SceneError: One of them can't be opened.
        """
        rasters = [path for path in (self.image, self.clear_dates) if path is not None]
        return {str(file): hash_file(file) for path in rasters for file in raster_files(path)}


def lay_grid(scene: Scene, chips: RasterFormat, pixel: float | None, *, resample: bool) -> ChipGrid:
    """Return the grid that a scene is mapped on.

    Args:
        scene: The scene.
        chips: Bands of the model, and decoding of numbers.
        pixel: Edge of the pixels that the model was trained on, in metres; ``None`` if it takes any.
        resample: True to resample a scene with other pixels.

    Returns:
        The scene's own grid, north up, or if it is resampled, a grid with the same corner and CRS.

    Raises:
        SceneError: If it is no raster, lacks coordinates, is rotated, or has other pixels.
        BadInputError: If it lacks a band.
    """
    with _opened(scene.image) as source:
        find_bands(source, chips)
        grid = _own_grid(source, scene).north_up
    if pixel is None:
        return grid
    metres = pixel_metres(grid)
    sizes = pixel_size_fault(metres, pixel)
    if sizes is None:
        return grid
    if not resample:
        raise SceneError(
            f"{scene.image} has pixels of {sizes} by the model: resample it, or set mapping.resample to true to have "
            "that done while it is read."
        )
    width, height = (
        max(1, round(count * edge / pixel)) for count, edge in zip((grid.width, grid.height), metres, strict=True)
    )
    transform = grid.transform @ Affine.scale(grid.width / width, grid.height / height)
    return ChipGrid(grid.crs, transform, width, height)


def judge_scene(scene: Scene, chips: RasterFormat, limits: Limits) -> Verdict:
    """Judge a scene by some of its pixels.

    Args:
        scene: The scene.
        chips: Bands of the model, and decoding of numbers.
        limits: Limits of usable pixels; how much lacks data does not matter.

    Returns:
        The verdict on nine windows of up to 256 × 256 pixels, and doubts about bands and numbers.

    Raises:
        SceneError: It can't be read.
        BadInputError: It lacks a band.
    """
    with _opened(scene.image) as source:
        bands, doubts = find_bands(source, chips)
        rows, columns = (_spread(length) for length in (source.height, source.width))
        try:
            with gdal_memory():
                parts = [
                    bands.decode(bands.read(source, Window.from_slices(part, across)))
                    for part in rows
                    for across in columns
                ]
        except (RasterioError, CPLE_BaseError):
            return Verdict(None, doubts)  # mapping says which rows can't be read
    pixels = np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)
    pixels = pixels[:, ~np.isnan(pixels).any(axis=0)]
    if pixels.shape[1] < _LEAST_PIXELS:
        return Verdict(None, doubts)
    verdict = judge_pixels(pixels[:, None, :], chips.bands, limits)
    return Verdict(verdict.fault, (*doubts, *verdict.doubts))


def _spread(length: int) -> list[tuple[int, int]]:
    """Three windows along an axis, or what there is of it."""
    edge = min(_JUDGED_EDGE, length)
    return sorted({(start, start + edge) for start in (0, (length - edge) // 2, length - edge)})


@dataclass(frozen=True, eq=False)
class SceneRows:
    """An open scene.

    Attributes:
        grid: Grid that it is read on.
    """

    grid: ChipGrid
    _bands: BandReader
    _source: DatasetReader
    _path: Path

    def read(self, first: int, end: int) -> npt.NDArray[np.generic]:
        """Read rows as stored; not safe for several threads at once.

        Args:
            first: First row.
            end: Row behind the last one.

        Returns:
            (bands, rows, width).

        Raises:
            SceneError: The file can't be read there, as one that is cut off.
        """
        try:
            with gdal_memory():
                return self._read(first, end)
        except (RasterioError, CPLE_BaseError) as error:
            raise SceneError(
                f"{self._path} can't be read from row {first} on ({redact(str(error.__cause__ or error))}): it is cut "
                "off or damaged; fetch or make it again."
            ) from error

    def decode(self, numbers: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
        """Decode numbers as :meth:`read` returns them, or a part of them, to reflectance, NaN without data."""
        return self._bands.decode(numbers)

    def _read(self, first: int, end: int) -> npt.NDArray[np.generic]:
        return _read_north_up(self._bands, self._source, first, end)


class ResampledRows(SceneRows):
    """An open scene that is resampled while it is read: as reflectance, so that every mask and nodata value counts."""

    def decode(self, numbers: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
        """Return reflectance as :meth:`read` returns it."""
        return numbers.astype(np.float32, copy=False)

    def _read(self, first: int, end: int) -> npt.NDArray[np.generic]:
        own = ChipGrid(self._source.crs, self._source.transform, self._source.width, self._source.height).north_up
        ratio = own.height / self.grid.height
        rim = math.ceil(ratio) + 1  # rows around that the first and the last depend on
        top, bottom = max(0, math.floor(first * ratio) - rim), min(own.height, math.ceil(end * ratio) + rim)
        pixels = self._bands.decode(_read_north_up(self._bands, self._source, top, bottom))
        resampled = np.full((len(pixels), end - first, self.grid.width), np.nan, dtype=np.float32)
        for band, target in zip(pixels, resampled, strict=True):  # one by one: gaps of a band are its own
            reproject(
                band,
                target,
                src_transform=own.transform @ Affine.translation(0, top),
                src_crs=own.crs,
                src_nodata=np.nan,
                dst_transform=self.grid.transform @ Affine.translation(0, first),
                dst_crs=own.crs,
                dst_nodata=np.nan,
                resampling=Resampling.average if self.grid.width < own.width else Resampling.bilinear,
            )
        return resampled


def _read_north_up(bands: BandReader, source: DatasetReader, first: int, end: int) -> npt.NDArray[np.generic]:
    """Rows of a raster as stored, counted from the north, from west to east."""
    rows = (source.height - end, source.height - first) if source.transform.e > 0 else (first, end)
    return flip_north_up(bands.read(source, Window.from_slices(rows, (0, source.width))), source.transform)


@contextmanager
def open_rows(
    scene: Scene, chips: RasterFormat, grid: ChipGrid, names: Sequence[str] | None = None
) -> Iterator[SceneRows]:
    """Open a scene to read rows of it.

    Args:
        scene: The scene.
        chips: Bands of the model, and decoding of numbers.
        grid: Grid of :func:`lay_grid`; the scene is resampled while it is read if this has other pixels.
        names: Bands to read, among those of ``chips``; all by default.

    Yields:
        The open scene.

    Raises:
        SceneError: If it can't be opened.
        BadInputError: If it lacks a band.
    """
    with _opened(scene.image) as source:
        bands, _ = find_bands(source, chips)
        if names is not None:
            bands = bands.of([chips.bands.index(name) for name in names])
        if (source.height, source.width) == (grid.height, grid.width):
            yield SceneRows(grid, bands, source, scene.image)
        else:
            yield ResampledRows(grid, bands, source, scene.image)


def raster_files(path: Path) -> list[Path]:
    """List a raster's files on this machine: itself, those beside it, and of a mosaic (VRT) all that it is made of.

    Statistics that GDAL and QGIS write beside a raster (``.aux.xml``) are left out.

    Args:
        path: Path of the raster.

    Returns:
        The raster first, then the others in the order in which GDAL names them, each once.

    Raises:
        SceneError: It, or a mosaic in it, can't be opened.
    """
    with _opened(path) as source:
        named = [Path(os.path.normpath(name)) for name in source.files if not name.endswith(_STATISTICS)]
    others = [file for file in named if file.is_file() and not file.samefile(path)]
    inner = [part for file in others for part in (raster_files(file) if is_mosaic(file) else [file])]
    return list(dict.fromkeys([path, *inner]))


def gdal_memory() -> rasterio.Env:
    """Return an environment with a small cache of blocks.

    GDAL reads the size once in a process, with the first block, and options hold for one thread, so every thread that
    reads enters it.
    """
    return rasterio.Env(GDAL_CACHEMAX=_GDAL_CACHE_BYTES)


@contextmanager
def _opened(path: Path) -> Iterator[DatasetReader]:
    try:
        with rasterio.Env(GDAL_NUM_THREADS="ALL_CPUS"):  # as an option of the file, JPEG 2000 would warn about it
            source = rasterio.open(path)
    except RasterioIOError as error:
        raise SceneError(unreadable(path, error)) from error
    with source:
        yield source


def _marks(path: Path) -> list[Any]:
    """Hashes of the files of a raster and of all parts of a mosaic (VRT), with the descriptions of its bands.

    Statistics that GDAL and QGIS write beside a raster (``.aux.xml``) are left out, since they change no map; what they
    may state about bands is part of the descriptions.
    """
    with _opened(path) as source:
        files = [Path(name) for name in source.files if not name.endswith(_STATISTICS)]
        marks: list[Any] = [str([source.nodatavals, source.descriptions, source.scales, source.offsets])]
    for file in files:
        if is_mosaic(file) and file != path:
            marks.append(_marks(file))
        else:  # a part that is no file lies on a server
            marks.append(hash_file(file) if file.exists() else redact(str(file)))
    return marks


def is_mosaic(path: Path) -> bool:
    """Whether a file is a virtual raster (VRT), which names other files."""
    return path.suffix.lower() == ".vrt"


def _own_grid(source: DatasetReader, scene: Scene) -> ChipGrid:
    transform = source.transform
    lacking = [name for name, lacks in (("CRS", source.crs is None), ("geotransform", transform.is_identity)) if lacks]
    if lacking:
        raise SceneError(
            f"{scene.image} has no {' and no '.join(lacking)}, so that a map of it has no place: give a scene with "
            "coordinates."
        )
    if not transform.is_rectilinear or transform.a == 0:
        raise SceneError(
            f"{scene.image} is rotated (geotransform {', '.join(f'{part:g}' for part in transform[:6])}): "
            "warp it north up, for example with gdalwarp."
        )
    return ChipGrid(source.crs, transform, source.width, source.height)
