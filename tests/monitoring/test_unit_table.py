"""Sites by unit and period, with differences that ground out of sight does not change."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import shapely

from mining_the_mines.monitoring.site_table import SiteStatus, site_table
from mining_the_mines.monitoring.unit_table import UNIT_COLUMNS, sites_by_unit
from support.scene_maps import areas_of
from support.sites import YEARS, growing_site, site_row, square, tiny_sites

#: West half of the old site and nothing of the growing one, in degrees.
WEST = shapely.box(-56.1, -6.1, -56.0, -5.9)
EAST = shapely.box(-56.0, -6.1, -55.9, -5.9)


def figures(table: pd.DataFrame, layer: str, unit: str, *columns: str) -> list[tuple[Any, ...]]:
    """Figures of a unit, a tuple a period."""
    rows = table[(table["layer"] == layer) & (table["unit"] == unit)]
    return [tuple(row) for row in rows[list(columns)].round(1).to_numpy(dtype=float).tolist()]


def test_region_period_by_period() -> None:
    table = sites_by_unit(tiny_sites())
    assert list(table.columns) == list(UNIT_COLUMNS)
    assert table["period"].tolist() == [period.name for period in YEARS]
    one, two = pytest.approx(4.0, abs=0.1), pytest.approx(13.0, abs=0.2)
    assert figures(table, "region", "tapajos", "sites", "hectares", "hectares_difference") == [
        (1, one, 0), (2, pytest.approx(8.0, abs=0.1), one), (2, two, pytest.approx(5.0, abs=0.1)), (1, one, 0),
    ]  # fmt: skip
    assert figures(table, "region", "tapajos", "new_sites", "first_seen_sites") == [(0, 1), (1, 0), (0, 0), (0, 0)]


def test_ground_out_of_sight_is_named_and_never_gone() -> None:
    last = sites_by_unit(tiny_sites()).iloc[-1]
    assert (last["not_seen_sites"], last["sites_difference"], last["hectares_difference"]) == (1, 0, 0)
    assert last["not_seen_hectares"] == pytest.approx(9.0, abs=0.2)


def test_inactive_site_counts_as_a_loss() -> None:
    rows = [site_row(YEARS[0], status=SiteStatus.BASELINE), site_row(YEARS[1], status=SiteStatus.NOT_SEEN),
            site_row(YEARS[2], status=SiteStatus.INACTIVE)]  # fmt: skip
    table = sites_by_unit(site_table(rows))
    columns = ("sites", "sites_difference", "hectares_difference")
    assert figures(table, "region", "tapajos", *columns) == [
        (1, 0, 0), (0, 0, 0), (0, -1, pytest.approx(-4.0, abs=0.1)),
    ]  # fmt: skip


def test_candidate_counts_from_the_period_in_which_it_is_new() -> None:
    rows = [site_row(YEARS[0], status=SiteStatus.CANDIDATE), site_row(YEARS[1], status=SiteStatus.NEW)]
    hectares = pytest.approx(4.0, abs=0.1)
    columns = ("sites", "hectares", "hectares_difference")
    found = figures(sites_by_unit(site_table(rows)), "region", "tapajos", *columns)
    assert found == [(0, 0, 0), (1, hectares, hectares)]


def test_absorbed_site_is_no_growth() -> None:
    small, large = square(-56.0, -6.0, 200), square(-55.998, -6.0, 200)
    rows = [
        site_row(YEARS[0], "tapajos-0001", status=SiteStatus.BASELINE, geometry=small),
        site_row(YEARS[0], "tapajos-0002", status=SiteStatus.BASELINE, geometry=large),
        site_row(YEARS[1], "tapajos-0001", status=SiteStatus.GROWN, joined="tapajos-0002",
                 geometry=shapely.union(small, large)),
        site_row(YEARS[2], "tapajos-0001", joined="tapajos-0002", geometry=shapely.union(small, large)),
    ]  # fmt: skip
    table = sites_by_unit(site_table(rows))
    assert figures(table, "region", "tapajos", "sites", "sites_difference") == [(2, 0), (1, -1), (1, 0)]
    assert table["hectares_difference"].abs().max() < 0.1


def test_units_hold_their_parts_of_sites(tmp_path: Path) -> None:
    units = areas_of(tmp_path, crs="EPSG:4326", West=WEST, East=EAST)
    table = sites_by_unit(tiny_sites(), concessions=areas_of(tmp_path, crs="EPSG:4326", North=WEST), units=units)
    half = pytest.approx(2.0, abs=0.1)
    assert figures(table, "unit", "West", "sites", "hectares") == [(1, half)] * 4
    assert figures(table, "unit", "East", "sites", "hectares_difference")[1] == (2, pytest.approx(4.0, abs=0.1))
    assert figures(table, "concession", "North", "hectares") == [(half,)] * 4
    outside = figures(table, "concession", "outside every concession", "hectares")
    assert outside[2] == (pytest.approx(11.0, abs=0.2),)
    assert table["layer"].unique().tolist() == ["region", "concession", "unit"]


def test_site_that_grows_into_a_unit(tmp_path: Path) -> None:
    beside = areas_of(tmp_path, crs="EPSG:4326", Reserve=square(-55.98, -6.0, 300).difference(square(-55.98, -6, 220)))
    table = sites_by_unit(site_table(growing_site("tapajos-0002", -55.98)), protected=beside)
    columns = ("sites", "sites_difference", "new_sites", "not_seen_sites")
    assert figures(table, "protected area", "Reserve", *columns) == [(0, 0, 0, 0), (1, 1, 0, 0), (0, 0, 0, 1)]


def test_no_sites() -> None:
    assert list(sites_by_unit(site_table([])).columns) == list(UNIT_COLUMNS)
