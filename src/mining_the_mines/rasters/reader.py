"""The one reader of rasters: bands by name, reflectance, missing data as NaN, and the grid.

Chips, scenes, composites and assets are opened here, so that one set of rules finds their bands and decodes their
numbers:

- *Bands* are found by the file's band descriptions. A file whose descriptions name no band is read in the order that
  :class:`RasterFormat` states. A file without any description, and with as many bands as are wanted, is read in their
  order, with a doubt.
- *Reflectance* is ``number * factor + offset``, with the scale and offset tags of each band if it has any; else with
  those of :class:`RasterFormat`; else integers are divided by 10 000 and floats are reflectance already.
- *Missing data* are the nodata value of :class:`RasterFormat`, else that of each band; pixels that an alpha band, or a
  mask in or beside the file leaves out; pixels that are zero in every band; and numbers that no sensor measures. They
  decode to NaN.
- *Doubts* are sentences for a warning, as ``kind: sentence``; the kind is the same for all files of a folder.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zipfile import is_zipfile

import numpy as np
import numpy.typing as npt
import rasterio
from pydantic import BaseModel, ConfigDict, Field, field_validator
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning, RasterioIOError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.rasters.decoding import BandReader, alpha_bands, find_mask, usual_factor
from mining_the_mines.sentinel2.bands import BANDS, COMPETITION_BANDS, canonical_band_name, name_bands
from mining_the_mines.sentinel2.reflectance import QUANTIFICATION

# A chip without coordinates is welcome (the "Finding Mining Sites" competition has no others). The filter is set once:
# warnings.catch_warnings changes state that all threads share, and chips are read by several.
warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)


#: Colours that a file gives its bands for display.
_COLOURS: Final = {ColorInterp.red: "B4", ColorInterp.green: "B3", ColorInterp.blue: "B2"}


class MissingBandError(BadInputError):
    """A raster lacks a band that is wanted."""


class RasterFormat(BaseModel):
    """Bands to read from a raster, and how to read it where the file does not say."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bands: tuple[str, ...] = Field(COMPETITION_BANDS, min_length=1, description="Bands to read, in this order.")
    order: tuple[str, ...] | None = Field(
        None,
        description="Bands of files whose band descriptions name none (Band 1, Band 2 and so on), in the order of the "
        "file; any other word for a band that is not read. Null to refuse such files.",
    )
    nodata: float | None = Field(
        None, description="Value of pixels without data; null for the nodata value of each band."
    )
    scale: float | None = Field(
        None, gt=0, description="Digital numbers per unit of reflectance; null for 10000 (integers) and 1 (floats)."
    )
    offset: float = Field(
        0.0,
        description=(
            "Added to reflectance of files without scale and offset tags; -0.1 removes the 1000 that processing "
            "baseline 04.00 added, if nobody has removed it."
        ),
    )

    @field_validator("bands")
    @classmethod
    def _known_once(cls, bands: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [band for band in bands if band not in BANDS]
        if unknown:
            raise ValueError(f"{', '.join(unknown)} is no band of Sentinel-2: they are {', '.join(BANDS)}.")
        if len(set(bands)) < len(bands):
            raise ValueError(f"A band is named twice among {', '.join(bands)}: name each once.")
        return bands


@dataclass(frozen=True, eq=False)
class Raster:
    """An open raster.

    Attributes:
        source: The open file.
        bands: Positions and decoding of the wanted bands.
        grid: Where its pixels lie; ``None`` for a file without a coordinate reference system or a geotransform.
        dtype: Data type of the stored numbers, such as ``uint16``.
        doubts: Doubts about bands and numbers; see the module.
    """

    source: DatasetReader
    bands: BandReader
    grid: ChipGrid | None
    dtype: str
    doubts: tuple[str, ...] = ()

    def reflectance(self, window: Window | None = None) -> npt.NDArray[np.float32]:
        """Read reflectance, float32 (bands, height, width), NaN without data, from the whole raster or a window."""
        return self.bands.decode(self.bands.read(self.source, window))


@contextmanager
def open_raster(path: Path, layout: RasterFormat) -> Iterator[Raster]:
    """Open a raster to read bands by name.

    Args:
        path: A raster that GDAL can read, such as a GeoTIFF, COG, JPEG 2000 or VRT.
        layout: Wanted bands, and decoding where the file does not say.

    Yields:
        The open raster.

    Raises:
        MissingBandError: The raster lacks a band.
        BadInputError: The file is missing or unreadable, also if that shows only while the block reads from it; it
            names a band twice, or holds no reflectance.
    """
    try:
        with rasterio.open(path) as source:
            bands, doubts = find_bands(source, layout)
            yield Raster(source, bands, grid_of(source), str(source.dtypes[bands.indexes[0] - 1]), doubts)
    except RasterioIOError as error:
        raise BadInputError(unreadable(path, error)) from error


def find_bands(source: DatasetReader, layout: RasterFormat) -> tuple[BandReader, tuple[str, ...]]:
    """Find bands of an open raster by name.

    Args:
        source: The open raster.
        layout: Wanted bands, and decoding where the file does not say.

    Returns:
        Positions and decoding of the bands, and doubts about them.

    Raises:
        MissingBandError: The raster lacks a band.
        BadInputError: It names a band twice, or holds no reflectance.
    """
    path = Path(source.name)
    names, doubt = _names(source, layout, path)
    indexes = _indexes(names, layout.bands, path)
    factors, offsets, doubts = _scaling(source, indexes, layout, path)
    declared = tuple(source.nodatavals[index - 1] if layout.nodata is None else layout.nodata for index in indexes)
    bands = BandReader(indexes, factors, offsets, declared, find_mask(source, names, indexes))
    return bands, (*doubt, *doubts)


def bands_of(source: DatasetReader, layout: RasterFormat) -> tuple[str, ...]:
    """Return those of the wanted bands that an open raster has.

    Raises:
        MissingBandError: The raster says nothing of its bands.
    """
    names = _names(source, layout, Path(source.name))[0]
    return tuple(band for band in layout.bands if band in names)


def grid_of(source: DatasetReader) -> ChipGrid | None:
    """Return the grid of an open raster; ``None`` without a coordinate reference system or a geotransform."""
    if source.crs is None or source.transform.is_identity:
        return None
    return ChipGrid(source.crs, source.transform, source.width, source.height)


def unreadable(path: Path, error: RasterioIOError) -> str:
    """Return the message for a raster that GDAL can't read, with the way out."""
    if not path.exists():
        return f"{path} does not exist: check the path."
    if is_zipfile(path):
        return f"{path} is a ZIP archive and no product of Sentinel-2: unpack it, and name the folder of its rasters."
    cause = error.__cause__ or error
    return f"{path} can't be read as a raster ({cause}): it is cut off or no GeoTIFF; fetch it again or remove it."


def _names(source: DatasetReader, layout: RasterFormat, path: Path) -> tuple[list[str | None], tuple[str, ...]]:
    """Name of each band of a file, as it or the format says, with a doubt where neither does."""
    names = list(name_bands(source.descriptions))
    if any(names):
        return names, ()
    bands = layout.bands
    if layout.order is not None:
        if len(layout.order) not in (source.count, source.count - len(alpha_bands(source, names))):
            raise MissingBandError(
                f"{path} has {source.count} bands, and imagery.order states {len(layout.order)} "
                f"({', '.join(layout.order)}): state all bands of the file."
            )
        stated = [canonical_band_name(text) or text for text in layout.order]
        return [*stated, *[None] * (source.count - len(stated))], ()
    way_out = "name them in the band descriptions, or state the bands of the file with imagery.order"
    said = [text for text in source.descriptions if text and text.strip()]
    if said:
        raise MissingBandError(
            f"{path} calls its bands {', '.join(said[:4])}{' and so on' if len(said) > 4 else ''}, which says nothing "
            f"of the bands of Sentinel-2: {way_out}."
        )
    alpha = alpha_bands(source, names)
    if source.count - len(alpha) != len(bands):
        raise MissingBandError(
            f"{path} has {source.count} bands without names where {len(bands)} are wanted ({', '.join(bands)}): "
            f"{way_out}."
        )
    places = iter(bands)
    found = [None if place in alpha else next(places) for place in range(1, source.count + 1)]
    colours = [_COLOURS.get(colour) for colour in source.colorinterp]
    if any(colour not in (None, name) for colour, name in zip(colours, found, strict=True)):
        raise MissingBandError(
            f"{path} names no band, and its colours ({', '.join(colour.name for colour in source.colorinterp)}) are "
            f"not those of {', '.join(bands)}: {way_out}."
        )
    doubt = f"the file names no band, and its bands are taken for {', '.join(bands)}, in this order; {way_out}."
    return found, (f"bands without names: {doubt}",)


def _indexes(names: Sequence[str | None], bands: Sequence[str], path: Path) -> tuple[int, ...]:
    missing = [band for band in bands if band not in names]
    if missing:
        raise MissingBandError(
            f"{path} lacks {', '.join(missing)}; it has {', '.join(name for name in names if name)}: "
            "choose among these, or leave the chip out."
        )
    twice = [band for band in bands if names.count(band) > 1]
    if twice:
        raise BadInputError(f"{path} names {', '.join(twice)} more than once: correct its band descriptions.")
    return tuple(names.index(band) + 1 for band in bands)


def _scaling(
    source: DatasetReader, indexes: Sequence[int], layout: RasterFormat, path: Path
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], tuple[str, ...]]:
    """Factors and offsets of the bands, float32 (bands,) each, and doubts about them."""
    factors, offsets, doubts = [], [], dict[str, None]()
    for index in indexes:
        kind = np.dtype(source.dtypes[index - 1])
        scale, offset = source.scales[index - 1], source.offsets[index - 1]
        if kind.kind not in "uif":
            raise BadInputError(
                f"{path} holds {kind} pixels, which are no reflectance: convert it to integers or floats."
            )
        if (scale, offset) == (1, 0):
            if layout.scale is None and kind.itemsize == 1:
                raise BadInputError(
                    f"{path} holds 8-bit pixels, which is a picture rather than reflectance: use the original image, "
                    "or give the scale (digital numbers per unit of reflectance)."
                )
            scale, offset = usual_factor(kind.str, layout.scale), layout.offset
        else:
            if layout.scale is not None or layout.offset:
                doubts["scale and offset of the file: it states its own, so that imagery.scale and imagery.offset are "
                       "not used for it; leave them out, or take the tags off the file."] = None  # fmt: skip
            scale, offset, doubt = _plausible_tags(kind, scale, offset)
            doubts.update(dict.fromkeys(doubt))
        factors.append(scale)
        offsets.append(offset)
    return np.array(factors, dtype=np.float32), np.array(offsets, dtype=np.float32), tuple(doubts)


def _plausible_tags(kind: np.dtype[np.generic], scale: float, offset: float) -> tuple[float, float, list[str]]:
    """Scale and offset as they must be meant: no surface reflects 1 a number, nor is darker than black by 1."""
    doubts = []
    if kind.kind in "ui" and not 0 < scale < 1:
        doubts.append(
            f"implausible scale: the file states a scale of {scale:g}, which is no reflectance per number, and "
            f"{1 / QUANTIFICATION:g} is used; correct its scale."
        )
        scale = 1 / QUANTIFICATION
    if abs(offset) >= 1:
        meant = offset / QUANTIFICATION
        doubts.append(
            f"implausible offset: the file states an offset of {offset:g}, which is read in digital numbers as "
            f"{meant:g}; correct its offset."
        )
        offset = meant
    return scale, offset, doubts
