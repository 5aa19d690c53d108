"""Claims of new mines are matched with mines that opened."""

from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from mining_the_mines.scoring.change_matching import CHANGE_COLUMNS, ChangeMatchSettings, Look, compare_changes
from support.changes import LOOKS, PLAIN, claim, frame, ground, look, mine


def compare(
    mines: list[dict[str, object]],
    claims: list[dict[str, object]],
    looks: tuple[Look, ...] = LOOKS,
    sites: list[dict[str, object]] | None = None,
) -> gpd.GeoDataFrame:
    comparison = compare_changes(
        frame(mines), looks, {"sites": frame(claims)}, frame(sites or []), ChangeMatchSettings()
    )
    return comparison.objects


def side(objects: gpd.GeoDataFrame, name: str) -> dict[str, Any]:
    """The one row of a side."""
    (row,) = objects[objects["side"] == name].to_dict("records")
    return {str(column): value for column, value in row.items()}


def test_found_in_time() -> None:
    objects = compare(mine(1, "2020-01-10"), [claim(1, 2020)])
    found = side(objects, "mine")
    assert (found["period"], found["right"], found["ever"]) == ("2020", True, True)
    assert found["days"] == (pd.Timestamp("2020-08-31") - pd.Timestamp("2020-01-10")).days
    assert side(objects, "claim")["right"]
    assert found["place"] == side(objects, "claim")["place"]


@pytest.mark.parametrize("year", [2020, 2021])
def test_mine_of_a_late_day_may_be_claimed_at_once(year: int) -> None:
    objects = compare(mine(1, "2020-08-20"), [claim(1, year)])
    assert side(objects, "mine")["period"] == "2021"
    assert side(objects, "mine")["right"]
    assert side(objects, "claim")["right"]


def test_found_late() -> None:
    objects = compare(mine(1, "2020-01-10"), [claim(1, 2021)])
    assert not side(objects, "mine")["right"]
    assert side(objects, "mine")["ever"]
    assert side(objects, "claim")["right"]


def test_missed() -> None:
    objects = compare(mine(1, "2020-01-10"), [])
    assert not side(objects, "mine")["ever"]
    assert pd.isna(side(objects, "mine")["days"])


def test_claim_before_the_mine_opened() -> None:
    objects = compare(mine(1, "2020-12-10"), [claim(1, 2020)])
    assert not side(objects, "claim")["right"]
    assert side(objects, "claim")["counted"]


def test_claim_of_an_old_mine_is_false() -> None:
    objects = compare(mine(1, "2015-01-10"), [claim(1, 2020)])
    assert not side(objects, "claim")["right"]
    assert side(objects, "claim")["counted"]
    assert not (objects["side"] == "mine").any()


def test_growth_is_set_aside() -> None:
    objects = compare(mine(1, "2015-01-10", ("2020-01-01", 600)), [claim(1, 2020, 600)])
    assert not side(objects, "claim")["counted"]


def test_second_claim_of_a_mine_is_growth() -> None:
    objects = compare(mine(1, "2020-01-10", ("2021-01-01", 600)), [claim(1, 2020), claim(1, 2021, 600)])
    assert objects[objects["side"] == "claim"][["right", "counted"]].to_numpy().tolist() == [
        [True, True],
        [False, False],
    ]


def test_mine_on_ground_that_was_never_seen_without_it_is_not_due() -> None:
    hidden = PLAIN.difference(ground(1, 900))
    objects = compare(mine(1, "2020-01-10"), [], (look(2019, hidden), look(2020), look(2021)))
    assert objects.empty


def test_mine_is_due_when_it_can_be_seen() -> None:
    hidden = PLAIN.difference(ground(1, 900))
    objects = compare(mine(1, "2020-01-10"), [claim(1, 2021)], (look(2019), look(2020, hidden), look(2021)))
    assert side(objects, "mine")["period"] == "2021"
    assert side(objects, "mine")["right"]


@pytest.mark.parametrize(("after", "held"), [("2019-08-01", 1), ("2020-02-01", 0)])
def test_onset(after: str, held: int) -> None:
    objects = compare(mine(1, "2020-01-10"), [claim(1, 2020, onset_after=after, onset_by="2020-08-01")])
    assert side(objects, "mine")["onset_held"] == held


def test_claim_of_two_mines_that_touch() -> None:
    small = shapely.affinity.translate(ground(1, 60), 200)
    beside = [{**state, "name": "beside", "geometry": small} for state in mine(1, "2020-02-01")]
    both = {**claim(1, 2020), "geometry": ground(1).union(small)}
    objects = compare([*mine(1, "2020-01-10"), *beside], [both])
    assert objects[objects["side"] == "mine"]["right"].tolist() == [True, True]


def test_confirmation() -> None:
    objects = compare(mine(1, "2020-01-10"), [claim(1, 2020, confirmed_on="2021-08-31")])
    assert side(objects, "mine")["confirmed"]
    assert side(objects, "claim")["confirmed"]
    assert side(objects, "mine")["confirmed_days"] == (pd.Timestamp("2021-08-31") - pd.Timestamp("2020-01-10")).days


def test_growth_error() -> None:
    sites = [claim(1, 2019, 200, hectares=4.0), claim(1, 2020), claim(1, 2021, 300, hectares=10.0)]
    objects = compare(mine(1, "2015-01-10", ("2020-12-01", 300)), [], sites=sites)
    growth = side(objects, "growth")
    assert growth["hectares"] == pytest.approx(5.0)
    assert growth["error"] == pytest.approx(1.0)  # against the last period in which it was seen


def test_area_seen() -> None:
    truth = frame(mine(1, "2015-01-10"))
    comparison = compare_changes(truth, LOOKS, {"sites": frame([])}, frame([]), ChangeMatchSettings())
    assert comparison.exposure == {("tapajos", "2020"): 36.0, ("tapajos", "2021"): 36.0}
    assert list(comparison.objects.columns) == [*CHANGE_COLUMNS, "geometry"]


def test_region_without_known_mines_is_left_out() -> None:
    comparison = compare_changes(frame([]), LOOKS, {"sites": frame([claim(1, 2020)])}, frame([]), ChangeMatchSettings())
    assert comparison.objects.empty
    assert not comparison.exposure


def test_other_projection() -> None:
    mines, claims = frame(mine(1, "2020-01-10")).to_crs(4326), frame([claim(1, 2020)]).to_crs(4326)
    objects = compare_changes(mines, LOOKS, {"sites": claims}, frame([]), ChangeMatchSettings()).objects
    assert side(objects, "claim")["right"]
    assert shapely.get_coordinates(objects.geometry.iloc[0])[0, 0] == pytest.approx(-57, abs=0.1)
