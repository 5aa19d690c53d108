"""Estimators against the worked examples of their papers."""

import numpy as np
import pytest

from mining_the_mines.assessment.estimators import Estimate, StratifiedSample, difference, jeffreys, share_of
from mining_the_mines.core.errors import BadInputError
from support.worked_examples import OLOFSSON, STEHMAN, WorkedExample


def area(example: WorkedExample, name: str) -> Estimate:
    return example.sample.total(example.reference == name)


def users(example: WorkedExample, name: str) -> Estimate:
    return example.sample.ratio(example.agrees & (example.mapped == name), example.mapped == name)


def producers(example: WorkedExample, name: str) -> Estimate:
    return example.sample.ratio(example.agrees & (example.reference == name), example.reference == name)


def test_areas_are_those_of_olofsson_2014() -> None:
    # Page 54; pixels of 30 m are 0.09 ha, and the paper takes 1.96 standard errors.
    areas = {name: area(OLOFSSON, name) for name in OLOFSSON.classes}
    hectares = [(round(0.09 * figure.value), round(0.09 * 1.96 * figure.standard_error)) for figure in areas.values()]

    assert hectares == [(21_158, 6_158), (11_686, 3_756), (285_770, 15_510), (581_386, 16_282)]
    assert round(areas["deforestation"].value) == 235_086
    assert round(1.96 * areas["deforestation"].standard_error) == 68_418


def test_accuracies_are_those_of_olofsson_2014() -> None:
    # As the R package mapaccuracy gives them, too.
    found = [
        (round(figure.value, 2), round((figure.upper - figure.lower) / 2, 2))
        for figure in (
            *(users(OLOFSSON, name) for name in OLOFSSON.classes),
            *(producers(OLOFSSON, name) for name in OLOFSSON.classes),
            OLOFSSON.sample.ratio(OLOFSSON.agrees, np.ones(len(OLOFSSON.agrees))),
        )
    ]

    assert found == [
        (0.88, 0.07), (0.73, 0.10), (0.93, 0.04), (0.96, 0.02),
        (0.75, 0.21), (0.85, 0.25), (0.93, 0.03), (0.96, 0.02),
        (0.95, 0.02),
    ]  # fmt: skip


def test_figures_are_those_of_stehman_2014() -> None:
    whole = STEHMAN.sample.total_area
    a, c = (area(STEHMAN, name).times(1 / whole) for name in "AC")
    overall = STEHMAN.sample.total(STEHMAN.agrees).times(1 / whole)
    cell = STEHMAN.sample.total((STEHMAN.mapped == "B") & (STEHMAN.reference == "C")).times(1 / whole)

    assert [round(figure.value, 3) for figure in (a, c, overall, cell)] == [0.35, 0.2, 0.63, 0.08]
    assert [round(figure.standard_error, 3) for figure in (a, c, overall)] == [0.082, 0.064, 0.085]
    assert (round(users(STEHMAN, "B").value, 3), round(users(STEHMAN, "B").standard_error, 3)) == (0.574, 0.125)
    assert (round(producers(STEHMAN, "B").value, 3), round(producers(STEHMAN, "B").standard_error, 3)) == (0.794, 0.117)


def test_shares_have_the_value_and_error_of_totals() -> None:
    flags = OLOFSSON.reference == "deforestation"
    share, total = OLOFSSON.sample.share(flags), OLOFSSON.sample.total(flags)

    assert share.times(OLOFSSON.sample.total_area).value == pytest.approx(total.value)
    assert share.times(OLOFSSON.sample.total_area).standard_error == pytest.approx(total.standard_error)
    assert share.lower < share.value < share.upper


def test_a_stratum_without_a_find_still_widens_the_interval() -> None:
    sample = StratifiedSample.of(["mine"] * 50 + ["rest"] * 50, {"mine": 10.0, "rest": 990.0})
    share = sample.share(np.arange(100) < 40)

    assert share.upper > share.value + 0.03
    assert share.lower == pytest.approx(share.value, abs=0.002)


def test_a_stratum_that_was_judged_as_a_whole_adds_no_error() -> None:
    sample = StratifiedSample.of(["mine"] * 5, {"mine": 5.0}, {"mine": 5})
    share = sample.share(np.array([True, True, False, True, True]))

    assert (share.value, share.standard_error) == (0.8, 0)
    assert share.upper - share.lower < 1e-4


def test_jeffreys_interval_is_that_of_brown_2001() -> None:
    # Table 5 of Brown, Cai & DasGupta (2001), ten places.
    lower, upper = jeffreys(np.array([0, 0.1, 0.2, 0.5]), np.full(4, 10.0))

    assert lower.round(3).tolist() == [0, 0.011, 0.044, 0.224]
    assert upper.round(3).tolist() == [0.217, 0.381, 0.503, 0.776]


def test_a_share_of_two_estimates_has_the_error_of_the_ratio() -> None:
    sample = OLOFSSON.sample
    found = OLOFSSON.agrees & (OLOFSSON.reference == "deforestation")
    missed = ~OLOFSSON.agrees & (OLOFSSON.reference == "deforestation")
    share = share_of(sample.share(found), sample.share(missed))
    ratio = producers(OLOFSSON, "deforestation")

    assert share.value == pytest.approx(ratio.value)
    assert share.standard_error == pytest.approx(ratio.standard_error)
    assert 0 < share.lower < share.value < share.upper < 1


def test_a_share_of_nothing_is_unknown() -> None:
    assert np.isnan(share_of(Estimate(0, 0, 0, 0.1), Estimate(0, 0, 0, 0.1)).value)


def test_a_share_without_a_miss_ends_at_one() -> None:
    share = share_of(Estimate(0.01, 0.001, 0.008, 0.012), Estimate(0, 0, 0, 0.002))

    assert (share.value, share.upper) == (1, 1)
    assert 0.7 < share.lower < 0.9


def test_differences_keep_the_longer_arm() -> None:
    change = difference(Estimate(10, 1, 9, 14), Estimate(4, 1, 3, 6))

    assert change.value == 6
    assert change.lower == pytest.approx(6 - np.hypot(1, 2))
    assert change.upper == pytest.approx(6 + np.hypot(4, 1))


@pytest.mark.parametrize(("places", "words"), [(1, "one judged place"), (0, "no judged place")])
def test_a_stratum_with_too_few_places_is_refused(places: int, words: str) -> None:
    with pytest.raises(BadInputError, match=f"The stratum mine has {words}"):
        StratifiedSample.of(["mine"] * places + ["rest"] * 5, {"mine": 1.0, "rest": 9.0})


def test_a_sample_without_the_area_of_a_stratum_is_refused() -> None:
    with pytest.raises(BadInputError, match="no area of the stratum rest"):
        StratifiedSample.of(["mine", "mine", "rest"], {"mine": 1.0})
