"""A real STAC API, with faults between it and the client."""

import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mining_the_mines.core.errors import SceneError
from mining_the_mines.scenes.download import check_assets, download_assets
from mining_the_mines.scenes.scene_list import SceneSelection
from mining_the_mines.scenes.search import open_source
from mining_the_mines.scenes.selection import select_scenes
from mining_the_mines.scenes.settings import AcquisitionSettings
from support import stac_server
from support.http_servers import FaultyServer, Kind, files, passed_on
from support.stac_catalogs import BANDS, Scene, collection_json, region, series, settings, write_raster
from support.stac_server import StacServer

if stac_server.programs() is None:
    if os.environ.get("CI") == "true":
        raise RuntimeError(
            "Continuous integration needs PostgreSQL with PostGIS: apt-get install postgresql-15-postgis-3"
        )
    pytest.skip("PostgreSQL with PostGIS is not installed", allow_module_level=True)

#: More than fit on one page of results.
MANY = 120
FEW = "few-scenes"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyServer]:
    """A server of files, as scenes name them."""
    folder = tmp_path_factory.mktemp("store")
    with FaultyServer(files(folder)).running() as running:
        for number, scene in enumerate(few()):
            for key in scene.keys.values():
                write_raster(folder / scene.id / f"{key}.tif", number)
        yield running


@pytest.fixture(scope="module")
def archive(store: FaultyServer) -> Iterator[StacServer]:
    """The API: a collection of many scenes, and one of few."""
    with stac_server.running() as running:
        items = [located(scene, store.address) for scene in [*series(MANY, step=1), *few()]]
        running.load([collection_json([]), collection_json([], FEW)], items)
        yield running


@pytest.fixture
def api(archive: StacServer, store: FaultyServer) -> Iterator[FaultyServer]:
    """The API as seen through a line that can be disturbed."""
    store.faults.clear()
    with FaultyServer(passed_on(archive.host, archive.port)).running() as running:
        yield running


def few() -> list[Scene]:
    days = [Scene(day=day, collection=FEW) for day in (0, 5, 10)]
    return [*days, Scene(day=5, baseline="05.10", collection=FEW), Scene(day=15, cloud_cover=80.0, collection=FEW)]


def located(scene: Scene, address: str) -> dict[str, Any]:
    item = scene.item()
    for key, asset in item["assets"].items():
        asset["href"] = f"{address}/{scene.id}/{key}.tif"
    return item


def chosen(api: FaultyServer, **changes: Any) -> AcquisitionSettings:
    return settings(api.address, **({"collection": FEW, "retries": 2} | changes))


def test_pages(api: FaultyServer) -> None:
    choice = select_scenes(chosen(api, collection="sentinel-2-l2a"), BANDS, "scl")
    assert len(choice.table()) == MANY
    assert api.count("search") >= 2


def test_selection(api: FaultyServer) -> None:
    choice = select_scenes(chosen(api, start=date(2022, 1, 8), end=date(2022, 1, 20), minimum_dates=2), BANDS, "scl")
    assert choice.table()["baseline"].tolist() == ["05.10", "03.01"]
    assert [reason.split(":")[0] for reason in choice.left_out["reason"]] == ["processed again", "too cloudy"]


@pytest.mark.parametrize("kind", [500, "hang"])
def test_passing_faults(api: FaultyServer, kind: Kind) -> None:
    api.fail("search", kind, times=2)
    choice = select_scenes(chosen(api, timeout_seconds=1), BANDS, "scl")
    assert len(choice.table()) == 3


def test_later_page(api: FaultyServer) -> None:
    search = open_source(chosen(api), "sentinel-2-l2a").search(region(), None, None)
    next(search)
    api.fail("search", 503, times=2)
    assert len(list(search)) == MANY - 1


def test_lasting_fault(api: FaultyServer) -> None:
    api.fail("search", 500)
    with pytest.raises(SceneError, match="answers 500"):
        select_scenes(chosen(api, timeout_seconds=2, retries=1), BANDS, "scl")


def test_downloads(api: FaultyServer, store: FaultyServer, tmp_path: Path) -> None:
    choice = select_scenes(chosen(api), BANDS, "scl")
    store.fail("blue", 500, times=2)
    store.fail("green", "cut", times=1)
    fetched = download_assets(choice, tmp_path, chosen(api))
    assert len(fetched.table()) == 3
    assert len(list(tmp_path.rglob("*.tif"))) == 3 * 4


def test_saved_selection(api: FaultyServer) -> None:
    text = select_scenes(chosen(api), BANDS, "scl").to_json()
    api.fail(".", 500)
    checked = check_assets(SceneSelection.from_json(text), chosen(api))
    assert checked.to_json() == text
