"""Vector tiles read without GDAL: the archive by the package pmtiles, tiles by their protocol buffers."""

import gzip
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
    """A feature of a tile: its layer, kind, first position as shares of the tile's width and height, and attributes."""

    layer: str
    kind: str
    start: tuple[float, float]
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
    return [_feature(layer, feature) for layer in tile.layers for feature in layer.features]


def _open(path: Path) -> Any:
    content = path.read_bytes()
    return Reader(lambda start, length: content[start : start + length])


def _feature(layer: Any, feature: Any) -> TileFeature:
    tags = list(feature.tags)
    attributes = {
        layer.keys[key]: next(value for _, value in layer.values[number].ListFields())
        for key, number in zip(tags[::2], tags[1::2], strict=True)
    }
    # Zigzag of the first command, MoveTo.
    across, down = ((number >> 1) ^ -(number & 1) for number in feature.geometry[1:3])
    return TileFeature(layer.name, _KINDS[feature.type], (across / layer.extent, down / layer.extent), attributes)


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
