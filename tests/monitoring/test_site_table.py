"""The table of sites."""

from mining_the_mines.monitoring.site_table import SITE_COLUMNS, site_table
from support.sites import growing_site, tiny_sites


def test_columns_and_types() -> None:
    table = tiny_sites()
    assert {name: str(table[name].dtype) for name in SITE_COLUMNS} == dict(SITE_COLUMNS)
    assert table.crs.to_epsg() == 4326


def test_sorted_by_site_and_time() -> None:
    table = site_table(growing_site()[::-1])
    assert table["status"].tolist() == ["new", "grown", "not_seen"]


def test_empty_table() -> None:
    assert list(site_table([]).columns) == [*SITE_COLUMNS, "geometry"]
