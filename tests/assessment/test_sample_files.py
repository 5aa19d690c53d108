"""Samples as files for other programs."""

import zipfile
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest

from mining_the_mines.assessment.drawing import draw_sample
from mining_the_mines.assessment.sample_files import write_sample_files
from mining_the_mines.assessment.settings import SamplingSettings
from mining_the_mines.assessment.strata import MapToSample
from support.made_maps import make_map, probabilities


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> gpd.GeoDataFrame:
    scene_map = make_map(tmp_path_factory.mktemp("maps"), probabilities())
    return draw_sample([MapToSample(scene_map)], SamplingSettings(places=20, minimum=5)).places


def test_a_gis_opens_the_outlines_with_all_columns(sample: gpd.GeoDataFrame, tmp_path: Path) -> None:
    geopackage = write_sample_files(sample, tmp_path)[0]
    read = gpd.read_file(geopackage)

    assert list(read["place_id"]) == list(sample["place_id"])
    assert set(read.columns) >= set(sample.columns)


def test_collect_earth_online_gets_its_columns_first_and_no_hint(sample: gpd.GeoDataFrame, tmp_path: Path) -> None:
    plots = pd.read_csv(write_sample_files(sample, tmp_path)[1])

    assert list(plots.columns) == ["LON", "LAT", "PLOTID", "PLACE_ID", "PERIOD"]
    assert plots["PLOTID"].is_unique
    assert list(plots["LAT"]) == pytest.approx(list(sample["latitude"]), abs=1e-6)


def test_acatama_gets_a_numbered_point_layer(sample: gpd.GeoDataFrame, tmp_path: Path) -> None:
    points = pd.read_csv(write_sample_files(sample, tmp_path)[2])

    assert list(points.columns) == ["id", "x", "y", "place_id"]
    assert list(points["id"]) == list(range(1, len(sample) + 1))


def test_a_kmz_names_the_places(sample: gpd.GeoDataFrame, tmp_path: Path) -> None:
    with zipfile.ZipFile(write_sample_files(sample, tmp_path)[3]) as archive:
        document = archive.read("doc.kml").decode()

    assert document.count("<Placemark") == len(sample)
    assert all(name in document for name in sample["place_id"])


def test_the_same_sample_gives_the_same_bytes(sample: gpd.GeoDataFrame, tmp_path: Path) -> None:
    written = []
    for name in ("once", "again"):
        (tmp_path / name).mkdir()
        written.append([path.read_bytes() for path in write_sample_files(sample, tmp_path / name)])

    assert written[0] == written[1]
