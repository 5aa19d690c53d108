"""Vector files of many formats, of which one layer is meant."""

import zipfile
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.named_areas import read_named_areas
from mining_the_mines.geo.vector_files import read_layers, split_layer
from support.chip_polygons import LEFT, TOP, square, write_layer

AREAS = gpd.GeoDataFrame(
    {"name": ["Mineração São João", "NA", "007"]},
    geometry=[square(LEFT, TOP - 100 * number, 50) for number in range(3)],
    crs="EPSG:32721",
)


def test_only_layer_of_polygons(tmp_path: Path) -> None:
    path = write_layer(tmp_path / "project.gpkg", [square(LEFT, TOP, 50)], layer="mines")
    write_layer(path, [shapely.Point(LEFT, TOP)], layer="places")
    write_layer(path, [shapely.LineString([(0, 0), (1, 1)])], layer="roads")
    gpd.GeoDataFrame(geometry=[], crs="EPSG:4326").to_file(path, layer="sketch", geometry_type="Polygon")
    (layer,) = read_layers(path)
    assert layer.name == "mines"
    with pytest.raises(BadInputError, match=r"several layers of shapes \(mines, places, roads\)"):
        read_layers(path, "shapes")


def test_named_layers(tmp_path: Path) -> None:
    assert split_layer(Path("a.gpkg|layername=my mines")) == (Path("a.gpkg"), "my mines")
    assert split_layer(Path("a.gpkg")) == (Path("a.gpkg"), None)
    odd = tmp_path / "a|b.gpkg"
    odd.touch()
    assert split_layer(odd) == (odd, None)
    with pytest.raises(BadInputError, match=r"asks for layerid=0: only FILE\|layername=NAME can be asked for"):
        split_layer(Path("a.gpkg|layerid=0"))


@pytest.mark.parametrize("name", ["a.parquet", "a.geoparquet", "a.gpkg", "a.fgb", "a.geojson", "a.shp", "a.zip"])
def test_formats(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if "parquet" in name:
        AREAS.to_parquet(path)
    elif name.endswith("zip"):
        AREAS.to_file(tmp_path / "areas.shp", encoding="cp1252")
        with zipfile.ZipFile(path, "w") as archive:
            for file in tmp_path.glob("areas.*"):
                archive.write(file, file.name)
    else:
        AREAS.to_crs(4326).to_file(path)
    areas = read_named_areas(path)
    assert areas.names == ("Mineração São João", "NA", "007")
    expected = AREAS.to_crs(4326).geometry
    assert all(shape.hausdorff_distance(other) < 1e-6 for shape, other in zip(areas.geometry, expected, strict=True))


def test_tables_of_shapes(tmp_path: Path) -> None:
    """As Earth Engine writes them, whose shapes are in degrees, and with WKT, which says nothing of its coordinates."""
    shape = AREAS.to_crs(4326).geometry[0]
    earth_engine, wkt = tmp_path / "gee.csv", tmp_path / "areas.csv"
    columns = {"system:index": ["0"], "name": ["Garimpo do Zé"]}
    pd.DataFrame({**columns, ".geo": [shapely.to_geojson(shape)]}).to_csv(earth_engine, index=False)
    areas = read_named_areas(earth_engine)
    assert areas.names == ("Garimpo do Zé",)
    assert areas.geometry[0].hausdorff_distance(shape) < 1e-9
    pd.DataFrame({**columns, "geometry": [shape.wkt]}).to_csv(wkt, index=False)
    with pytest.raises(BadInputError, match="has no CRS"):
        read_named_areas(wkt)
    pd.DataFrame(columns).to_csv(wkt, index=False)
    with pytest.raises(BadInputError, match=r"holds no layer with geometry: .*GeoPackage"):
        read_named_areas(wkt)


def test_folders_of_a_kml(tmp_path: Path) -> None:
    ring = "0,0 0,1 1,1 0,0"
    folders = "".join(
        f"<Folder><name>{name}</name><Placemark><name>pit {name}</name><Polygon><outerBoundaryIs><LinearRing>"
        f"<coordinates>{ring}</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark></Folder>"
        for name in ("north", "south")
    )
    path = tmp_path / "areas.kml"
    path.write_text(
        f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{folders}</Document></kml>', encoding="utf-8"
    )
    assert read_named_areas(path).names == ("pit north", "pit south")


def test_tables_that_are_no_geoparquet(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "plain.parquet")
    (tmp_path / "cut.parquet").write_bytes(b"PAR1 cut off")
    for name in ("plain", "cut"):
        with pytest.raises(BadInputError, match=rf"{name}\.parquet can't be read as a vector file"):
            read_layers(tmp_path / f"{name}.parquet")
