"""What a GeoPackage holds beside features: a style that QGIS applies, and what the columns mean."""

import errno
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from importlib.resources import files
from pathlib import Path
from typing import Final

#: GeoPackages hold the date of their last change; a fixed one keeps the same content the same bytes.
_DATE: Final = "2000-01-01T00:00:00.000Z"
#: Where SQLite counts changes of a file, and says at which of them the writer's version was noted; both have to be the
#: same (*Database File Format*, section 1.3, sqlite.org).
_COUNTERS: Final = (24, 92)
#: As QGIS makes it when it saves a style to a GeoPackage (``QgsOgrProviderMetadata::saveStyle``, QGIS 3). It applies
#: the style whose schema is empty and whose table and geometry column are the layer's, the default one first.
_STYLES: Final = """
CREATE TABLE layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    f_table_catalog TEXT(256),
    f_table_schema TEXT(256),
    f_table_name TEXT(256),
    f_geometry_column TEXT(256),
    styleName TEXT(30),
    styleQML TEXT,
    styleSLD TEXT,
    useAsDefault BOOLEAN,
    description TEXT,
    owner TEXT(30),
    ui TEXT(30),
    update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
)"""
#: GeoPackage 1.4 (OGC 12-128r19), annex F.9, the extension "schema".
_COLUMNS: Final = """
CREATE TABLE gpkg_data_columns (
    table_name TEXT NOT NULL,
    column_name TEXT NOT NULL,
    name TEXT,
    title TEXT,
    description TEXT,
    mime_type TEXT,
    constraint_name TEXT,
    CONSTRAINT pk_gdc PRIMARY KEY (table_name, column_name),
    CONSTRAINT gdc_tn UNIQUE (table_name, name)
)"""
_CONSTRAINTS: Final = """
CREATE TABLE gpkg_data_column_constraints (
    constraint_name TEXT NOT NULL,
    constraint_type TEXT NOT NULL,
    value TEXT,
    min NUMERIC,
    min_is_inclusive BOOLEAN,
    max NUMERIC,
    max_is_inclusive BOOLEAN,
    description TEXT,
    CONSTRAINT gdcc_ntv UNIQUE (constraint_name, constraint_type, value)
)"""
_SCHEMA: Final = ("gpkg_schema", "http://www.geopackage.org/spec121/#extension_schema", "read-write")


def finish_geopackage(path: Path, layer: str, meanings: Mapping[str, str]) -> None:
    """Add the style of mines and the meaning of columns to a GeoPackage, and fix its dates.

    The style fills mines by confidence, labels them with their hectares, and draws those to be reviewed with a thick
    red rim. Yellow is high confidence, sky blue medium, pink low: colours of Okabe and Ito, *Color Universal Design*
    (2008), the last a little lightened.

    Args:
        path: A GeoPackage as GDAL left it, with no style yet.
        layer: Its layer of mines.
        meanings: What columns say.

    Raises:
        OSError: If it can't be written, as on a full disk.
    """
    try:
        with closing(sqlite3.connect(path)) as database, database:
            _add_style(database, layer)
            _explain_columns(database, layer, meanings)
            _fix_dates(database)
    except sqlite3.Error as error:
        raise OSError(errno.EIO, f"the style could not be added to {path.name} ({error})") from error
    _fix_counters(path)


def fix_dates(path: Path) -> None:
    """Leave no trace in a GeoPackage of when its layers were written.

    Args:
        path: A GeoPackage as GDAL left it.

    Raises:
        OSError: If it can't be written, as on a full disk.
    """
    try:
        with closing(sqlite3.connect(path)) as database, database:
            _fix_dates(database)
    except sqlite3.Error as error:
        raise OSError(errno.EIO, f"{path.name} could not be finished ({error})") from error
    _fix_counters(path)


def _fix_dates(database: sqlite3.Connection) -> None:
    database.execute("UPDATE gpkg_contents SET last_change = ?", (_DATE,))


def _fix_counters(path: Path) -> None:
    """Count one change, however many GDAL has made: it notes the date after each layer, if that is another by then."""
    with path.open("r+b") as file:
        for place in _COUNTERS:
            file.seek(place)
            file.write((1).to_bytes(4, "big"))


def _add_style(database: sqlite3.Connection, layer: str) -> None:
    styles = files("mining_the_mines.mapping")
    qml, sld = (styles.joinpath(name).read_text(encoding="utf-8") for name in ("mines.qml", "mines.sld"))
    (column,) = database.execute(
        "SELECT column_name FROM gpkg_geometry_columns WHERE table_name = ?", (layer,)
    ).fetchone()
    database.execute(_STYLES)
    database.execute(
        "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, "
        "styleName, styleQML, styleSLD, useAsDefault, description, owner, update_time) "
        "VALUES ('', '', ?, ?, ?, ?, ?, 1, ?, '', ?)",
        (layer, column, layer, qml, sld, "Mines by confidence, with their hectares", _DATE),
    )
    database.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, description) "
        "VALUES ('layer_styles', 'attributes', 'layer_styles', '')"
    )


def _explain_columns(database: sqlite3.Connection, layer: str, meanings: Mapping[str, str]) -> None:
    database.execute(_COLUMNS)
    database.execute(_CONSTRAINTS)
    database.executemany(
        "INSERT INTO gpkg_data_columns (table_name, column_name, description) VALUES (?, ?, ?)",
        [(layer, column, meaning) for column, meaning in meanings.items()],
    )
    # GDAL makes this table when it first needs it, for the spatial index.
    database.executemany(
        "INSERT INTO gpkg_extensions (table_name, extension_name, definition, scope) VALUES (?, ?, ?, ?)",
        [("gpkg_data_columns", *_SCHEMA), ("gpkg_data_column_constraints", *_SCHEMA)],
    )
