"""Mines of several periods as sites: their status, their onset, and how they join."""

from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.datasets.schemas import SITES
from mining_the_mines.monitoring.period_map import PeriodMap
from mining_the_mines.monitoring.settings import ConfirmationSettings, SiteSettings
from mining_the_mines.monitoring.sites import join_sites
from support.period_maps import GRID, WHOLE, field, write_raster, year_map

#: Four hectares each, far enough apart not to be one site.
WEST, EAST = field(100, 100, 200), field(600, 100, 200)
#: A mine that covers both.
ACROSS = field(100, 100, 700, 200)
CLOUDED = shapely.difference(WHOLE, field(0, 0, 400))


def sites_of(*maps: PeriodMap, **settings: float) -> gpd.GeoDataFrame:
    """The table of sites of a region that was never mapped before."""
    table = join_sites(maps, SiteSettings(**settings), ConfirmationSettings()).table
    SITES.validate(table)
    return table


def history(table: gpd.GeoDataFrame, column: str = "status", site: int = 1) -> list[object]:
    """Values of a site by period."""
    values: list[object] = table.loc[table["site_id"] == f"tapajos-{site:04d}", column].tolist()
    return values


def test_a_mine_on_the_first_look_is_no_new_mine() -> None:
    table = sites_of(year_map(2019, WEST), year_map(2020, WEST))
    assert history(table) == ["baseline", "unchanged"]
    assert table["onset_after"].isna().all()


def test_a_mine_on_ground_that_was_seen_without_is_new() -> None:
    table = sites_of(year_map(2019), year_map(2020, WEST))
    assert history(table) == ["new"]
    assert history(table, "change_hectares") == history(table, "hectares") == [pytest.approx(4, abs=0.01)]


SMALL = field(100, 100, 80)


def test_a_small_new_mine_counts_as_new_on_its_second_look() -> None:
    table = sites_of(year_map(2019), year_map(2020, SMALL), year_map(2021, seen=CLOUDED), year_map(2022, WEST))
    assert history(table) == ["candidate", "not_seen", "new"]
    assert history(table, "change_hectares")[2] == pytest.approx(4, abs=0.01)
    assert set(history(table, "onset_by")) == {pd.Timestamp(2020, 7, 15)}


def test_a_small_new_mine_that_is_not_seen_again_was_never_new() -> None:
    table = sites_of(year_map(2019), year_map(2020, SMALL, probability=0.95), year_map(2021))
    assert history(table) == ["candidate", "inactive"]
    assert set(history(table, "confirmation")) == {"provisional"}


def test_a_faint_new_mine_waits_and_an_old_one_does_not() -> None:
    assert history(sites_of(year_map(2019), year_map(2020, WEST, probability=0.65))) == ["candidate"]
    assert history(sites_of(year_map(2019, SMALL, probability=0.65), year_map(2020))) == ["baseline", "inactive"]


def test_known_activity_nearby_spares_the_wait_if_asked() -> None:
    maps = year_map(2019, EAST), year_map(2020, EAST, SMALL)
    rule = ConfirmationSettings(activity_metres=500)
    assert history(sites_of(*maps), site=2) == ["candidate"]
    assert history(join_sites(maps, SiteSettings(), rule).table, site=2) == ["new"]
    assert history(join_sites([year_map(2019), maps[1]], SiteSettings(), rule).table, site=2) == ["candidate"]


def test_a_mine_that_grows_over_a_candidate_is_no_new_mine() -> None:
    table = sites_of(year_map(2019, EAST), year_map(2020, EAST, SMALL), year_map(2021, ACROSS))
    assert history(table) == ["baseline", "unchanged", "grown"]
    assert history(table, site=2) == ["candidate"]


def test_a_mine_below_clouds_of_all_earlier_periods_is_baseline() -> None:
    table = sites_of(year_map(2019, seen=CLOUDED), year_map(2020, WEST))
    assert history(table) == ["baseline"]


