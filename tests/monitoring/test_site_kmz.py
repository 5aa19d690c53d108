"""The KMZ of sites: valid KML that GDAL reads, with pictures and times."""

import io
import zipfile
from datetime import date
from pathlib import Path

import fastkml
import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely
from lxml import etree
from PIL import Image

from mining_the_mines.mapping.scene_map import SceneMaps
from mining_the_mines.monitoring import site_kmz
from mining_the_mines.monitoring.period_results import PeriodResult
from mining_the_mines.monitoring.site_kmz import write_kmz
from mining_the_mines.monitoring.site_pictures import draw_site_pictures, maps_by_period
from mining_the_mines.monitoring.site_table import SiteStatus, site_table
from support.mapped_periods import map_periods_here, northern_site
from support.sites import YEARS, growing_site, site_row, square

#: The schema of OGC 07-147r2, as fastkml ships it.
SCHEMA = Path(fastkml.__file__).parent / "schema" / "ogckml22.xsd"


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> tuple[PeriodResult[SceneMaps], ...]:
    """Maps of two years."""
    return map_periods_here(tmp_path_factory.mktemp("periods"))


@pytest.fixture(scope="module")
def sites() -> gpd.GeoDataFrame:
    """A site with maps, and one without."""
    odd = growing_site("tapajos-0002")
    holed = shapely.union(odd[0]["geometry"], square(-56.01, -6.0, 90)).difference(square(-56.0, -6.0, 60))
    odd[0] |= {"protected_area": "Reserva <Río> & mata", "geometry": holed}
    return site_table([*northern_site(), *odd])


