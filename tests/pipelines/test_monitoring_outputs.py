"""Nodes that hand sites on: alerts in the log, tables, files and the catalog of maps."""

import json
import logging
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio
import pystac
import pytest
import shapely
import stac_pydantic
from pystac.validation import validate_dict

from mining_the_mines.datasets.files import EarlierGeoParquetTable, GeoParquetTable
from mining_the_mines.datasets.monitoring import SiteFilesDataset, StacCollectionDataset
from mining_the_mines.ledger.states import place_of
from mining_the_mines.mapping.scene_map import SceneMaps
from mining_the_mines.monitoring.period_results import PeriodResult
from mining_the_mines.monitoring.site_files import SiteFiles, SiteFileSettings
from mining_the_mines.monitoring.site_table import SiteStatus, site_table
from mining_the_mines.pipelines.mapping.nodes import Permits
from mining_the_mines.pipelines.monitoring.output_nodes import (
    describe_monitored_maps,
    sum_up_site_units,
    tell_alerts,
    write_site_files,
)
from support.mapped_periods import map_periods_here, northern_site
from support.scene_maps import areas_of
from support.sites import YEARS, site_row, square, tiny_sites

Series = tuple[PeriodResult[SceneMaps], ...]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def maps(data: Path) -> Series:
    """Maps of two years, and a year that nobody saw."""
    return *map_periods_here(data), PeriodResult(YEARS[2], None, "no scenes")


def write(maps: Series, folder: Path) -> SiteFiles:
    """All files of the northern site."""
    sites = site_table(northern_site())
    folder.mkdir(parents=True)
    alerts, units = tell_alerts(sites, None), sum_up_site_units(sites, Permits(), None)
    return write_site_files(sites, alerts, units, maps, SiteFileSettings(), folder)