@pytest.mark.parametrize(
    ("later", "status", "change"),
    [
        (field(100, 100, 300, 200), "grown", 2.0),
        (field(100, 100, 100, 200), "smaller", -2.0),
        (field(100, 100, 210, 200), "unchanged", 0.2),
        (field(110, 110, 180), "unchanged", -0.76),
    ],
)
def test_change(later: shapely.Polygon, status: str, change: float) -> None:
    table = sites_of(year_map(2019, WEST), year_map(2020, later), tolerance_hectares=0.3, tolerance_share=0.25)
    assert history(table)[1] == status
    assert history(table, "change_hectares")[1] == pytest.approx(change, abs=0.01)


def test_a_mine_that_is_gone_is_inactive_and_one_that_comes_back_has_grown() -> None:
    table = sites_of(year_map(2019, WEST), year_map(2020), year_map(2021), year_map(2022, WEST))
    assert history(table) == ["baseline", "inactive", "inactive", "grown"]
    assert history(table, "hectares")[1:3] == [0, 0]
    assert history(table, "change_hectares")[1:] == [pytest.approx(change, abs=0.01) for change in (-4, 0, 4)]
    assert table.geometry.iloc[1].equals(table.geometry.iloc[0])


def test_below_clouds_a_mine_is_not_seen_and_never_gone() -> None:
    table = sites_of(year_map(2019, WEST), year_map(2020, seen=CLOUDED), year_map(2021, WEST))
    assert history(table) == ["baseline", "not_seen", "unchanged"]
    row = table.iloc[1]
    assert row["clear_share"] == pytest.approx(0, abs=1e-9)
    assert row[["hectares", "change_hectares", "probability"]].isna().all()


def test_change_is_measured_on_ground_that_both_periods_saw() -> None:
    clear = shapely.difference(WHOLE, field(0, 0, 150, 2000))  # the western quarter of the mine is below clouds
    eastern = field(150, 100, 150, 200)
    table = sites_of(year_map(2019, WEST), year_map(2020, eastern, seen=clear), year_map(2021, WEST))
    assert history(table) == ["baseline", "unchanged", "unchanged"]
    assert history(table, "change_hectares")[1:] == [pytest.approx(0, abs=1e-6)] * 2
    assert history(table, "clear_share")[1] == pytest.approx(0.75, abs=1e-3)


def test_change_is_measured_against_the_last_look() -> None:
    larger = field(100, 100, 300, 200)
    table = sites_of(year_map(2019, WEST), year_map(2020, seen=CLOUDED), year_map(2021, larger))
    assert history(table) == ["baseline", "not_seen", "grown"]


def test_pits_side_by_side_are_one_site() -> None:
    pits = [field(100 + 60 * number, 100, 50) for number in range(4)]
    assert history(sites_of(year_map(2019, *pits), join_metres=20), "hectares") == [pytest.approx(1, abs=0.01)]
    assert sites_of(year_map(2019, *pits), join_metres=5)["site_id"].nunique() == 4


def test_a_mine_that_touches_two_sites_joins_them() -> None:
    table = sites_of(year_map(2019, WEST), year_map(2020, WEST, EAST), year_map(2021, ACROSS), year_map(2022, WEST))
    assert history(table, "period", site=2) == ["2020"]
    assert history(table, "joined") == ["", "", "tapajos-0002", "tapajos-0002"]
    assert history(table) == ["baseline", "unchanged", "grown", "smaller"]
    assert history(table, "change_hectares")[2] == pytest.approx(6, abs=0.01)  # eight hectares were there before


def test_sites_that_join_share_what_is_known() -> None:
    maps = year_map(2018), year_map(2019, WEST), year_map(2020, WEST, EAST, probability=0.99), year_map(2021, ACROSS)
    table = sites_of(*maps)
    assert history(table, "onset_by") == [pd.Timestamp(2019, 7, 15)] * 3
    assert history(table, "period", site=2) == ["2020"]


