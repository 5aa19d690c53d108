"""Concessions and protected areas come from any file, each with a name."""

from pathlib import Path

import geopandas as gpd
import pytest

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.mine_polygons import measure_hectares
from mining_the_mines.geo.named_areas import read_named_areas
from support.scene_maps import field, write_areas

AREAS = (("Aurora", field(0, 0, 100)), ("Borealis", field(200, 0, 100)))


@pytest.mark.parametrize("name", ["areas.gpkg", "areas.geojson", "areas.shp"])
def test_any_file_and_crs(tmp_path: Path, name: str) -> None:
    crs = "EPSG:4326" if name.endswith("geojson") else "EPSG:5880"
    shapes = gpd.GeoSeries([shape for _, shape in AREAS], crs="EPSG:32721").to_crs(crs)
    path = write_areas(tmp_path / name, [(name, shape) for (name, _), shape in zip(AREAS, shapes, strict=True)], crs)
    areas = read_named_areas(path)
    assert areas.names == ("Aurora", "Borealis")
    assert measure_hectares(areas.geometry) == pytest.approx([1, 1], rel=0.001)
    assert areas.source == str(path)


@pytest.mark.parametrize("column", ["name", "NAME", "Nome", "nombre", "ID"])
def test_usual_columns(tmp_path: Path, column: str) -> None:
    path = write_areas(tmp_path / "areas.gpkg", AREAS, column=column)
    assert read_named_areas(path).names == ("Aurora", "Borealis")


def test_chosen_column(tmp_path: Path) -> None:
    path = write_areas(tmp_path / "areas.gpkg", AREAS)
    assert read_named_areas(path, "number").names == ("0", "1")
    with pytest.raises(BadInputError, match=r"areas\.gpkg has no column 'holder' .*: it has number, name\."):
        read_named_areas(path, "holder")


def test_unnamed_areas(tmp_path: Path) -> None:
    shapes = [(None, AREAS[0][1]), (7.0, AREAS[1][1]), (None, field(400, 0, 100))]
    path = write_areas(tmp_path / "areas.gpkg", shapes, column="id")
    assert read_named_areas(path).names == ("unnamed 1", "7", "unnamed 2")
    assert read_named_areas(write_areas(tmp_path / "other.gpkg", AREAS, column="holder")).names == (
        "unnamed 1",
        "unnamed 2",
    )


def test_one_of_several_layers(tmp_path: Path) -> None:
    path = write_areas(tmp_path / "areas.gpkg", AREAS[:1], layer="north")
    write_areas(path, AREAS[1:], column="NOME", layer="south")
    assert read_named_areas(Path(f"{path}|layername=south")).names == ("Borealis",)
    assert read_named_areas(Path(f"{path}|layername=south"), "NOME").names == ("Borealis",)
    with pytest.raises(BadInputError, match=r"several layers of polygons \(north, south\): name the one that is meant"):
        read_named_areas(path)
