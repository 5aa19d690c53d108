"""The one reader of vector files that people hand over: any format that OGR knows, and GeoParquet."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyogrio
import shapely
from pyarrow import ArrowException
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError, GeometryError

from mining_the_mines.core.errors import BadInputError

Geometries = npt.NDArray[np.object_]

#: What follows a file's name where QGIS names a layer of it: ``FILE|layername=mines``.
_OPTIONS: Final = re.compile(r"(?P<file>[^|]*)\|(?P<options>.*)")
_LAYER: Final = "layername="
_PARQUET: Final = (".parquet", ".geoparquet", ".pq")
_TABLES: Final = (".csv", ".tsv", ".txt")
#: Column of Earth Engine's tables, in GeoJSON and so in degrees of WGS 84 (RFC 7946, section 4).
_EARTH_ENGINE: Final = ".geo"
#: Options of GDAL's reader of tables: columns that may hold shapes as WKT or GeoJSON.
_SHAPES: Final = {
    "GEOM_POSSIBLE_NAMES": f"{_EARTH_ENGINE},WKT,geometry,geom,the_geom,wkt_geom,wkb_geometry",
    "KEEP_GEOM_COLUMNS": "NO",
}
#: Formats in which layers are folders of one document.
_FOLDERS: Final = (".kml", ".kmz")


@dataclass(frozen=True, eq=False)
class VectorLayer:
    """A layer of a vector file.

    Attributes:
        name: Its name.
        crs: Name, code or WKT of its coordinate reference system, if it has one.
        numbers: Number of each feature in the layer, int64 (features,).
        geometry: Its geometry in two dimensions, in the layer's own coordinates, (features,); ``None`` where there is
            none, or where it can't be read.
        unreadable: Features whose geometry can't be read, boolean (features,).
        attributes: One row per feature.
    """

    name: str
    crs: str | None
    numbers: npt.NDArray[np.int64]
    geometry: Geometries
    unreadable: npt.NDArray[np.bool_]
    attributes: pd.DataFrame

    def __len__(self) -> int:
        """Number of features."""
        return len(self.numbers)

    def text(self, column: str) -> list[str]:
        """A column as text; all empty if there is none."""
        return text_of(self.attributes[column]) if column in self.attributes else [""] * len(self)


def split_layer(named: Path) -> tuple[Path, str | None]:
    """Split a path as QGIS writes it.

    Args:
        named: A file, or ``FILE|layername=NAME``.

    Returns:
        The file, and the name of the layer if there is one.

    Raises:
        BadInputError: Something else than a layer is asked for.
    """
    found = _OPTIONS.fullmatch(str(named))
    if found is None or named.exists():
        return named, None
    options = [option for option in found["options"].split("|") if option]
    if len(options) != 1 or not options[0].startswith(_LAYER):
        raise BadInputError(f"{named} asks for {found['options']}: only FILE|layername=NAME can be asked for.")
    return Path(found["file"]), options[0].removeprefix(_LAYER)


def read_layers(named: Path, kind: str = "polygons", most: int | None = None) -> list[VectorLayer]:
    """Read the layer of a vector file that is named or that alone has the wanted shapes.

    Args:
        named: A file that OGR can read or a GeoParquet, or ``FILE|layername=NAME``. All folders of a KML count, and
            layers that differ by the number of their coordinate system alone (mines_32719, mines_32721).
        kind: ``polygons``, or ``shapes`` for any geometry.
        most: Number of features of a layer to read; by default all.

    Returns:
        The layer; several for a KML with folders and for layers of several coordinate systems.

    Raises:
        BadInputError: The file is missing, can't be read or has no layer with geometry, or several layers have such
            shapes and none is named, or there is none of that name.
    """
    path, wanted = split_layer(named)
    if not path.exists():
        raise BadInputError(f"{path} does not exist: check the path.")
    try:
        if path.suffix.lower() in _PARQUET:
            return [_read_parquet(path)]
        return [_read_layer(path, layer, most) for layer in _choose(path, wanted, kind)]
    except BadInputError:
        raise
    except (DataSourceError, DataLayerError, FeatureError, GeometryError, ArrowException, ValueError,
            shapely.GEOSException) as error:  # fmt: skip
        told = " ".join(str(error).split()).rstrip(".")
        raise BadInputError(
            f"{path} can't be read as a vector file ({told}): it is cut off or of a kind that GDAL does not know; "
            "fetch it again, or save it as GeoPackage."
        ) from error


def _choose(path: Path, wanted: str | None, kind: str) -> list[str]:
    """Names of the layers to read."""
    is_table = path.suffix.lower() in _TABLES  # whose shapes are found when it is read
    found = {str(name): "Unknown" if is_table else geometry for name, geometry in pyogrio.list_layers(path)}
    if wanted is not None:
        if wanted not in found:
            raise BadInputError(f"{path} has no layer {wanted}: it has {', '.join(found)}.")
        return [wanted]
    shapes = {name: geometry for name, geometry in found.items() if geometry is not None}
    if not shapes:
        raise BadInputError(_no_geometry(path))
    if len(shapes) == 1 or path.suffix.lower() in _FOLDERS:
        return list(shapes)
    full = [name for name in shapes if pyogrio.read_info(path, layer=name, force_feature_count=True)["features"]]
    chosen = [name for name in full if kind != "polygons" or _may_hold_polygons(shapes[name])]
    if len(chosen) > 1 and not _are_zones(path, chosen):
        raise BadInputError(
            f"{path} has several layers of {kind} ({', '.join(chosen)}): name the one that is meant, such as "
            f"{path}|layername={chosen[0]}."
        )
    return chosen or full or list(shapes)


def _no_geometry(path: Path) -> str:
    return f"{path} holds no layer with geometry: check that it is the right file, or save it as GeoPackage."


def _are_zones(path: Path, layers: Sequence[str]) -> bool:
    """Whether layers are parts of one, each called after its coordinate system, such as mines_32719 and mines_32721."""
    codes = [str(pyogrio.read_info(path, layer=layer)["crs"]).removeprefix("EPSG:") for layer in layers]
    stems = {layer.removesuffix(f"_{code}") for layer, code in zip(layers, codes, strict=True)}
    return len(stems) == 1 and not stems & set(layers)


def _may_hold_polygons(geometry: str) -> bool:
    return any(word in geometry for word in ("Polygon", "Surface", "Unknown"))


def _read_layer(path: Path, layer: str, most: int | None) -> VectorLayer:
    is_table = path.suffix.lower() in _TABLES
    facts, numbers, stored, values = pyogrio.raw.read(
        path, layer=layer, force_2d=True, return_fids=True, max_features=most, **(_SHAPES if is_table else {})
    )
    if is_table and stored is None:
        raise BadInputError(_no_geometry(path))
    crs = "EPSG:4326" if is_table and _EARTH_ENGINE in pyogrio.read_info(path)["fields"] else facts["crs"]
    attributes = pd.DataFrame(dict(zip(facts["fields"], values, strict=True)), index=range(len(numbers)))
    if stored is None or len(stored) == 0:
        nothing = np.empty(0, dtype=object)
        return VectorLayer(layer, crs, np.empty(0, np.int64), nothing, np.empty(0, np.bool_), attributes)
    with np.errstate(invalid="ignore"):  # coordinates that are no numbers are reported by those who need them
        drawn = shapely.from_wkb(stored, on_invalid="fix")  # closes rings that are open
    unreadable = shapely.is_missing(drawn) & np.array([raw is not None for raw in stored])
    return VectorLayer(layer, crs, numbers, drawn, unreadable, attributes)


def _read_parquet(path: Path) -> VectorLayer:
    table = gpd.read_parquet(path)
    crs = None if table.crs is None else table.crs.to_wkt()
    geometry = shapely.force_2d(table.geometry.to_numpy())
    attributes = pd.DataFrame(table.drop(columns=table.geometry.name)).reset_index(drop=True)
    numbers = np.arange(1, len(table) + 1, dtype=np.int64)
    return VectorLayer(path.stem, crs, numbers, geometry, np.zeros(len(table), dtype=np.bool_), attributes)


def text_of(column: "pd.Series[Any]") -> list[str]:
    """The values of a column as text, empty where there is none; whole numbers stay whole beside missing ones."""
    return ["" if pd.isna(value) else str(value).strip() for value in column.convert_dtypes()]
