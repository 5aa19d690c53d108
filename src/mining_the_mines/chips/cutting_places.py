"""Places to centre chips on, from a table or from points and polygons in a vector file."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.text_tables import read_table
from mining_the_mines.geo.antimeridian import cut_at_antimeridian
from mining_the_mines.geo.degrees import Axis, read_degrees, wrap_longitude
from mining_the_mines.geo.mine_polygons import LONGEST_EDGE_DEGREES, way_to_degrees
from mining_the_mines.geo.vector_files import VectorLayer, read_layers

_TABLES: Final = (".csv", ".tsv", ".txt")
_AXES: Final[tuple[Axis, ...]] = ("longitude", "latitude")


@dataclass(frozen=True, eq=False)
class ChipPlaces:
    """Places to centre chips on.

    Attributes:
        names: Names of the places; where a file has none, their numbers from 1 on.
        longitude: Degrees east of WGS 84, float64 (places,).
        latitude: Degrees north, float64 (places,).
        faults: Name and reason of each place that can't be used.
        source: The file, for messages.
    """

    names: tuple[str, ...]
    longitude: npt.NDArray[np.float64]
    latitude: npt.NDArray[np.float64]
    faults: tuple[tuple[str, str], ...]
    source: str

    def __len__(self) -> int:
        """Number of usable places."""
        return len(self.names)


def read_places(path: Path) -> ChipPlaces:
    """Read places, and list unusable ones with the reason.

    Args:
        path: A table with the columns ``longitude`` and ``latitude`` (degrees of WGS 84) and, if it has them, names in
            ``name``; or a vector file in any coordinate reference system, or ``FILE|layername=NAME``: points, or lines
            and polygons, whose centroids are taken.

    Returns:
        The places.

    Raises:
        BadInputError: The file is missing, can't be read, lacks coordinates or a coordinate reference system, or
            holds no usable place.
    """
    found = _read_table(path) if path.suffix.lower() in _TABLES else _read_features(path)
    sound = found["fault"].isna()
    usable = found[sound]
    faults = tuple(zip(found["name"][~sound], "no place: " + found["fault"][~sound], strict=True))
    if usable.empty:
        example = f" ({faults[0][1].partition(': ')[2]})" if faults else ""
        raise BadInputError(
            f"{path} holds no place that can be used{example}: each needs a longitude from −180 to 180 and a latitude "
            "from −90 to 90 degrees."
        )
    return ChipPlaces(
        names=tuple(usable["name"]),
        longitude=usable["longitude"].to_numpy(dtype=np.float64),
        latitude=usable["latitude"].to_numpy(dtype=np.float64),
        faults=faults,
        source=str(path),
    )


def _read_table(path: Path) -> pd.DataFrame:
    needs = "one line per place, with its longitude and its latitude"
    cells = read_table(path, "table of places", needs, ("longitude", "latitude", "name"))
    heads = list(cells.columns)
    cells.columns = pd.Index([head.casefold() for head in heads])
    missing = [name for name in _AXES if name not in cells.columns]
    if missing:
        raise BadInputError(
            f"{path} has no column {' and no column '.join(missing)}; its columns are {', '.join(heads)}: name them so."
        )
    names = cells["name"] if "name" in cells.columns else pd.Series("", index=cells.index)
    places = pd.DataFrame({"name": _numbered(names), "fault": None}, index=cells.index)
    for axis in _AXES:
        read = [_read_degrees(text, axis) for text in cells[axis]]
        places[axis] = [degrees for degrees, _ in read]
        faults = [f"line {line} has the {axis} {cells.loc[line, axis]!r}, {fault}" if fault else None
                  for line, (_, fault) in zip(cells.index, read, strict=True)]  # fmt: skip
        places["fault"] = places["fault"].where(places["fault"].notna(), pd.Series(faults, cells.index, dtype=object))
    return places.astype({"longitude": "float64", "latitude": "float64"})


def _read_degrees(text: str, axis: Axis) -> tuple[float, str | None]:
    """Degrees, or the fault of a cell."""
    try:
        degrees = read_degrees(text, axis)
    except ValueError as error:
        return math.nan, str(error)
    return (math.nan, "which is missing") if degrees is None else (degrees, None)


def _read_features(path: Path) -> pd.DataFrame:
    parts = [_points(path, layer) for layer in read_layers(path, "shapes")]
    places = pd.concat(parts, ignore_index=True)
    on_earth = places["longitude"].abs().le(180) & places["latitude"].abs().le(90)
    faults = pd.Series("its coordinates are missing or off the Earth", index=places.index, dtype=object)
    return places.assign(fault=faults.mask(on_earth, None))


def _points(path: Path, layer: VectorLayer) -> pd.DataFrame:
    longest, to_degrees = way_to_degrees(layer.crs, f"The layer {layer.name} of {path}")
    shapes = cut_at_antimeridian(layer.geometry) if longest == LONGEST_EDGE_DEGREES else layer.geometry
    # The centroid is computed in the file's own coordinates, in which the shape was drawn.
    drawn = shapely.centroid(shapes)
    points = np.column_stack((shapely.get_x(drawn), shapely.get_y(drawn)))
    degrees = to_degrees(points) if len(points) else points
    return pd.DataFrame(
        {
            "name": _numbered(layer.text("name")),
            "longitude": wrap_longitude(degrees[:, 0]),
            "latitude": degrees[:, 1],
        }
    )


def _numbered(names: Iterable[str]) -> list[str]:
    return [name or str(number) for number, name in enumerate(names, start=1)]
