"""Named areas, such as concessions and protected areas, from any vector file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd
import pyogrio

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.mine_polygons import DROPPED, Geometries, read_mine_polygons

#: Columns that are taken for the name, in capitals or not: English, Portuguese, Spanish and French, else a number.
NAME_COLUMNS: Final = ("name", "nome", "nombre", "nom", "id")


@dataclass(frozen=True, eq=False)
class NamedAreas:
    """Areas with a name. Several may bear one name: they are one unit in parts.

    Attributes:
        names: Name of each area.
        geometry: Valid polygons and multipolygons in degrees of WGS 84, longitude first, (areas,), with points enough
            on long edges to stay where they were drawn in any other coordinates.
        source: Path of the file.
        name_column: Column of the names, if one was given.
        named: True if a person named the file; false if it was found beside the raw data.
    """

    names: tuple[str, ...]
    geometry: Geometries
    source: str
    name_column: str | None = None
    named: bool = True

    def __len__(self) -> int:
        """Number of areas."""
        return len(self.names)


def read_named_areas(path: Path, name_column: str | None = None) -> NamedAreas:
    """Read areas and their names; invalid areas are repaired or left out, as mine polygons are.

    Args:
        path: A file that OGR can read, such as GeoPackage, GeoJSON or Shapefile, in any coordinate reference system;
            all its layers with geometry count.
        name_column: The column that names an area; by default the first of :data:`NAME_COLUMNS` that a layer has.

    Returns:
        The areas. One without a name is called ``unnamed 1``, ``unnamed 2`` … in the order of the file.

    Raises:
        BadInputError: As :func:`mining_the_mines.geo.mine_polygons.read_mine_polygons` does, or if no layer has the
            column.
    """
    polygons = read_mine_polygons(path)
    listed = polygons.inventory[polygons.inventory["verdict"] != DROPPED]
    layers = listed["layer"].unique().tolist()
    known = {layer: pyogrio.read_info(path, layer=layer)["fields"].tolist() for layer in layers}
    if name_column is not None and not any(name_column in columns for columns in known.values()):
        found = ", ".join(dict.fromkeys(column for columns in known.values() for column in columns)) or "none"
        raise BadInputError(f"{path} has no column {name_column!r} that could name its areas: it has {found}.")
    names: list[str] = []
    for layer in layers:
        column = _name_column(known[layer], name_column)
        features = listed.loc[listed["layer"] == layer, "feature"].to_list()
        names += [""] * len(features) if column is None else _read_names(path, layer, column, features)
    return NamedAreas(_number_unnamed(names), polygons.geometry, str(path), name_column)


def _name_column(columns: Sequence[str], wanted: str | None) -> str | None:
    if wanted is not None:
        return wanted if wanted in columns else None
    by_name = {column.casefold(): column for column in reversed(columns)}
    return next((by_name[name] for name in NAME_COLUMNS if name in by_name), None)


def _read_names(path: Path, layer: str, column: str, features: Sequence[int]) -> list[str]:
    table = pyogrio.read_dataframe(path, layer=layer, columns=[column], read_geometry=False, fid_as_index=True)
    values = table[column].convert_dtypes().loc[list(features)]  # whole numbers stay whole beside missing ones
    return ["" if pd.isna(value) else str(value).strip() for value in values]


def _number_unnamed(names: Sequence[str]) -> tuple[str, ...]:
    unnamed = iter(range(1, len(names) + 1))
    return tuple(name or f"unnamed {next(unnamed)}" for name in names)
