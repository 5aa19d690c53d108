"""The part of the report on estimated areas."""

import pandas as pd

from mining_the_mines.assessment.agreement import measure_agreement
from mining_the_mines.assessment.answers import judge_places
from mining_the_mines.assessment.area_estimates import estimate_areas, without_estimates
from mining_the_mines.assessment.settings import AreaSettings
from mining_the_mines.pipelines.reporting.map_nodes import describe_areas
from mining_the_mines.reporting.area_part import AreaData, arrange_areas
from mining_the_mines.reporting.page import template_environment
from support.judged_samples import answers_of, sample_of, strata_of

COUNTS = {"mine": 10, "near_mine": 10}
FIRST = ["mine"] * 8 + ["no_mine"] * 12
SECOND = ["mine"] * 7 + ["no_mine", "cannot_tell"] + ["no_mine"] * 11


def data(*reviewers: str) -> AreaData:
    given = answers_of(dict(zip(reviewers, (FIRST, SECOND), strict=False)))
    judged = judge_places(given, sample_of(COUNTS), AreaSettings())
    places = judged.places.assign(reviewers="; ".join(reviewers))
    estimates = estimate_areas(places, strata_of({"mine": 100.0, "near_mine": 900.0}), AreaSettings())
    return describe_areas(estimates, places, measure_agreement(judged.answers), judged.disagreements)


def page(found: AreaData) -> str:
    return " ".join(template_environment().get_template("areas.html.jinja").render(areas=arrange_areas(found)).split())


def test_the_estimate_stands_beside_the_pixel_count_with_the_reason() -> None:
    text = page(data("Ana"))

    assert "Area of mines, estimated" in text
    assert "Area of mines, counted on the map" in text
    assert "The map counts 100.0 ha of mines. Of these, 20.0 ha are no mine" in text
    assert "20 places of a stratified random sample were judged by Ana." in text


def test_answers_of_the_simulation_are_called_so() -> None:
    assert "no review by people" in page(data("simulated truth"))
    assert "no review by people" not in page(data("Ana"))


def test_reviewers_who_differ_are_shown_with_their_agreement() -> None:
    text = page(data("Ana", "Bo"))

    assert "Agreement of reviewers" in text
    assert "Ana: mine; Bo: no_mine" in text
    assert "Nobody could tell at 1 of them." in text


def test_before_any_answer_there_is_no_such_part() -> None:
    nothing = pd.DataFrame(columns=["reviewers"])

    assert arrange_areas(describe_areas(without_estimates(), nothing, nothing, nothing)) is None
