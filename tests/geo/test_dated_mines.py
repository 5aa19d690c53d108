"""Known mines are read with their dates."""

from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.dated_mines import read_dated_mines


def write(path: Path, **columns: list[object]) -> Path:
    shapes = [shapely.box(-56 + number / 10, -6, -55.99 + number / 10, -5.99) for number in range(2)]
    gpd.GeoDataFrame(columns, geometry=shapes, crs=4326).to_file(path)
    return path


def test_outlines_by_date(tmp_path: Path) -> None:
    days: dict[str, list[object]] = {
        "opened": ["2020-01-10"] * 2,
        "valid_from": ["2020-01-10", "2020-05-01"],
        "valid_to": ["2020-04-30", None],
    }
    mines = read_dated_mines(write(tmp_path / "mines.gpkg", name=["a", "a"], **days))
    assert mines["name"].tolist() == ["a", "a"]
    assert mines["opened"].tolist() == [pd.Timestamp("2020-01-10")] * 2
    assert mines["valid_to"].isna().tolist() == [False, True]


def test_openings_alone(tmp_path: Path) -> None:
    mines = read_dated_mines(write(tmp_path / "mines.geojson", opened=["2020-01-10", "2021-03-01"]))
    assert mines["name"].tolist() == ["1", "2"]
    assert mines["valid_from"].equals(mines["opened"])
    assert mines["valid_to"].isna().all()


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"name": ["a", "b"]}, "add a column opened with the first day of each mine"),
        ({"opened": ["2020-01-10", None]}, "the mine 2 has no date in the column opened"),
        ({"opened": ["2020-01-10", "in spring"]}, "'in spring' in the column opened is no date"),
    ],
)
def test_mines_without_dates(tmp_path: Path, columns: dict[str, list[object]], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        read_dated_mines(write(tmp_path / "mines.geojson", **columns))
