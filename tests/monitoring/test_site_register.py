"""Ids that sites keep for ever."""

from collections.abc import Sequence

import geopandas as gpd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from mining_the_mines.monitoring.period_map import PeriodMap
from mining_the_mines.monitoring.settings import ConfirmationSettings, SiteSettings
from mining_the_mines.monitoring.sites import JoinedSites, join_sites
from support.period_maps import field, year_map

WEST, EAST, ACROSS = field(100, 100, 200), field(600, 100, 200), field(100, 100, 700, 200)


def joined(maps: Sequence[PeriodMap], known: gpd.GeoDataFrame | None = None) -> JoinedSites:
    return join_sites(maps, SiteSettings(), ConfirmationSettings(), known)


def ids(sites: JoinedSites, period: str) -> dict[str, shapely.Geometry]:
    """Outlines by id in a period."""
    rows = sites.table[sites.table["period"] == period]
    return dict(zip(rows["site_id"], rows.geometry, strict=True))


def longitude(outline: shapely.Geometry) -> float:
    """Of its middle."""
    return float(shapely.get_x(shapely.centroid(outline)))


#: Squares of a year by column and row.
Squares = frozenset[tuple[int, int]]
PLACES = st.frozensets(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=8)


def map_of(number: int, places: Squares) -> PeriodMap:
    """The map of a year with squares that do not touch, as a map's polygons don't."""
    squares = shapely.union_all([field(150 * column, 150 * row, 160) for column, row in sorted(places)])
    return year_map(number, *shapely.get_parts(squares))


def kept(before: JoinedSites, after: JoinedSites) -> None:
    """Check that each id of before goes on where it was, or was absorbed, and that no number is given twice."""
    absorbed = {name for names in after.table["joined"] for name in names.split()}
    there = after.table.dissolve("site_id").geometry
    for name, ground in before.table.dissolve("site_id").geometry.items():
        assert name in absorbed or shapely.intersects(there[name], ground)
    assert set(before.register["site_id"]) <= set(after.register["site_id"])
    assert after.register["site_id"].is_unique


@settings(max_examples=6, deadline=None)
@given(years=st.lists(PLACES, min_size=2, max_size=3), added=PLACES)
def test_a_period_at_the_end_changes_nothing_before(years: list[Squares], added: Squares) -> None:
    maps = [map_of(2010 + number, places) for number, places in enumerate(years)]
    before = joined(maps)
    after = joined([*maps, map_of(2030, added)], before.register)
    old = after.table[after.table["period"] != "2030"]
    assert old["site_id"].tolist() == before.table["site_id"].tolist()
    assert old["status"].tolist() == before.table["status"].tolist()
    assert old["confirmed_by"].tolist() == before.table["confirmed_by"].tolist()
    assert old["joined"].tolist() == before.table["joined"].tolist()


@settings(max_examples=6, deadline=None)
@given(years=st.lists(PLACES, min_size=2, max_size=3), added=PLACES, place=st.integers(0, 2))
def test_a_period_in_between_leaves_ids(years: list[Squares], added: Squares, place: int) -> None:
    maps = [map_of(2010 + 2 * number, places) for number, places in enumerate(years)]
    before = joined(maps)
    more = sorted([*maps, map_of(2009 + 2 * place, added)], key=lambda found: found.period.start)
    kept(before, joined(more, before.register))


@settings(max_examples=6, deadline=None)
@given(years=st.lists(PLACES, min_size=2, max_size=3), data=st.data())
def test_the_order_of_polygons_changes_nothing(years: list[Squares], data: st.DataObject) -> None:
    maps = [map_of(2010 + number, places) for number, places in enumerate(years)]
    before = joined(maps)
    shuffled = [
        year_map(2010 + number, *data.draw(st.permutations(found.mines.geometry.tolist())))
        for number, found in enumerate(maps)
    ]
    for after in (joined(shuffled), joined(shuffled, before.register)):
        assert after.table["site_id"].tolist() == before.table["site_id"].tolist()
        assert shapely.equals(after.table.geometry.to_numpy(), before.table.geometry.to_numpy()).all()


