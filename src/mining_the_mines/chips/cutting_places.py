"""Places to centre chips on, from a table or from points and polygons in a vector file."""

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyogrio
import shapely
from pyogrio.errors import DataSourceError

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.core.text_tables import read_rows
from mining_the_mines.geo.mine_polygons import LON_LAT

_TABLES = (".csv", ".tsv", ".txt")


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
            ``name``; or a vector file that OGR can read, in any coordinate reference system: points, or lines and
            polygons, whose centroids are taken.

    Returns:
        The places.

    Raises:
        BadInputError: The file is missing, can't be read, lacks coordinates or a coordinate reference system, or
            holds no usable place.
    """
    found = _read_table(path) if path.suffix.lower() in _TABLES else _read_features(path)
    on_earth = (found["longitude"].abs() <= 180) & (found["latitude"].abs() <= 90)
    usable = found[on_earth]
    if usable.empty:
        raise BadInputError(
            f"{path} holds no place that can be used: each needs a longitude from −180 to 180 and a latitude from −90 "
            "to 90 degrees."
        )
    faults = tuple(
        (name, "no place: its coordinates are missing or off the Earth") for name in found["name"][~on_earth]
    )
    return ChipPlaces(
        names=tuple(usable["name"]),
        longitude=usable["longitude"].to_numpy(dtype=np.float64),
        latitude=usable["latitude"].to_numpy(dtype=np.float64),
        faults=tuple(faults),
        source=str(path),
    )


def _read_table(path: Path) -> pd.DataFrame:
    heads, *rows = read_rows(path, "table of places", "one line a place, with its longitude and its latitude")
    columns = [head.lower() for head in heads]
    missing = [name for name in ("longitude", "latitude") if name not in columns]
    if missing:
        raise BadInputError(
            f"{path} has no column {' and no column '.join(missing)}; its columns are {', '.join(heads)}: name them so."
        )
    cells = pd.DataFrame([(row + [""] * len(columns))[: len(columns)] for row in rows], columns=columns, dtype="str")
    names = cells["name"] if "name" in columns else pd.Series("", index=cells.index)
    return pd.DataFrame(
        {
            "name": _numbered(names),
            # Spreadsheets write decimals as their country does.
            "longitude": pd.to_numeric(cells["longitude"].str.replace(",", "."), errors="coerce"),
            "latitude": pd.to_numeric(cells["latitude"].str.replace(",", "."), errors="coerce"),
        }
    )


def _read_features(path: Path) -> pd.DataFrame:
    if not path.exists():
        raise BadInputError(f"{path} does not exist: check where the places lie.")
    try:
        layers = [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
        tables = [gpd.read_file(path, layer=layer, engine="pyogrio") for layer in layers]
    except DataSourceError as error:
        raise BadInputError(
            f"{path} can't be read as a vector file ({str(error).rstrip('.')}): save it as GeoPackage, GeoJSON or CSV."
        ) from error
    if not tables:
        raise BadInputError(f"{path} holds no layer with geometry: points or polygons say where chips are wanted.")
    return pd.concat([_points(path, table) for table in tables], ignore_index=True)


def _points(path: Path, table: gpd.GeoDataFrame) -> pd.DataFrame:
    if table.crs is None:
        raise BadInputError(
            f"{path} has no CRS, so that nobody can tell where its places lie: give it one (Assign Projection in QGIS) "
            "and save it again."
        )
    # The centroid is computed in the file's own coordinates, in which the shape was drawn.
    middles = gpd.GeoSeries(shapely.centroid(table.geometry.to_numpy()), crs=table.crs).to_crs(LON_LAT)
    names = table["name"].fillna("").astype("str") if "name" in table else pd.Series("", index=table.index)
    return pd.DataFrame({"name": _numbered(names), "longitude": middles.x, "latitude": middles.y})


def _numbered(names: "pd.Series[str]") -> list[str]:
    return [name.strip() or str(number) for number, name in enumerate(names, start=1)]
