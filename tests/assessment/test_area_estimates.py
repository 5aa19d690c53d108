"""The table of estimated areas."""

import numpy as np
import pandas as pd
import pytest

from mining_the_mines.assessment.area_estimates import AREA_COLUMNS, estimate_areas, explain_difference
from mining_the_mines.assessment.settings import AreaSettings
from mining_the_mines.core.errors import BadInputError
from support.judged_samples import sample_of, strata_of

#: Half of 100 mapped hectares are false, and a tenth of 1 000 near ones are missed.
MAPPED = {"mine": 100.0, "near_mine": 1000.0, "low_probability": 10_000.0}
COUNTS = {"mine": 40, "near_mine": 50, "low_probability": 100}
MINES = {"mine": 20, "near_mine": 5, "low_probability": 0}


def judged(period: str = "", mines: dict[str, int] = MINES, **place: str) -> pd.DataFrame:
    answers = [
        "mine" if number < mines[name] else "no_mine" for name, count in COUNTS.items() for number in range(count)
    ]
    return sample_of(COUNTS, period, **place).assign(answer=answers)


def figure(table: pd.DataFrame, measure: str, kind: str = "mine", name: str = "", period: str = "") -> pd.Series:
    rows = table[
        (table["measure"] == measure) & (table["class"] == kind) & (table["name"] == name) & (table["period"] == period)
    ]
    assert len(rows) == 1
    return rows.iloc[0]


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return estimate_areas(judged(), strata_of(MAPPED), AreaSettings())


def test_area_corrects_the_pixel_count_by_false_alarms_and_omissions(table: pd.DataFrame) -> None:
    assert figure(table, "pixel_count")["value"] == 100
    assert figure(table, "false_alarm_area")["value"] == pytest.approx(50)
    assert figure(table, "omitted_area")["value"] == pytest.approx(100)
    assert figure(table, "area")["value"] == pytest.approx(150)
    assert dict(table.dtypes.astype(str)) == AREA_COLUMNS


def test_areas_of_all_classes_sum_up_to_the_ground(table: pd.DataFrame) -> None:
    mine, rest = figure(table, "area"), figure(table, "area", "no_mine")

    assert mine["value"] + rest["value"] == pytest.approx(11_100)
    assert mine["upper"] + rest["lower"] == pytest.approx(11_100)
    assert mine["standard_error"] == pytest.approx(rest["standard_error"])


def test_accuracies_follow_from_the_same_answers(table: pd.DataFrame) -> None:
    assert figure(table, "users_accuracy")["value"] == pytest.approx(0.5)
    assert figure(table, "producers_accuracy")["value"] == pytest.approx(50 / 150)
    assert figure(table, "overall_accuracy", "")["value"] == pytest.approx(1 - 150 / 11_100)
    accuracies = table[table["unit"] == "share"]
    assert ((accuracies["lower"] < accuracies["value"]) & (accuracies["value"] < accuracies["upper"])).all()


def test_false_alarms_are_told_per_thousand_square_kilometres(table: pd.DataFrame) -> None:
    assert figure(table, "false_alarm_rate")["value"] == pytest.approx(50 / 11_100 * 100_000)
    # Mapped mines have 2 ha each.
    assert figure(table, "false_alarms")["value"] == pytest.approx(25 / 11_100 * 100_000)


def test_the_difference_from_the_pixel_count_is_explained(table: pd.DataFrame) -> None:
    sentence = explain_difference(table, "")

    assert "counts 100.0 ha" in sentence
    assert "50.0 ha are no mine" in sentence
    assert "100.0 ha of mines are missing" in sentence


def test_places_where_nobody_can_tell_are_left_out_and_bounded() -> None:
    some = judged()
    some.loc[20:29, "answer"] = "cannot_tell"
    area = figure(estimate_areas(some, strata_of(MAPPED), AreaSettings()), "area")

    assert area["value"] == pytest.approx(100 * 20 / 30 + 100)
    assert area["least"] == pytest.approx(100 * 20 / 40 + 100)
    assert area["most"] == pytest.approx(100 * 30 / 40 + 100)
    assert area["cannot_tell"] == 10


def test_places_where_nobody_can_tell_may_count_as_mines() -> None:
    some = judged()
    some.loc[20:29, "answer"] = "cannot_tell"
    area = figure(estimate_areas(some, strata_of(MAPPED), AreaSettings(cannot_tell="mine")), "area")

    assert area["value"] == area["most"]


def test_regions_that_are_no_strata_are_estimated_by_ratio() -> None:
    east = np.arange(190) % 2 == 0
    places = judged().assign(region=np.where(east, "east", "west"))
    parts = [strata_of({name: area / 2 for name, area in MAPPED.items()}, region=region) for region in ("east", "west")]
    table = estimate_areas(places, pd.concat(parts), AreaSettings())
    areas = [figure(table, "area", name=name) for name in ("east", "west")]

    assert sum(area["value"] for area in areas) == pytest.approx(figure(table, "area")["value"], rel=0.1)
    assert all(area["lower"] < area["value"] < area["upper"] for area in areas)
    assert all(area["standard_error"] > figure(table, "area")["standard_error"] / 2 for area in areas)


