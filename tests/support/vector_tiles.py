"""Vector tiles read without GDAL: the archive by the package pmtiles, tiles by their protocol buffers."""

import gzip
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from pmtiles.reader import Reader

#: Fields of the messages of Mapbox Vector Tile 2.1, as name, number, type and whether there are several.
_MESSAGES = {
    "Value": [("string_value", 1, "STRING", False), ("float_value", 2, "FLOAT", False),
              ("double_value", 3, "DOUBLE", False), ("int_value", 4, "INT64", False),
              ("uint_value", 5, "UINT64", False), ("sint_value", 6, "SINT64", False), ("bool_value", 7, "BOOL", False)],
    "Feature": [("id", 1, "UINT64", False), ("tags", 2, "UINT32", True), ("type", 3, "UINT32", False),
                ("geometry", 4, "UINT32", True)],
    "Layer": [("name", 1, "STRING", False), ("features", 2, "Feature", True), ("keys", 3, "STRING", True),
              ("values", 4, "Value", True), ("extent", 5, "UINT32", False), ("version", 15, "UINT32", False)],
    "Tile": [("layers", 3, "Layer", True)],
}  # fmt: skip
_KINDS = {1: "point", 2: "line", 3: "polygon"}


@dataclass(frozen=True)
class TileFeature:
    """A feature of a tile: its layer, kind, attributes, and its first part in degrees (longitude, latitude)."""

    layer: str
    kind: str
    positions: list[tuple[float, float]]
    attributes: dict[str, Any]


def read_header(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and metadata of an archive."""
    reader = _open(path)
    return reader.header(), reader.metadata()


def read_tile(path: Path, zoom: int, column: int, row: int) -> list[TileFeature]:
    """Features of a tile of an archive."""
    content = _open(path).get(zoom, column, row)
    if content is None:
        return []
    tile = _tile_class()()
    tile.ParseFromString(gzip.decompress(content))
    return [_feature(layer, feature, zoom, column, row) for layer in tile.layers for feature in layer.features]


def tile_of(longitude: float, latitude: float, zoom: int) -> tuple[int, int]:
    """Column and row of the tile of a place (Web Mercator)."""
    down = (1 - math.asinh(math.tan(math.radians(latitude))) / math.pi) / 2
    return int((longitude + 180) / 360 * 2**zoom), int(down * 2**zoom)


def _open(path: Path) -> Any:
    content = path.read_bytes()
    return Reader(lambda start, length: content[start : start + length])


def _feature(layer: Any, feature: Any, zoom: int, column: int, row: int) -> TileFeature:
    tags = list(feature.tags)
    attributes = {
        layer.keys[key]: next(value for _, value in layer.values[number].ListFields())
        for key, number in zip(tags[::2], tags[1::2], strict=True)
    }
    places = [
        _degrees((column + x / layer.extent) / 2**zoom, (row + y / layer.extent) / 2**zoom)
        for x, y in _first_part(list(feature.geometry))
    ]
    return TileFeature(layer.name, _KINDS[feature.type], places, attributes)


def _first_part(commands: list[int]) -> list[tuple[int, int]]:
    """Positions of the first part of a geometry: MoveTo, and the LineTo that follows (section 4.3 of the standard)."""
    x, y, positions, at = 0, 0, [], 0
    for command in (1, 2):
        if at < len(commands) and commands[at] & 7 == command:
            count, at = commands[at] >> 3, at + 1
            for _ in range(1 if command == 1 else count):
                across, down = ((number >> 1) ^ -(number & 1) for number in commands[at : at + 2])
                x, y, at = x + across, y + down, at + 2
                positions.append((x, y))
    return positions


def _degrees(across: float, down: float) -> tuple[float, float]:
    """Longitude and latitude of a place of the Web Mercator square, as shares of its sides."""
    return 360 * across - 180, math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * down))))


def _tile_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="tile.proto", syntax="proto2")
    for message, fields in _MESSAGES.items():
        described = file.message_type.add(name=message)
        for name, number, kind, several in fields:
            label = "LABEL_REPEATED" if several else "LABEL_OPTIONAL"
            field = described.field.add(name=name, number=number, label=label)
            if kind in _MESSAGES:
                field.type, field.type_name = "TYPE_MESSAGE", kind
            else:
                field.type = f"TYPE_{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("Tile"))
