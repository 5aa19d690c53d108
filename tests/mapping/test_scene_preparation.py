"""Rasters of the web are fetched before they are mapped."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from mining_the_mines.core.dask_client import DaskSettings
from mining_the_mines.mapping.scene_preparation import PreparedScenes, StacReading, prepare_scenes
from mining_the_mines.scenes.settings import AcquisitionSettings, CompositingSettings
from support.http_servers import FaultyServer
from support.scene_files import BANDS, ground, map_named, write_scene


def raster(folder: Path, name: str = "north.tif") -> Path:
    return write_scene(folder / name, ground(16, 16))


def fetched(folder: Path, address: str) -> PreparedScenes:
    access = AcquisitionSettings(timeout_seconds=5, retries=0, back_off=0)
    return prepare_scenes(address, BANDS, StacReading(CompositingSettings(), access, DaskSettings(), folder))


def test_raster_of_the_web_is_mapped_as_the_file(tmp_path: Path, server: FaultyServer) -> None:
    path, address = raster(tmp_path, "north_20230713.tif"), f"{server.address}/north_20230713.tif"
    maps = map_named(tmp_path / "out", address).maps
    ours = map_named(tmp_path / "plain", str(path)).maps
    assert maps[0].record.scene.source == address
    assert maps[0].record.facts.first_date == date(2023, 7, 13)
    for field in ("mines", "hectares", "mapped_hectares", "probability_hash"):
        assert getattr(maps[0].record, field) == getattr(ours[0].record, field)


def test_raster_of_a_map_server(tmp_path: Path, server: FaultyServer) -> None:
    raster(tmp_path, "wcs.tif").rename(tmp_path / "wcs")
    (scene,) = fetched(tmp_path / "out", f"{server.address}/wcs?service=WCS&coverage=s2").scenes
    assert (scene.name, scene.image.name) == ("wcs", "wcs.tif")


def test_fetched_raster_is_kept_until_it_changes(tmp_path: Path, server: FaultyServer) -> None:
    path, address = raster(tmp_path), f"{server.address}/north.tif"
    server.headers = {"ETag": '"1"', "Last-Modified": "Thu, 13 Jul 2023 14:00:51 GMT"}
    first, again = (fetched(tmp_path / "out", address).scenes[0].image for _ in range(2))
    assert first == again
    assert first.stat().st_mtime == datetime(2023, 7, 13, 14, 0, 51, tzinfo=UTC).timestamp()
    assert server.count("north") == 3
    write_scene(path, ground(16, 16, seed=1))
    server.headers = {"ETag": '"2"'}
    (changed,) = fetched(tmp_path / "out", address).scenes
    assert changed.image.read_bytes() == path.read_bytes()
    assert not first.exists()


@pytest.mark.parametrize(
    ("content", "status", "said"),
    [
        (b"<html>", None, r"north\.tif is no GeoTIFF or JPEG 2000: check the address\.$"),
        (b"<VRTDataset/>", None, r"north\.tif is no GeoTIFF or JPEG 2000"),
        (b"", 403, r"north\.tif answers 403.*it needs a signature"),
    ],
    ids=["web page", "virtual raster", "private"],
)
def test_no_raster_on_the_web(
    tmp_path: Path, server: FaultyServer, content: bytes, status: int | None, said: str
) -> None:
    (tmp_path / "north.tif").write_bytes(content)
    if status is not None:
        server.fail("north", status)
    (unmapped,) = fetched(tmp_path / "out", f"{server.address}/north.tif").unmapped
    assert re.search(said, unmapped.reason)


def test_raster_of_the_web_that_is_cut_off(tmp_path: Path, server: FaultyServer) -> None:
    raster(tmp_path)
    server.fail("north", "cut")
    (unmapped,) = fetched(tmp_path / "out", f"{server.address}/north.tif").unmapped
    assert "broke off" in unmapped.reason
    assert not list((tmp_path / "out").rglob("*.tif"))
