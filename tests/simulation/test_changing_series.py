"""An archive of a region that changes has scenes of each season and true outlines by date."""

from datetime import date
from pathlib import Path

import geopandas as gpd
import pyogrio
import pystac
import pytest
from pydantic import ValidationError

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.simulation import ChangingSeriesSettings, simulate_changing_archive
from mining_the_mines.simulation.settings import Season
from support.simulated_regions import CHANGING, files_of


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("changing") / "archive"
    simulate_changing_archive(folder, CHANGING)
    return folder


@pytest.fixture(scope="module")
def mines(archive: Path) -> gpd.GeoDataFrame:
    return pyogrio.read_dataframe(archive / "mines.gpkg")


def test_scenes_of_each_season(archive: Path) -> None:
    items = pystac.Catalog.from_file(str(archive / "catalog.json")).get_items(recursive=True)
    assert sorted(item.datetime.year for item in items if item.datetime is not None) == [2020, 2021]


def test_outlines_by_date(mines: gpd.GeoDataFrame) -> None:
    columns = ["name", "kind", "region", "opened", "closed", "valid_from", "valid_to", "area_m2", "geometry"]
    assert list(mines.columns) == columns
    assert mines.geometry.is_valid.all()
    assert mines.crs.to_epsg() == 4326
    for _, states in mines.groupby("name"):
        ordered = states.sort_values("valid_from")
        assert (ordered["valid_from"].iloc[1:].to_numpy() > ordered["valid_to"].iloc[:-1].to_numpy()).all()


def test_old_and_new_mines(mines: gpd.GeoDataFrame) -> None:
    opened = mines.groupby("name")["opened"].first()
    assert sorted(opened < "2020-07-01") == [False, True]


def test_surroundings(archive: Path) -> None:
    for name in ("regions.geojson", "concessions.geojson", "protected_areas.geojson", "changes.gpkg"):
        assert len(pyogrio.read_dataframe(archive / name)) > 0


def test_same_settings(archive: Path, tmp_path: Path) -> None:
    simulate_changing_archive(tmp_path / "again", CHANGING)
    assert files_of(tmp_path / "again") == files_of(archive)


def test_archive_is_made_once(archive: Path) -> None:
    made = (archive / "catalog.json").stat().st_mtime_ns
    record = simulate_changing_archive(archive, CHANGING)
    assert record["settings"]["pixels"] == CHANGING.pixels
    assert (archive / "catalog.json").stat().st_mtime_ns == made


def test_other_data(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("mine")
    with pytest.raises(BadInputError, match="not simulated, and they are not replaced"):
        simulate_changing_archive(tmp_path, CHANGING)


def test_seasons_in_order() -> None:
    seasons = (
        Season(start=date(2021, 1, 1), end=date(2021, 3, 1)),
        Season(start=date(2021, 2, 1), end=date(2021, 5, 1)),
    )
    with pytest.raises(ValidationError, match="list seasons in order of time"):
        ChangingSeriesSettings(seasons=seasons)


def test_too_many_fields() -> None:
    with pytest.raises(ValidationError, match="don't fit into a region of 120 pixels, which has 4 fields"):
        ChangingSeriesSettings(pixels=120)


def test_too_many_dates() -> None:
    with pytest.raises(ValidationError, match="ask for fewer dates or a longer season"):
        ChangingSeriesSettings(dates=100)