@pytest.fixture(scope="module")
def kmz(
    sites: gpd.GeoDataFrame, maps: tuple[PeriodResult[SceneMaps], ...], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The written KMZ."""
    path = tmp_path_factory.mktemp("kmz") / "sites.kmz"
    write_kmz(sites, draw_site_pictures(sites, maps_by_period(maps), 10), path)
    return path


def test_valid_by_the_schema_of_ogc(kmz: Path) -> None:
    with zipfile.ZipFile(kmz) as archive:
        assert archive.namelist()[0] == "doc.kml"
        document = etree.fromstring(archive.read("doc.kml"))
    etree.XMLSchema(etree.parse(SCHEMA)).assertValid(document)


def test_gdal_reads_every_row_with_its_time(kmz: Path, sites: gpd.GeoDataFrame) -> None:
    assert "LIBKML" in pyogrio.list_drivers()
    layers = {name: pyogrio.read_dataframe(kmz, layer=name) for name, _ in pyogrio.list_layers(kmz)}
    assert set(layers) == {"north", "tapajos"}
    assert pyogrio.read_info(kmz, layer="north")["driver"] == "LIBKML"
    for region, found in layers.items():
        rows = sites[sites["region"] == region]
        assert found["site_id"].tolist() == rows["site_id"].tolist()
        assert found["begin"].dt.date.tolist() == rows["start"].dt.date.tolist()
        assert found["end"].dt.date.tolist() == rows["end"].dt.date.tolist()
        outlines = [shapely.union_all(shapely.get_parts(shape)) for shape in found.geometry]
        assert shapely.area(outlines) == pytest.approx(shapely.area(rows.geometry.to_numpy()), rel=1e-3)


def test_balloon_tells_the_site(kmz: Path) -> None:
    described = pyogrio.read_dataframe(kmz, layer="tapajos")["description"]
    assert "Reserva &lt;Río&gt; &amp; mata" in described[0]
    assert "began after 2019-06-30 and by 2020-06-30" in described[0]
    assert "9.0 hectares (+5.0)" in described[1]
    assert "hectares" not in described[2]


def test_marks_have_the_colour_of_the_status(kmz: Path) -> None:
    with zipfile.ZipFile(kmz) as archive:
        document = etree.fromstring(archive.read("doc.kml"))
        assert "files/mark.png" in archive.namelist()
    (style,) = document.findall(".//{*}Style[@id='new']/{*}IconStyle")
    assert (style.findtext("{*}color"), style.findtext("{*}Icon/{*}href")) == ("ff005ed5", "files/mark.png")


def test_pictures_before_and_after(kmz: Path) -> None:
    described = pyogrio.read_dataframe(kmz, layer="north")["description"]
    with zipfile.ZipFile(kmz) as archive:
        names = [name for name in archive.namelist() if name.endswith(".jpg")]
        before, after = (np.asarray(Image.open(io.BytesIO(archive.read(name)))) for name in names)
    assert [name.rpartition("-")[2] for name in names] == ["before.jpg", "after.jpg"]
    assert all(f"src='{name}'" in text for name in names for text in described)
    assert "Before (2019)" in described[0]
    assert before.shape == after.shape == (256, 256, 3)
    assert np.abs(before.astype(int) - after).mean() > 5


def test_before_is_the_last_clear_date_without_the_mine(maps: tuple[PeriodResult[SceneMaps], ...]) -> None:
    new = [site_row(YEARS[1], "north-0001", region="north", status=SiteStatus.NEW, onset_after=date(2019, 9, 1),
                    geometry=northern_site()[1]["geometry"])]  # fmt: skip
    shown = list(draw_site_pictures(site_table([*northern_site("north-0009"), *new]), maps_by_period(maps), 1))
    assert [(picture.site_id, picture.moment, picture.period) for picture in shown] == [
        ("north-0001", "before", "2019"), ("north-0001", "after", "2020"),
    ]  # fmt: skip


def test_same_bytes(
    sites: gpd.GeoDataFrame, maps: tuple[PeriodResult[SceneMaps], ...], kmz: Path, tmp_path: Path
) -> None:
    write_kmz(sites, draw_site_pictures(sites, maps_by_period(maps), 10), tmp_path / "again.kmz")
    assert (tmp_path / "again.kmz").read_bytes() == kmz.read_bytes()


def test_large_tables_load_where_one_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site_kmz, "MOST_ROWS", 20)
    monkeypatch.setattr(site_kmz, "_PART_ROWS", 12)
    places = [(-56 + number % 3, -6 + number // 3) for number in range(9)]
    sites = site_table([
        site_row(year, f"tapajos-{number:04}", geometry=square(*place, 300 + 50 * offset))
        for number, place in enumerate(places)
        for offset, year in enumerate(YEARS)
    ])  # fmt: skip
    path = tmp_path / "large.kmz"
    write_kmz(sites, [], path)
    layers = [pyogrio.read_dataframe(path, layer=name) for name, _ in pyogrio.list_layers(path)]
    assert [len(layer) for layer in layers] == [12, 12, 12]
    assert all((layer.groupby("site_id").size() == len(YEARS)).all() for layer in layers)
    with zipfile.ZipFile(path) as archive:
        documents = [etree.fromstring(archive.read(name)) for name in archive.namelist() if name.endswith(".kml")]
    for document in documents:
        etree.XMLSchema(etree.parse(SCHEMA)).assertValid(document)
    for box, layer in zip(documents[0].iterfind(".//{*}NetworkLink/{*}Region/{*}LatLonAltBox"), layers, strict=True):
        edges = [float(box.findtext(f"{{*}}{side}", "")) for side in ("west", "south", "east", "north")]
        assert edges == pytest.approx(layer.total_bounds, abs=1e-6)


def test_no_sites(tmp_path: Path) -> None:
    write_kmz(site_table([]), draw_site_pictures(site_table([]), {}, 5), tmp_path / "none.kmz")
    with zipfile.ZipFile(tmp_path / "none.kmz") as archive:
        document = etree.fromstring(archive.read("doc.kml"))
    etree.XMLSchema(etree.parse(SCHEMA)).assertValid(document)