@settings(max_examples=6, deadline=None)
@given(years=st.lists(PLACES, min_size=2, max_size=3), again=PLACES, place=st.integers(0, 2))
def test_a_period_made_again_and_back_leaves_ids(years: list[Squares], again: Squares, place: int) -> None:
    maps = [map_of(2010 + number, places) for number, places in enumerate(years)]
    before = joined(maps)
    changed = [*maps]
    changed[place % len(maps)] = map_of(2010 + place % len(maps), again)
    between = joined(changed, before.register)
    after = joined(maps, between.register)
    assert after.table["site_id"].tolist() == before.table["site_id"].tolist()


def test_ids_are_readable_and_count_from_north_to_south() -> None:
    north = field(100, 900, 200)
    sites = joined([year_map(2019, WEST, EAST, north)])
    assert [
        name for name, outline in ids(sites, "2019").items() if shapely.get_y(shapely.centroid(outline)) > -5.42
    ] == ["tapajos-0001"]
    assert set(ids(sites, "2019")) == {"tapajos-0001", "tapajos-0002", "tapajos-0003"}


def test_a_number_of_a_withdrawn_site_is_not_given_again() -> None:
    first = joined([year_map(2019, WEST), year_map(2020, WEST, EAST)])
    second = joined([year_map(2019, WEST), year_map(2020, WEST, field(100, 900, 200))], first.register)
    assert set(ids(second, "2020")) == {"tapajos-0001", "tapajos-0003"}
    third = joined([year_map(2019, WEST), year_map(2020, WEST, EAST)], second.register)
    assert set(ids(third, "2020")) == {"tapajos-0001", "tapajos-0002"}


def test_sites_that_join_earlier_than_before_leave_the_older_id() -> None:
    first = joined([year_map(2019, WEST), year_map(2021, WEST, EAST)])
    second = joined([year_map(2019, WEST), year_map(2020, ACROSS), year_map(2021, WEST, EAST)], first.register)
    assert set(second.table["site_id"]) == {"tapajos-0001"}
    assert second.table["joined"].tolist() == ["", "tapajos-0002", "tapajos-0002"]


def test_a_site_that_splits_leaves_its_id_to_the_larger_part() -> None:
    first = joined([year_map(2019, ACROSS)])
    second = joined([year_map(2019, WEST, field(600, 100, 200, 190))], first.register)
    assert longitude(ids(second, "2019")["tapajos-0001"]) < longitude(ids(second, "2019")["tapajos-0002"])


def test_an_early_site_beside_an_old_one_does_not_take_its_id() -> None:
    """The older site grew over the ground of the new one later; its id stays where it was founded."""
    first = joined([year_map(2019, WEST), year_map(2021, ACROSS)])
    second = joined([year_map(2018, EAST), year_map(2019, WEST, EAST), year_map(2021, ACROSS)], first.register)
    assert ids(second, "2021").keys() == {"tapajos-0001"}
    assert longitude(ids(second, "2019")["tapajos-0001"]) < longitude(ids(second, "2019")["tapajos-0002"])


def test_a_site_that_moved_on_is_known_when_its_first_period_is_left_out() -> None:
    downstream = [field(100 + 150 * step, 100, 200) for step in range(4)]
    maps = [year_map(2019 + step, shape) for step, shape in enumerate(downstream)]
    first = joined([*maps, year_map(2023, field(100, 900, 200))])
    later = joined([maps[3]], first.register)
    assert ids(later, "2022").keys() == {"tapajos-0001"}


def test_other_regions_keep_their_ids() -> None:
    first = joined([year_map(2019, WEST)])
    other = year_map(2019, WEST)
    object.__setattr__(other, "region", "madre_de_dios")
    second = joined([other], first.register)
    assert second.register["site_id"].tolist() == ["madre_de_dios-0001", "tapajos-0001"]


@pytest.mark.parametrize("moved", [0, 20])
def test_a_map_of_another_model_leaves_ids(moved: float) -> None:
    first = joined([year_map(2019, WEST, EAST), year_map(2020, WEST, EAST)])
    other = [field(100 + moved, 100, 180), field(600 + moved, 100, 220)]
    second = joined([year_map(2019, *other), year_map(2020, *other)], first.register)
    assert second.table["site_id"].tolist() == first.table["site_id"].tolist()
