"""Vector tiles of sites, read by a second implementation."""

from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from mining_the_mines.monitoring.site_table import SiteStatus, site_table
from mining_the_mines.monitoring.site_tiles import write_tiles
from support.sites import YEARS, growing_site, site_row, square, tiny_sites
from support.vector_tiles import TileFeature, read_header, read_tile, tile_of

PLACE = (-55.98, -6.0)


@pytest.fixture(scope="module")
def tiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiles of tiny sites."""
    path = tmp_path_factory.mktemp("tiles") / "sites.pmtiles"
    write_tiles(tiny_sites(), path)
    return path


def features_at(tiles: Path, zoom: int, place: tuple[float, float] = PLACE) -> list[TileFeature]:
    """Features of the tile of a place."""
    return read_tile(tiles, zoom, *tile_of(*place, zoom))


def test_header(tiles: Path) -> None:
    header, metadata = read_header(tiles)
    assert (header["version"], header["min_zoom"], header["max_zoom"]) == (3, 0, 12)
    assert header["min_lon_e7"] / 1e7 == pytest.approx(-56.0009, abs=1e-3)
    (layer,) = metadata["vector_layers"]
    assert layer["id"] == "sites"
    assert {"site_id", "period", "start", "end", "status", "hectares"} <= set(layer["fields"])


def test_rows_are_outlines_with_their_facts(tiles: Path) -> None:
    found = [feature for feature in features_at(tiles, 12) if feature.attributes["site_id"] == "tapajos-0002"]
    assert {feature.kind for feature in found} == {"polygon"}
    outlines = {feature.attributes["period"]: feature.attributes for feature in found}
    assert {period: facts["status"] for period, facts in outlines.items()} == {
        "2020": SiteStatus.NEW, "2021": SiteStatus.GROWN, "2022": SiteStatus.NOT_SEEN,
    }  # fmt: skip
    assert (outlines["2021"]["hectares"], outlines["2021"]["start"]) == (9, "2021-01-01")
    assert "hectares" not in outlines["2022"]


@pytest.mark.parametrize("zoom", [11, 12])
def test_outlines_lie_where_the_sites_are_to_a_metre(tmp_path: Path, zoom: int) -> None:
    bend = shapely.Polygon([(-55.98, -6), (-55.9783, -6.0004), (-55.979, -5.9991), (-55.9795, -5.9969)])
    write_tiles(site_table([site_row(YEARS[0], geometry=bend)]), tmp_path / "bend.pmtiles")
    (found,) = features_at(tmp_path / "bend.pmtiles", zoom)
    drawn, true = (
        gpd.GeoSeries([shape], crs="EPSG:4326").to_crs("EPSG:32721").iloc[0]
        for shape in (shapely.Polygon(found.positions), bend)
    )
    unit = 40_075_017 / 2**zoom / 8192
    assert shapely.hausdorff_distance(drawn, true) < unit
    assert unit < 1.2 or zoom < 12


def test_neighbours_are_one_point_from_afar_that_adds_up(tmp_path: Path) -> None:
    rows = [
        site_row(YEARS[0], f"tapajos-{number:04}", geometry=square(-56 + number / 200, -6, 100), hectares=1.0 + number)
        for number in range(3)
    ]
    write_tiles(site_table([*rows, *growing_site("tapajos-0009")]), tmp_path / "near.pmtiles")
    old = [each for each in features_at(tmp_path / "near.pmtiles", 3) if each.attributes["status"] == "unchanged"]
    (point,) = old
    assert (point.kind, point.attributes["sites"], point.attributes["hectares"]) == ("point", 3, 6)
    assert point.positions[0] == pytest.approx((-55.99, -6), abs=1e-2)
    assert "site_id" not in point.attributes


def test_wide_sites_are_outlines_from_afar(tmp_path: Path) -> None:
    sites = [site_row(YEARS[0], geometry=square(*PLACE, 20_000)), site_row(YEARS[0], "tapajos-0002")]
    write_tiles(site_table(sites), tmp_path / "wide.pmtiles")
    kinds = {each.attributes["site_id"]: each.kind for each in features_at(tmp_path / "wide.pmtiles", 6)}
    assert kinds == {"tapajos-0001": "polygon", "tapajos-0002": "point"}


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
