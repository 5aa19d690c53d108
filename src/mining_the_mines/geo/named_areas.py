"""Named areas, such as concessions and protected areas, from any vector file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.mine_polygons import DROPPED, read_polygons
from mining_the_mines.geo.vector_files import Geometries, text_of

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
        path: A vector file in any coordinate reference system, or ``FILE|layername=NAME``.
        name_column: The column that names an area; by default the first of :data:`NAME_COLUMNS` that a layer has.

    Returns:
        The areas. One without a name is called ``unnamed 1``, ``unnamed 2`` … in the order of the file.

    Raises:
        BadInputError: As :func:`mining_the_mines.geo.mine_polygons.read_polygons` does, or if no layer has the
            column.
    """
    polygons = read_polygons(path)
    columns = polygons.attributes.columns.tolist()
    if name_column is not None and name_column not in columns:
        found = ", ".join(columns) or "none"
        raise BadInputError(f"{path} has no column {name_column!r} that could name its areas: it has {found}.")
    layers = polygons.inventory.loc[polygons.inventory["verdict"] != DROPPED, "layer"].to_numpy()
    names: list[str] = []
    for _, part in polygons.attributes.groupby(layers, sort=False):
        column = _name_column(part.dropna(axis="columns", how="all").columns.tolist(), name_column)
        names += [""] * len(part) if column is None else text_of(part[column])
    return NamedAreas(_number_unnamed(names), polygons.geometry, str(path), name_column)


def _name_column(columns: Sequence[str], wanted: str | None) -> str | None:
    if wanted is not None:
        return wanted if wanted in columns else None
    by_name = {column.casefold(): column for column in reversed(columns)}
    return next((by_name[name] for name in NAME_COLUMNS if name in by_name), None)


def _number_unnamed(names: Sequence[str]) -> tuple[str, ...]:
    unnamed = iter(range(1, len(names) + 1))
    return tuple(name or f"unnamed {next(unnamed)}" for name in names)
