"""Patience with servers."""

import time
from pathlib import Path
from typing import Any

import pytest
import rasterio
import requests
from rasterio.errors import RasterioIOError

from mining_the_mines.scenes.http import PatientSession, UnansweredError, gdal_options
from mining_the_mines.scenes.settings import AccessSettings
from support.http_servers import Fault, FaultyServer, Kind, Reply
from support.stac_catalogs import write_raster


@pytest.fixture
def server(tmp_path: Path, server: FaultyServer) -> FaultyServer:
    (tmp_path / "page.json").write_text('{"long": "' + "x" * 5_000 + '"}')
    return server


def session(**settings: Any) -> PatientSession:
    return PatientSession(AccessSettings(**({"timeout_seconds": 2, "retries": 2, "back_off": 0.01} | settings)))


def ask(server: FaultyServer, **settings: Any) -> str:
    return session(**settings).text(requests.Request("GET", f"{server.address}/page.json"))


@pytest.mark.parametrize("kind", [429, 500, 503, "cut", "drop", "hang"])
def test_passing_faults(server: FaultyServer, kind: Kind) -> None:
    server.fail("page", kind, times=2)
    assert ask(server).startswith('{"long"')
    assert server.count("page") == 3


@pytest.mark.parametrize(
    ("kind", "told", "requests_sent"),
    [
        (404, "answers 404", 1),
        (401, ".netrc", 1),
        (500, "answers 500", 3),
        ("hang", "not answered within 2 s", 3),
        ("cut", "broke off", 3),
        ("drop", "can't be reached", 3),
    ],
)
def test_lasting_faults(server: FaultyServer, kind: Kind, told: str, requests_sent: int) -> None:
    server.fail("page", kind)
    with pytest.raises(UnansweredError, match=told) as raised:
        ask(server)
    assert server.count("page") == requests_sent
    assert str(raised.value).count(". ") == 0


def test_dripping_server(server: FaultyServer) -> None:
    server.fail("page", "drip")
    with pytest.raises(UnansweredError, match="not answered within"):
        ask(server, retries=0)


def test_retry_after(server: FaultyServer) -> None:
    server.faults.append(Fault("page", 503, times=1, headers={"Retry-After": "1"}))
    begun = time.monotonic()
    ask(server)
    assert time.monotonic() - begun >= 1


def test_secrets(server: FaultyServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", logger="mining_the_mines")
    server.fail("page", 503)
    address = server.address.replace("//", "//me:secret@") + "/page.json?sig=secret"
    with pytest.raises(UnansweredError) as raised:
        session().text(requests.Request("GET", address))
    assert "secret" not in str(raised.value) + caplog.text


@pytest.mark.parametrize("address", ["ftp://host/x", "nowhere", "http://"])
def test_no_address(address: str) -> None:
    with pytest.raises(UnansweredError, match="no address"):
        session().text(requests.Request("GET", address))


def test_no_text(server: FaultyServer) -> None:
    server.origin = lambda _: Reply(200, {}, b"\xff\xfe")
    with pytest.raises(UnansweredError, match="no text"):
        ask(server)


def test_length(server: FaultyServer, tmp_path: Path) -> None:
    assert session().look(f"{server.address}/page.json").length == (tmp_path / "page.json").stat().st_size
    assert server.asked[0].headers["Range"] == "bytes=0-0"


def test_broken_download(server: FaultyServer, tmp_path: Path) -> None:
    server.fail("page", "cut", times=1)
    parts: list[bytes] = []
    announced = session().download(f"{server.address}/page.json", parts.append, parts.clear)
    assert b"".join(parts) == (tmp_path / "page.json").read_bytes()
    assert announced == len(b"".join(parts))


def test_gdal_cache(server: FaultyServer, tmp_path: Path) -> None:
    write_raster(tmp_path / "band.tif")
    server.fail("band", "cut", times=2)  # befalls HEAD, which has no body, and the first range
    settings = AccessSettings(timeout_seconds=1, retries=0)

    def read(*, afresh: bool) -> int:
        with rasterio.Env(**gdal_options(settings, afresh=afresh)), rasterio.open(f"{server.address}/band.tif") as band:
            return int(band.read().size)

    for _ in range(2):  # the second time from GDAL's cache
        with pytest.raises(RasterioIOError):
            read(afresh=False)
    assert read(afresh=True) == 64 * 64
