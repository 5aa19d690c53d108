"""Virtual rasters (VRT), which copy no pixel: adjoining rasters as one, and files of one band each as one."""

import hashlib
import os
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import rasterio
import shapely
from affine import Affine
from rasterio.enums import MaskFlags
from rasterio.io import DatasetReader

from mining_the_mines.core.atomic import whole_file
from mining_the_mines.core.paths import project_of, tell

#: GDAL's names of the types of pixels (GDAL, *VRT – GDAL Virtual Format*).
_TYPES: Final = {
    "uint8": "Byte", "int8": "Int8", "uint16": "UInt16", "int16": "Int16", "uint32": "UInt32", "int32": "Int32",
    "float32": "Float32", "float64": "Float64",
}  # fmt: skip
#: Digits of the hash in a file's name.
_DIGITS: Final = 8


@dataclass(frozen=True)
class Part:
    """A raster in a mosaic.

    Attributes:
        path: Path of the raster.
        column: Column of the mosaic that it begins at.
        row: Row of the mosaic that it begins at.
        width: Number of columns.
        height: Number of rows.
    """

    path: Path
    column: int
    row: int
    width: int
    height: int


def can_be_joined(source: DatasetReader) -> bool:
    """Whether the pixels of a raster have a type that a mosaic can hold."""
    return set(source.dtypes) <= _TYPES.keys()


def write_mosaic(parts: Sequence[Part], name: str, folder: Path) -> Path:
    """Write a virtual raster of rasters that have the same bands, types, nodata, scales and grid.

    Pixels that no part covers have no data. Paths to parts in the project are relative, others are those of the real
    files, so that a copy of the project writes the same mosaic.

    Args:
        parts: The rasters; the first column and row of all is 0.
        name: Name of the mosaic.
        folder: Folder to write into.

    Returns:
        The mosaic, whose file name holds a hash of its content.

    Raises:
        RasterioIOError: A part can't be opened.
        BadInputError: The disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    width, height = (max(part.column + part.width for part in parts), max(part.row + part.height for part in parts))
    first = min(parts, key=lambda part: (part.row, part.column))
    with rasterio.open(first.path) as source:
        mosaic = ET.Element("VRTDataset", rasterXSize=str(width), rasterYSize=str(height))
        _add(mosaic, "SRS", source.crs.to_wkt())
        origin = source.transform @ Affine.translation(-first.column, -first.row)
        _add(mosaic, "GeoTransform", ", ".join(map(repr, origin.to_gdal())))
        for index in source.indexes:
            band = _describe_band(mosaic, source, index, index, source.descriptions[index - 1])
            _add_sources(band, str(index), parts, folder)
        if has_mask(source) or (None in source.nodatavals and _has_gaps(parts, width, height)):
            band = ET.SubElement(ET.SubElement(mosaic, "MaskBand"), "VRTRasterBand", dataType="Byte")
            _add_sources(band, "mask,1", parts, folder)
    return _write(mosaic, name, folder)


def write_stack(bands: Mapping[str, Path], name: str, folder: Path) -> Path:
    """Write a virtual raster of files of one band each, in the smallest of their pixels.

    Args:
        bands: File of each band by the band's name; all have the same coordinate reference system and bounds. Larger
            pixels are interpolated.
        name: Name of the raster.
        folder: Folder to write into; see :func:`write_mosaic`.

    Returns:
        The virtual raster.

    Raises:
        RasterioIOError: A file can't be opened.
        BadInputError: The disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as opened:
        sources = {band: opened.enter_context(rasterio.open(path)) for band, path in bands.items()}
        finest = max(sources.values(), key=lambda source: source.width * source.height)
        stack = ET.Element("VRTDataset", rasterXSize=str(finest.width), rasterYSize=str(finest.height))
        _add(stack, "SRS", finest.crs.to_wkt())
        _add(stack, "GeoTransform", ", ".join(map(repr, finest.transform.to_gdal())))
        tags = ET.SubElement(stack, "Metadata")
        for key, value in finest.tags().items():
            if key != "AREA_OR_POINT":
                ET.SubElement(tags, "MDI", key=key).text = value
        for number, (band, source) in enumerate(sources.items(), start=1):
            simple = _add_source(_describe_band(stack, source, 1, number, band), "1", bands[band], folder)
            if source.shape != finest.shape:
                simple.set("resampling", "bilinear")
            for rect, shape in (("SrcRect", source.shape), ("DstRect", finest.shape)):
                ET.SubElement(simple, rect, xOff="0", yOff="0", xSize=str(shape[1]), ySize=str(shape[0]))
    return _write(stack, name, folder)


def _write(raster: ET.Element, name: str, folder: Path) -> Path:
    ET.indent(raster)
    content = ET.tostring(raster)
    path = folder / f"{name}-{hashlib.sha256(content).hexdigest()[:_DIGITS]}.vrt"
    with whole_file(path) as draft:
        draft.write_bytes(content)
    return path


def _describe_band(raster: ET.Element, source: DatasetReader, index: int, number: int, name: str | None) -> ET.Element:
    """Add a band with the facts of a source's band."""
    at = index - 1
    band = ET.SubElement(raster, "VRTRasterBand", dataType=_TYPES[source.dtypes[at]], band=str(number))
    facts = {
        "Description": name,
        "NoDataValue": source.nodatavals[at],
        "ColorInterp": source.colorinterp[at].name.capitalize(),
        "Offset": source.offsets[at] or None,
        "Scale": None if source.scales[at] == 1 else source.scales[at],
    }
    for key, value in facts.items():
        if value is not None:
            _add(band, key, value if isinstance(value, str) else repr(float(value)))
    return band


def _add_source(band: ET.Element, source_band: str, path: Path, folder: Path) -> ET.Element:
    """Add a file to a band."""
    simple = ET.SubElement(band, "SimpleSource")
    told = Path(tell(path, folder))
    project = project_of(folder)
    relative = project is not None and not told.is_absolute()
    place = os.path.relpath(project / told, folder) if project is not None and relative else str(told)
    _add(simple, "SourceFilename", place, relativeToVRT="1" if relative else "0")
    _add(simple, "SourceBand", source_band)
    return simple


def _add_sources(band: ET.Element, source_band: str, parts: Sequence[Part], folder: Path) -> None:
    for part in parts:
        simple = _add_source(band, source_band, part.path, folder)
        size = {"xSize": str(part.width), "ySize": str(part.height)}
        place = {"xOff": str(part.column), "yOff": str(part.row)}
        ET.SubElement(simple, "SrcRect", {"xOff": "0", "yOff": "0"} | size)
        ET.SubElement(simple, "DstRect", place | size)


def _add(parent: ET.Element, name: str, text: str, **attributes: str) -> None:
    ET.SubElement(parent, name, attributes).text = text


def has_mask(source: DatasetReader) -> bool:
    """Whether a mask of its own, inside or beside the file, says which pixels have data."""
    return bool(source.mask_flag_enums[0] == [MaskFlags.per_dataset])


def _has_gaps(parts: Sequence[Part], width: int, height: int) -> bool:
    """Whether some pixels lie in no part."""
    boxes = [shapely.box(part.column, part.row, part.column + part.width, part.row + part.height) for part in parts]
    return bool(shapely.union_all(boxes).area < width * height)
