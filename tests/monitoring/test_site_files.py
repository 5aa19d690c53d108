"""Files of sites: they open in a GIS with a style and a time, and are the same each time."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree as ET

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
import shapely

from mining_the_mines.monitoring.site_files import MEANINGS, write_sites
from mining_the_mines.monitoring.site_table import SITE_COLUMNS, SiteStatus, site_table
from support.sites import YEARS, site_row, tiny_sites


@pytest.fixture(scope="module")
def sites() -> gpd.GeoDataFrame:
    """Tiny sites, one of them judged by permits."""
    judged = site_row(YEARS[0], "tapajos-0003", review=True, protected_area="Floresta", protected_ha=4.0)
    return site_table([*tiny_sites().to_dict("records"), judged])


@pytest.fixture(scope="module")
def files(sites: gpd.GeoDataFrame, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """Written files."""
    return write_sites(sites, tmp_path_factory.mktemp("files"))


def test_files_hold_the_table(sites: gpd.GeoDataFrame, files: tuple[Path, ...]) -> None:
    geopackage, parquet = pyogrio.read_dataframe(files[0], layer="sites", use_arrow=True), gpd.read_parquet(files[1])
    for back in (geopackage, parquet):
        assert list(back.columns) == list(sites.columns)
        attributes = pd.DataFrame(back.drop(columns="geometry")).astype(dict(SITE_COLUMNS))
        pd.testing.assert_frame_equal(attributes, pd.DataFrame(sites.drop(columns="geometry")))
        assert back.crs == sites.crs
        assert shapely.equals(back.geometry.to_numpy(), sites.geometry.to_numpy()).all()


def test_columns_are_described(files: tuple[Path, ...]) -> None:
    assert set(MEANINGS) == set(SITE_COLUMNS)
    assert pyogrio.read_info(files[0], layer="sites")["layer_metadata"] == MEANINGS


def test_flags_stay_flags(files: tuple[Path, ...]) -> None:
    info = pyogrio.read_info(files[0], layer="sites")
    assert dict(zip(info["fields"], info["ogr_subtypes"], strict=True))["review"] == "OFSTBoolean"


def test_qgis_shows_each_row_in_its_period(files: tuple[Path, ...]) -> None:
    with closing(sqlite3.connect(files[0])) as database:
        ((qml, sld, default),) = database.execute("SELECT styleQML, styleSLD, useAsDefault FROM layer_styles")
    style = ET.fromstring(qml)  # noqa: S314 - our own
    temporal = style.find("temporal")
    assert temporal is not None
    # Mode 2 of QgsVectorLayerTemporalProperties: start and end from fields.
    wanted = {"enabled": "1", "mode": "2", "startField": "start", "endField": "end", "limitMode": "1"}
    assert wanted.items() <= temporal.attrib.items()
    assert default == 1
    assert {category.get("value") for category in style.iter("category")} == set(SiteStatus)
    literals = {literal.text for literal in ET.fromstring(sld).iter("{http://www.opengis.net/ogc}Literal")}  # noqa: S314 - our own
    assert literals == set(SiteStatus)


def test_same_bytes(sites: gpd.GeoDataFrame, files: tuple[Path, ...], tmp_path: Path) -> None:
    time.sleep(1.1)  # dates in a GeoPackage are given to the second
    again = write_sites(sites, tmp_path)
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in files]


def test_no_sites(tmp_path: Path) -> None:
    geopackage, parquet = write_sites(site_table([]), tmp_path)
    assert pyogrio.read_info(geopackage, layer="sites")["features"] == 0
    assert list(gpd.read_parquet(parquet).columns) == [*SITE_COLUMNS, "geometry"]
