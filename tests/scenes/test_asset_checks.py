"""Files of scenes that answer, and files that don't."""

from pathlib import Path

import numpy as np
import pytest
import rasterio

from mining_the_mines.core.errors import SceneError
from mining_the_mines.scenes.download import check_assets
from mining_the_mines.scenes.scene_list import SceneSelection
from mining_the_mines.scenes.selection import select_scenes
from mining_the_mines.scenes.settings import AcquisitionSettings
from support.http_servers import FaultyServer, Kind
from support.stac_catalogs import BANDS, series, settings, write_catalog

Online = tuple[AcquisitionSettings, SceneSelection]


@pytest.fixture
def online(tmp_path: Path, server: FaultyServer) -> Online:
    """Settings, and the choice of four scenes on a server."""
    write_catalog(tmp_path, series(), checksums=True)
    chosen = settings(f"{server.address}/catalog.json", timeout_seconds=2, retries=1)
    return chosen, select_scenes(chosen, BANDS, "scl")


def test_one_request_per_scene(online: Online, server: FaultyServer) -> None:
    chosen, choice = online
    server.asked.clear()
    check_assets(choice, chosen)
    assert [asked.headers.get("Range") for asked in server.asked] == ["bytes=0-0"] * len(choice.items["tapajos"])


@pytest.mark.parametrize(
    ("kind", "told"), [(404, "answers 404"), (500, "answers 500"), ("hang", "not answered within"), ("drop", "reached")]
)
def test_unanswered_file(online: Online, server: FaultyServer, kind: Kind, told: str) -> None:
    chosen, choice = online
    first = choice.items["tapajos"][0]["id"]
    server.fail(f"{first}/blue", kind)
    checked = check_assets(choice, chosen)
    assert [item["id"] for item in checked.items["tapajos"]] == [item["id"] for item in choice.items["tapajos"][1:]]
    (row,) = checked.left_out.to_dict("records")
    assert (row["item"], row["datetime"]) == (first, "2022-01-03T14:00:00Z")
    assert row["reason"].startswith("a file: blue can't be read: ")
    assert told in row["reason"]


def test_passing_fault(online: Online, server: FaultyServer) -> None:
    chosen, choice = online
    for item in choice.items["tapajos"]:
        server.fail(f"{item['id']}/blue", 503, times=1)
    assert len(check_assets(choice, chosen).left_out) == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cut off"),
        (b"<html>we are sorry</html>", "no GeoTIFF or JPEG 2000 that can be read"),
        (b'<VRTDataset rasterXSize="2" rasterYSize="2"><VRTRasterBand dataType="Byte" band="1"/></VRTDataset>', "VRT"),
    ],
    ids=["cut off", "web page", "virtual raster"],
)
def test_no_image(tmp_path: Path, content: bytes | None, message: str) -> None:
    local = settings(write_catalog(tmp_path, series()))
    choice = select_scenes(local, BANDS, "scl")
    path = tmp_path / "sentinel-2-l2a" / choice.items["tapajos"][0]["id"] / "green.tif"
    path.write_bytes(path.read_bytes()[:-1_000] if content is None else content)
    assert message in check_assets(choice, local).left_out["reason"][0]


def test_declared_size(tmp_path: Path, online: Online) -> None:
    chosen, choice = online
    path = tmp_path / "sentinel-2-l2a" / choice.items["tapajos"][0]["id"] / "blue.tif"
    path.write_bytes(path.read_bytes()[:-1_000])
    assert "cut off" in check_assets(choice, chosen).left_out["reason"][0]


def test_several_bands(tmp_path: Path) -> None:
    local = settings(write_catalog(tmp_path, series()))
    choice = select_scenes(local, BANDS, "scl")
    path = tmp_path / "sentinel-2-l2a" / series()[0].id / "green.tif"
    with rasterio.open(path) as file:
        profile = file.profile | {"count": 3}
    with rasterio.open(path, "w", **profile) as file:
        file.write(np.ones(file.shape, file.dtypes[0]), 1)
    checked = check_assets(choice, local)
    assert len(checked.items["tapajos"]) == 3
    assert "not one band, but 3" in checked.left_out["reason"][0]


def test_too_few_dates(online: Online, server: FaultyServer) -> None:
    chosen, choice = online
    server.fail("blue", 404)
    with pytest.raises(SceneError, match="scenes of 0 days, besides 4 a file"):
        check_assets(choice, chosen)


def test_files_on_disk(tmp_path: Path) -> None:
    local = settings(write_catalog(tmp_path, series()))
    choice = select_scenes(local, BANDS, "scl")
    (tmp_path / "sentinel-2-l2a" / series()[0].id / "red.tif").unlink()
    assert check_assets(choice, local).left_out["reason"].tolist() == [
        "a file: red can't be read: missing: there is no such file"
    ]
