"""Composites from files on a server: few requests, many of them at once."""

from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from mining_the_mines.core.dask_client import DaskSettings
from mining_the_mines.scenes.composite_files import Composite
from mining_the_mines.scenes.composites import make_composites, plan_composites
from mining_the_mines.scenes.selection import select_scenes
from mining_the_mines.scenes.settings import CompositingSettings
from support.http_servers import FaultyServer
from support.stac_catalogs import BANDS, series, settings, write_catalog


def composite(tmp_path: Path, server: FaultyServer, connections: int = 32) -> Composite:
    """The composite of four scenes on the server."""
    write_catalog(tmp_path, series())
    access = settings(f"{server.address}/catalog.json", connections=connections, retries=0)
    choice = select_scenes(access, BANDS, "scl")
    server.asked.clear()
    server.most_in_flight = 0
    plans = plan_composites(choice, BANDS, CompositingSettings(), access)
    (made,) = make_composites(plans, tmp_path / "composites", DaskSettings(workers=1))
    return made


def test_headers_are_read_once(tmp_path: Path, server: FaultyServer) -> None:
    assert composite(tmp_path, server).faults == ()
    counts = Counter(urlsplit(asked.path).path for asked in server.asked)
    assert len(counts) == len(series()) * (len(BANDS) + 1)
    # The length, the header, and the pixels, unless these came with the header.
    assert max(counts.values()) <= 3


@pytest.mark.parametrize("connections", [1, 3, 12])
def test_connections(tmp_path: Path, server: FaultyServer, connections: int) -> None:
    server.pause = 0.03
    composite(tmp_path, server, connections)
    # The last of them may come late on a busy machine.
    assert connections / 2 < server.most_in_flight <= connections


@pytest.mark.parametrize("kind", [404, "cut"])
def test_file_that_fails(tmp_path: Path, server: FaultyServer, kind: int) -> None:
    first = series()[0].id
    server.fail(f"{first}/green", kind)
    (fault,) = composite(tmp_path, server).faults
    assert (fault.item, fault.blocks) == (first, fault.of)