def test_regions_that_are_strata_are_estimated_on_their_own() -> None:
    east, west = judged(region="east"), judged(region="west", mines={**MINES, "mine": 40})
    places = pd.concat([east, west.assign(stratum=west["stratum"] + " / west")], ignore_index=True)
    strata = [
        strata_of(MAPPED, region="east"),
        strata_of({f"{name} / west": area for name, area in MAPPED.items()}, region="west"),
    ]
    table = estimate_areas(places, pd.concat(strata, ignore_index=True), AreaSettings())
    alone = estimate_areas(judged(), strata_of(MAPPED), AreaSettings())

    assert figure(table, "area", name="east")[["value", "lower", "upper"]].to_list() == pytest.approx(
        figure(alone, "area")[["value", "lower", "upper"]].to_list()
    )


def test_a_region_without_a_judged_place_is_unknown() -> None:
    strata = [strata_of(MAPPED), strata_of(dict.fromkeys(MAPPED, 1.0), region="west")]
    table = estimate_areas(judged(), pd.concat(strata), AreaSettings())

    assert np.isnan(figure(table, "area", name="west")["value"])
    assert figure(table, "area", name="west")["places"] == 0


def test_units_are_estimated_where_there_are_any() -> None:
    places = judged().assign(unit="Norte")
    table = estimate_areas(places, strata_of(MAPPED, unit="Norte"), AreaSettings())

    assert figure(table, "area", name="Norte")["value"] == pytest.approx(150)


def test_change_between_periods_judged_elsewhere_has_the_error_of_both() -> None:
    grown = {**MINES, "mine": 40}
    elsewhere = judged("2024", grown).assign(longitude=-60 + 0.001 * np.arange(190))
    places = pd.concat([judged("2023"), elsewhere], ignore_index=True)
    strata = pd.concat([strata_of(MAPPED, "2023"), strata_of(MAPPED, "2024")], ignore_index=True)
    table = estimate_areas(places, strata, AreaSettings())
    change = figure(table, "net_change", period="2023 to 2024")
    errors = [figure(table, "area", period=period)["standard_error"] for period in ("2023", "2024")]

    assert change["value"] == pytest.approx(50)
    assert change["standard_error"] == pytest.approx(np.hypot(*errors))
    assert change["lower"] < 50 < change["upper"]


def test_places_judged_in_both_periods_make_the_change_more_exact() -> None:
    grown = {**MINES, "mine": 40}
    places = pd.concat([judged("2023"), judged("2024", grown)], ignore_index=True)
    strata = pd.concat([strata_of(MAPPED, "2023"), strata_of(MAPPED, "2024")], ignore_index=True)
    change = figure(estimate_areas(places, strata, AreaSettings()), "net_change", period="2023 to 2024")

    assert change["places"] == 190
    assert change["value"] == pytest.approx(50)
    # The standard error of the share of the 40 mapped places that became mines, since no other place changed.
    assert change["standard_error"] == pytest.approx(100 * np.sqrt(0.25 / 39 * (1 - 40 / 10_000)))


def test_the_truth_stands_beside_the_estimate_where_it_is_known() -> None:
    truth = pd.DataFrame({"period": [""], "region": ["tapajos"], "unit": [""], "hectares": [140.0]})
    table = estimate_areas(judged(), strata_of(MAPPED), AreaSettings(), truth)

    assert figure(table, "truth")["value"] == 140


def test_a_map_without_mines_has_omissions_alone() -> None:
    unmapped = {name: area for name, area in MAPPED.items() if name != "mine"}
    places = judged()
    table = estimate_areas(places[places["stratum"] != "mine"], strata_of(unmapped), AreaSettings())

    assert figure(table, "area")["value"] == pytest.approx(100)
    assert np.isnan(figure(table, "users_accuracy")["value"])
    assert figure(table, "producers_accuracy")["value"] == 0


def test_strata_that_a_review_has_not_reached_are_left_out_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    table = estimate_areas(judged()[:91], strata_of(MAPPED), AreaSettings())
    area = figure(table, "area")

    assert area["value"] == pytest.approx(150)
    assert area["pending"] == 10_000
    assert (area["least"], area["most"]) == pytest.approx((150, 10_150))
    assert figure(table, "users_accuracy")["value"] == pytest.approx(0.5)
    assert "low_probability has fewer than two judged places, so that 10000.0 ha are left out" in caplog.text
    assert "Provisional: strata with fewer than two judged places, 10,000.0 ha" in explain_difference(table, "")


def test_the_map_is_counted_whole_while_its_mines_wait_for_review() -> None:
    table = estimate_areas(judged()[39:], strata_of(MAPPED), AreaSettings())

    assert figure(table, "pixel_count")["value"] == 100
    assert figure(table, "area")["value"] == pytest.approx(100)
    assert np.isnan(figure(table, "users_accuracy")["value"])


def test_a_period_that_waits_for_review_has_no_change() -> None:
    strata = pd.concat([strata_of(MAPPED, "2023"), strata_of(MAPPED, "2024")], ignore_index=True)
    table = estimate_areas(judged("2023"), strata, AreaSettings())

    assert figure(table, "area", period="2023")["value"] == pytest.approx(150)
    assert np.isnan(figure(table, "area", period="2024")["value"])
    assert np.isnan(figure(table, "net_change", period="2023 to 2024")["value"])
    assert "Too few places are judged" in explain_difference(table, "2024")


def test_a_sample_of_which_one_place_is_judged_is_refused() -> None:
    with pytest.raises(BadInputError, match="No stratum has two judged places yet"):
        estimate_areas(judged()[:1], strata_of(MAPPED), AreaSettings())


def test_a_sample_without_the_area_of_a_stratum_is_refused() -> None:
    with pytest.raises(BadInputError, match="no area of the stratum low_probability"):
        estimate_areas(judged(), strata_of({"mine": 100.0, "near_mine": 10.0}), AreaSettings())