def test_log_tells_alerts_in_lines(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    tell_alerts(tiny_sites().iloc[:5], tiny_sites().iloc[:4])
    line, summary = caplog.messages
    assert line.startswith("new site tapajos-0002: 4.0 hectares at -6.00000, -55.98000, period 2020")
    assert summary == "1 alert since the last run: 1 new"


def test_log_counts_what_it_does_not_name(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    old = site_row(YEARS[0], status=SiteStatus.BASELINE)
    new = [site_row(YEARS[1], f"tapajos-{number:04}", status=SiteStatus.NEW) for number in range(2, 14)]
    tell_alerts(site_table([old, *new]), site_table([old]))
    assert len(caplog.messages) == 11
    assert caplog.messages[-1] == "12 alerts since the last run: 12 new; 2 more are in alerts.csv"


def test_log_says_that_nothing_is_new(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    tell_alerts(tiny_sites(), tiny_sites())
    assert caplog.messages == ["No site is new, newly confirmed or grown since the last run"]


def test_files_in_their_place(maps: Series, data: Path) -> None:
    dataset = SiteFilesDataset(filepath=str(data / "08_reporting" / "site_files"))
    for name in ("first", "second"):
        dataset.save(write(maps, data / "drafts" / name))
    folder = dataset.load().folder
    assert sorted(path.name for path in folder.iterdir()) == [
        "alerts.atom", "alerts.csv", "alerts.geojson", "sites.gpkg", "sites.kmz", "sites.parquet", "sites.pmtiles",
        "units.csv",
    ]  # fmt: skip
    listed = pd.read_csv(folder / "alerts.csv", dtype={"period": str})
    shown = pyogrio.read_dataframe(folder / "alerts.geojson")
    assert listed["site_id"].tolist() == shown["site_id"].tolist() == ["north-0001"]
    outline = shapely.multipolygons([northern_site()[1]["geometry"]])
    assert shown.geometry.iloc[0].equals_exact(outline, 1e-6, normalize=True)
    wanted = {"longitude", "latitude", "hectares", "onset_after", "onset_by", "status", "unit", "review", "confidence",
              "confirmation", "site_id", "period"}  # fmt: skip
    assert wanted <= set(listed.columns)


def test_same_bytes(maps: Series, tmp_path: Path) -> None:
    first, second = (write(maps, tmp_path / name).folder for name in ("first", "second"))
    for path in first.iterdir():
        assert path.read_bytes() == (second / path.name).read_bytes(), path.name


def test_files_without_sites(maps: Series, tmp_path: Path) -> None:
    sites = site_table([])
    alerts, units = tell_alerts(sites, None), sum_up_site_units(sites, Permits(), None)
    folder = write_site_files(sites, alerts, units, maps, SiteFileSettings(), tmp_path).folder
    assert pd.read_csv(folder / "alerts.csv").empty
    assert json.loads((folder / "alerts.geojson").read_text())["features"] == []


def versions(folder: Path, *tables: gpd.GeoDataFrame) -> gpd.GeoDataFrame | None:
    """The earlier table after these were saved, one a run."""
    path = folder / "sites.parquet"
    for number, table in enumerate(tables):
        GeoParquetTable(filepath=str(path / f"2026-01-0{number + 1}T00.00.00.000Z" / path.name)).save(table)
    return EarlierGeoParquetTable(filepath=str(path)).load()


def test_earlier_table_is_the_last_one_that_differs(tmp_path: Path) -> None:
    """A run that is made again, as after an error, tells the same alerts."""
    first, second = tiny_sites().iloc[:4], tiny_sites()
    assert versions(tmp_path / "none") is None
    assert versions(tmp_path / "once", first) is None
    for name, tables in {"twice": (first, second), "again": (first, second, second)}.items():
        earlier = versions(tmp_path / name, *tables)
        assert earlier is not None
        assert len(earlier) == len(first)
    read = place_of(EarlierGeoParquetTable(filepath=str(tmp_path / "again/sites.parquet")))
    assert read == tmp_path / "again/sites.parquet/2026-01-01T00.00.00.000Z/sites.parquet"  # as records name it


def test_catalog_of_maps(maps: Series, data: Path) -> None:
    dataset = StacCollectionDataset(filepath=str(data / "08_reporting" / "map_catalog"))
    dataset.save(describe_monitored_maps(maps))
    collection = dataset.load()
    items = {item.id: item for item in collection.get_items()}
    assert set(items) == {"2019-north", "2020-north"}
    # The core schemas lie in pystac; those of extensions are on the web.
    assert len(validate_dict(collection.to_dict(), extensions=[])) == 1
    stac_pydantic.Collection.model_validate(collection.to_dict())
    for item in items.values():
        assert len(validate_dict(item.to_dict(), extensions=[])) == 1
        stac_pydantic.Item.model_validate(item.to_dict())
        assert {"probability", "mines", "composite"} <= set(item.assets)
        assert all(Path(str(asset.get_absolute_href())).is_file() for asset in item.assets.values())
        parent = item.get_collection()
        assert parent is not None
        assert parent.id == collection.id
    assert items["2020-north"].properties["mines:period"] == "2020"
    (box,) = collection.extent.spatial.bboxes
    assert box == pytest.approx(items["2019-north"].bbox)
    assert collection.summaries.lists["mines:period"] == ["2019", "2020", "2021"]


def test_catalog_of_maps_can_be_moved_with_the_data(maps: Series, data: Path) -> None:
    StacCollectionDataset(filepath=str(data / "08_reporting" / "map_catalog")).save(describe_monitored_maps(maps))
    files = {path: path.read_text(encoding="utf-8") for path in (data / "08_reporting" / "map_catalog").rglob("*.json")}
    assert len(files) == 3
    assert all(str(data) not in text for text in files.values())
    item = pystac.Item.from_dict(json.loads(files[data / "08_reporting/map_catalog/2019-north/2019-north.json"]))
    assert item.assets["probability"].href == "../../../maps/2019/north/probability.tif"


def test_units_of_a_person(tmp_path: Path) -> None:
    units = areas_of(tmp_path, crs="EPSG:4326", Itaituba=square(-56.0, -6.0, 5000))
    table = sum_up_site_units(tiny_sites(), Permits(), units)
    assert set(table["unit"]) == {"tapajos", "Itaituba"}
