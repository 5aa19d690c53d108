"""Vector tiles of sites, read by a second implementation."""

import math
from pathlib import Path

import pytest

from mining_the_mines.monitoring.site_table import SiteStatus, site_table
from mining_the_mines.monitoring.site_tiles import write_tiles
from support.sites import YEARS, site_row, square, tiny_sites
from support.vector_tiles import read_header, read_tile

LONGITUDE, LATITUDE = -55.98, -6.0


@pytest.fixture(scope="module")
def tiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiles of tiny sites."""
    path = tmp_path_factory.mktemp("tiles") / "sites.pmtiles"
    write_tiles(tiny_sites(), path)
    return path


def tile_at(zoom: int) -> tuple[int, int, float, float]:
    """Column and row of the tile of the growing site, and its place in the tile (Web Mercator)."""
    column = (LONGITUDE + 180) / 360 * 2**zoom
    row = (1 - math.asinh(math.tan(math.radians(LATITUDE))) / math.pi) / 2 * 2**zoom
    return int(column), int(row), column % 1, row % 1


def test_header(tiles: Path) -> None:
    header, metadata = read_header(tiles)
    assert (header["version"], header["min_zoom"], header["max_zoom"]) == (3, 0, 12)
    assert header["min_lon_e7"] / 1e7 == pytest.approx(-56.0009, abs=1e-3)
    (layer,) = metadata["vector_layers"]
    assert layer["id"] == "sites"
    assert {"site_id", "period", "start", "end", "status", "hectares"} <= set(layer["fields"])


def test_rows_are_outlines_with_their_facts(tiles: Path) -> None:
    column, row, *_ = tile_at(12)
    found = [
        feature for feature in read_tile(tiles, 12, column, row) if feature.attributes["site_id"] == "tapajos-0002"
    ]
    outlines = {feature.attributes["period"]: feature.attributes for feature in found if feature.kind == "polygon"}
    assert {period: facts["status"] for period, facts in outlines.items()} == {
        "2020": SiteStatus.NEW, "2021": SiteStatus.GROWN, "2022": SiteStatus.NOT_SEEN,
    }  # fmt: skip
    assert (outlines["2021"]["hectares"], outlines["2021"]["start"]) == (9, "2021-01-01")
    assert "hectares" not in outlines["2022"]


def test_small_sites_stay_as_points_on_maps_of_a_country(tiles: Path) -> None:
    column, row, across, down = tile_at(4)
    found = read_tile(tiles, 4, column, row)
    points = [feature for feature in found if feature.kind == "point"]
    assert len(points) == len(tiny_sites())
    assert points[-1].start == pytest.approx((across, down), abs=1e-3)


def test_same_bytes_with_many_tiles(tmp_path: Path) -> None:
    places = [(-56 + number % 20 / 50, -6 + number // 20 / 50) for number in range(200)]
    rows = [
        site_row(YEARS[0], f"tapajos-{number:04}", geometry=square(*place, 400)) for number, place in enumerate(places)
    ]
    sites = site_table(rows)
    for name in ("first", "second"):
        write_tiles(sites, tmp_path / f"{name}.pmtiles")
    assert (tmp_path / "first.pmtiles").read_bytes() == (tmp_path / "second.pmtiles").read_bytes()


def test_no_sites(tmp_path: Path) -> None:
    write_tiles(site_table([]), tmp_path / "none.pmtiles")
    assert list(tmp_path.iterdir()) == []
