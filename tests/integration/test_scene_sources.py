"""Composites and chips from an archive that somebody else serves."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import rasterio
from kedro.io import DatasetError

from mining_the_mines.simulation import SeriesSettings, write_simulated_series
from support.http_servers import FaultyServer, files
from support.projects import copy_project, run

pytestmark = pytest.mark.end_to_end

SERIES = SeriesSettings(provinces=("tapajos",), pixels=120, mines=2, dates=5, cloudiness=0.1)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive") / "archive"
    write_simulated_series(folder, SERIES)
    return folder


@pytest.fixture
def served(archive: Path) -> Iterator[FaultyServer]:
    with FaultyServer(files(archive)).running() as server:
        yield server


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return copy_project(tmp_path / "project")


def wanted(archive: Path, source: str, **acquisition: object) -> dict[str, Any]:
    return {
        "acquisition": {
            "source": source,
            "regions": str(archive / "regions.geojson"),
            "retries": 1,
            "back_off": 0,
            "timeout_seconds": 5,
            **acquisition,
        },
        "polygons": str(archive / "mines.gpkg"),
        "cutting": {"size": 32},
    }


def chips(project: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in project.glob("data/*/02_intermediate/chips/**/*.tif")}


def pixels(project: Path) -> bytes:
    with rasterio.open(project / "data/simulated/02_intermediate/composites/tapajos.tif") as image:
        return bytes(image.read().tobytes())


def test_a_catalog_on_the_web_gives_the_same_composite_as_on_disk(
    archive: Path, served: FaultyServer, project: Path, tmp_path: Path
) -> None:
    run(project, ["acquisition", "compositing"], parameters=wanted(archive, f"{served.address}/catalog.json"))
    at_home = copy_project(tmp_path / "at home")
    run(at_home, ["acquisition", "compositing"], parameters=wanted(archive, str(archive / "catalog.json")))
    assert pixels(project) == pixels(at_home)
    assert chips(project).keys() == chips(at_home).keys() != set()


def test_assets_that_are_kept_make_a_rerun_independent_of_the_server(
    archive: Path, served: FaultyServer, project: Path
) -> None:
    parameters = wanted(archive, f"{served.address}/catalog.json", keep_assets=True)
    run(project, ["acquisition"], parameters={"acquisition": parameters["acquisition"]})
    served.fail("/", 404)
    for name in ("regions", "keep_assets"):  # which acquisition alone reads
        del parameters["acquisition"][name]
    run(project, ["compositing"], parameters=parameters)
    assert chips(project)


def test_without_polygons_an_archive_gives_chips_without_labels(archive: Path, project: Path) -> None:
    parameters = wanted(archive, str(archive / "catalog.json"))
    del parameters["polygons"]
    run(project, ["acquisition", "compositing"], env="archive", parameters=parameters)
    cut = (project / "data/archive/02_intermediate/chips").rglob("*.tif")
    assert {path.parent.name for path in cut} == {"unlabelled"}


def test_polygons_that_do_not_exist_are_missed_before_any_scene_is_asked_for(archive: Path, project: Path) -> None:
    parameters = {**wanted(archive, str(archive / "catalog.json")), "polygons": str(archive / "none.gpkg")}
    with pytest.raises(DatasetError, match=r"none\.gpkg does not exist"):
        run(project, ["acquisition", "compositing"], env="archive", parameters=parameters)
    assert not (project / "data/archive/01_raw/selected_scenes.json").exists()
