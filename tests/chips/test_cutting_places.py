"""Places to cut chips at, from tables and vector files."""

from pathlib import Path

import pytest
import shapely

from mining_the_mines.chips.cutting_places import read_places
from mining_the_mines.core.errors import BadInputError
from support.chip_polygons import LEFT, TOP, square, write_layer


def test_table(tmp_path: Path) -> None:
    table = tmp_path / "places.csv"
    table.write_text("Name;Latitude;Longitude\npit;-5,4;-57,1\n;-5.5;-57.2\n", encoding="utf-8")
    places = read_places(table)
    assert places.names == ("pit", "2")
    assert places.longitude.tolist() == [-57.1, -57.2]
    assert places.latitude.tolist() == [-5.4, -5.5]
    assert len(places) == 2


def test_unusable_places_are_listed(tmp_path: Path) -> None:
    table = tmp_path / "places.csv"
    table.write_text("name,longitude,latitude\na,-57,-5\nb,west,-5\nc,-57,95\nd,-57\n", encoding="utf-8")
    places = read_places(table)
    assert places.names == ("a",)
    assert places.faults == (
        ("b", "no place: line 3 has the longitude 'west', which is no number of degrees"),
        ("c", "no place: line 4 has the latitude '95', which lies beyond -90 to 90 degrees"),
        ("d", "no place: line 5 has the latitude '', which is missing"),
    )


def test_degrees_and_minutes(tmp_path: Path) -> None:
    table = tmp_path / "places.txt"
    table.write_text("name\tlatitude\tlongitude\n007\t5°24'S\t57°06'W\nNA\t-5.5\t302.8\n", encoding="utf-16")
    places = read_places(table)
    assert places.names == ("007", "NA")
    assert places.longitude == pytest.approx([-57.1, -57.2])
    assert places.latitude == pytest.approx([-5.4, -5.5])


def test_points(tmp_path: Path) -> None:
    file = write_layer(tmp_path / "places.gpkg", [shapely.Point(LEFT, TOP)])
    assert read_places(file).longitude == pytest.approx([-57.0], abs=1e-6)


def test_polygons_and_layers(tmp_path: Path) -> None:
    file = tmp_path / "mines.gpkg"
    write_layer(file, [square(LEFT - 50, TOP - 50, 100), None], "EPSG:32721", "mines_32721")
    write_layer(file, [square(10, 50, 2)], "EPSG:4326", "mines_4326")
    places = read_places(Path(f"{file}|layername=mines_32721"))
    assert (places.names, places.longitude.tolist()) == (("1",), pytest.approx([-57.0], abs=1e-6))
    assert places.faults == (("2", "no place: its coordinates are missing or off the Earth"),)
    assert read_places(Path(f"{file}|layername=mines_4326")).longitude == pytest.approx([11.0], abs=1e-6)
    assert len(read_places(file)) == 2


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("none.csv", None, r"There is no table of places .*none\.csv"),
        ("none.gpkg", None, r"none\.gpkg does not exist"),
        ("empty.csv", "", r"empty\.csv is empty: it needs one line per place"),
        ("heads.csv", "longitude,latitude\n", r"heads\.csv holds no place that can be used"),
        ("short.csv", "name,lat\na,1\n", r"has no column longitude and no column latitude; its columns are name, lat"),
        ("off.csv", "longitude,latitude\n500,1\n", r"off\.csv holds no place that can be used"),
        ("text.gpkg", "no vector file", r"text\.gpkg can't be read as a vector file"),
    ],
)
def test_unusable_files(tmp_path: Path, name: str, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(BadInputError, match=message):
        read_places(tmp_path / name)


def test_missing_crs(tmp_path: Path) -> None:
    file = write_layer(tmp_path / "places.gpkg", [shapely.Point(1, 2)], crs=None)
    with pytest.raises(BadInputError, match=r"places\.gpkg has no CRS"):
        read_places(file)
