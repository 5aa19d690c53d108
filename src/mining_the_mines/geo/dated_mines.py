"""Known mines with their dates: when each opened, and which outline it had from when to when."""

from pathlib import Path
from typing import Final

import geopandas as gpd
import pandas as pd

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.mine_polygons import LON_LAT, read_polygons
from mining_the_mines.geo.vector_files import text_of

#: Columns of dates; the first one is needed.
_DATES: Final = ("opened", "valid_from", "valid_to")


def read_dated_mines(path: Path) -> gpd.GeoDataFrame:
    """Read mines with their dates; invalid polygons are repaired or left out, as other mine polygons are.

    Args:
        path: A vector file in any coordinate reference system, or ``FILE|layername=NAME``. ``opened`` is the first day
            of a mine. ``name`` is the same for all outlines of a mine; without it, each polygon is a mine of its own.
            ``valid_from`` and ``valid_to`` are the first and last day of an outline; without them it holds from the
            opening on.

    Returns:
        ``name``, ``opened``, ``valid_from`` and ``valid_to`` (missing while the outline holds) of each polygon, in
        degrees of WGS 84.

    Raises:
        BadInputError: As :func:`mining_the_mines.geo.mine_polygons.read_polygons` does, or if no date says when a mine
            opened.
    """
    polygons = read_polygons(path)
    attributes = polygons.attributes.reset_index(drop=True)
    if "opened" not in attributes:
        raise BadInputError(
            f"{path} does not say when its mines opened, so new ones can't be told from old ones: add a column opened "
            "with the first day of each mine, such as 2023-05-17."
        )
    numbers = pd.Series([str(number) for number in range(1, len(attributes) + 1)])
    names = pd.Series(text_of(attributes["name"])) if "name" in attributes else numbers
    dates = {name: _dates(attributes, name, path) for name in _DATES}
    undated = dates["opened"].isna()
    if undated.any():
        raise BadInputError(
            f"{path}: the mine {names[undated].iloc[0]} has no date in the column opened: give its first day, or leave "
            "it out."
        )
    columns = {**dates, "name": names, "valid_from": dates["valid_from"].fillna(dates["opened"])}
    return gpd.GeoDataFrame(columns, geometry=polygons.geometry, crs=LON_LAT)


def _dates(attributes: pd.DataFrame, name: str, path: Path) -> "pd.Series[pd.Timestamp]":
    if name not in attributes:
        return pd.Series(pd.NaT, index=attributes.index, dtype="datetime64[ms]")
    column = attributes[name]
    dates = pd.to_datetime(column, errors="coerce", utc=True).dt.tz_localize(None).dt.normalize()
    unread = dates.isna() & column.notna() & (column.astype(str) != "")
    if unread.any():
        raise BadInputError(f"{path}: {column[unread].iloc[0]!r} in the column {name} is no date: write 2023-05-17.")
    return dates.astype("datetime64[ms]")