def test_attributes_of_the_map() -> None:
    look = year_map(2019, field(100, 100, 100), field(200, 100, 300, 100))
    look.mines["mean_probability"], look.mines["max_probability"] = [0.5, 0.9], [0.95, 0.93]
    look.mines["confidence"], look.mines["concession"] = ["low", "high"], ["Ouro; Prata", "Ouro"]
    look.mines["protected_ha"], look.mines["review"] = [0.5, 0.25], pd.array([False, True], dtype="boolean")
    row = sites_of(look, year_map(2020)).iloc[0]
    assert (row["confidence"], row["concession"], row["protected_ha"], row["review"]) == (
        "high",
        "Ouro; Prata",
        0.75,
        True,
    )
    assert row["probability"] == pytest.approx(0.8)
    assert row["peak_probability"] == pytest.approx(0.95)
    assert (row["model_version"], row["lineage_id"]) == ("3", "monitored_maps:000000002019")
    assert pd.isna(row["outside_concessions_ha"])


def test_an_inactive_site_tells_the_probability_where_it_was(tmp_path: Path) -> None:
    faint = np.full((GRID.height, GRID.width), 0.25, np.float32)
    faint[-20:-10, 10:30] = 0.5  # the upper half of these rows is outside the mine
    rasters = {"probability": write_raster(tmp_path / "probability.tif", faint)}
    row = sites_of(year_map(2019, WEST), year_map(2020, rasters=rasters)).iloc[1]
    assert (row["probability"], row["peak_probability"]) == (pytest.approx(0.375), 0.5)


def test_onset_lies_between_the_medians_of_two_composites(tmp_path: Path) -> None:
    always_clear = write_raster(tmp_path / "clear_dates.tif", np.full((GRID.height, GRID.width), 3, np.uint16))
    table = sites_of(year_map(2019, rasters={"clear_dates": always_clear}), year_map(2020, WEST))
    assert table["onset_after"].iloc[0] == pd.Timestamp(2019, 7, 15)
    assert table["onset_by"].iloc[0] == pd.Timestamp(2020, 7, 15)


def test_a_period_below_clouds_tells_nothing_of_the_onset() -> None:
    table = sites_of(year_map(2018), year_map(2019, seen=CLOUDED), year_map(2020, WEST))
    assert table["onset_after"].iloc[0] == pd.Timestamp(2018, 6, 15)
    assert history(table) == ["new"]


def test_a_faint_trace_is_no_look_without(tmp_path: Path) -> None:
    trace = {"probability": write_raster(tmp_path / "p.tif", np.full((GRID.height, GRID.width), 0.4, np.float32))}
    table = sites_of(year_map(2018), year_map(2019, rasters=trace), year_map(2020, WEST))
    assert table["onset_after"].iloc[0] == pd.Timestamp(2018, 6, 15)


def test_maps_without_dates_take_those_of_the_period() -> None:
    row = sites_of(year_map(2019, dates=()), year_map(2020, WEST, dates=())).iloc[0]
    assert (row["onset_after"], row["onset_by"]) == (pd.Timestamp(2019, 1, 1), pd.Timestamp(2020, 12, 31))


def test_no_mine_at_all() -> None:
    assert sites_of(year_map(2019), year_map(2020)).empty


def test_another_grid_is_refused() -> None:
    other = year_map(2020)
    moved = PeriodMap("tapajos", other.period, other.mines, GRID.__class__(GRID.crs, GRID.transform, 100, 100), WHOLE)
    with pytest.raises(BadInputError, match="tapajos: the grid of 2020 is not that of 2019"):
        sites_of(year_map(2019), moved)


def test_periods_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(BadInputError, match="list the periods from the earliest"):
        sites_of(year_map(2020), year_map(2019))


def test_dates_of_rows() -> None:
    row = sites_of(year_map(2019, WEST, dates=[date(2019, 6, 1), date(2019, 9, 1)])).iloc[0]
    assert (row["start"], row["first_date"], row["last_date"]) == tuple(
        pd.Timestamp(2019, month, 1) for month in (1, 6, 9)
    )
