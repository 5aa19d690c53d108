"""How runs compare is told in sentences that a reader can act on."""

import dataclasses
import re

import pandas as pd
import pytest

from mining_the_mines.reporting import MapData, ReportData, render_report
from mining_the_mines.reporting.comparison_part import arrange_comparison, verdict_sentence
from mining_the_mines.scoring.run_comparison import RunComparison, compare_with
from support.report_maps import make_view
from support.scored_runs import QUICK, make_scored_run, with_other_chips


@pytest.fixture(scope="module")
def comparison() -> RunComparison:
    """A better classifier that outlines worse, beside its rival and beside one with other chips."""
    this = make_scored_run("this run", better=0.4, skill=0.7, parameters={"epochs": "40", "seed": "0"})
    others = dataclasses.replace(with_other_chips(make_scored_run("run b")), made_of={"git_commit": "b" * 40})
    return compare_with(this, [make_scored_run("run a"), others], QUICK)


def test_a_real_difference_is_called_real_and_says_for_whom(comparison: RunComparison) -> None:
    sentences = arrange_comparison(comparison).sentences
    detection = next(text for text in sentences if "ROC AUC" in text and "out-of-fold" in text)
    assert "150 out-of-fold chips of 30 places" in detection
    assert "the difference is real, and this run is better" in detection
    outlines = next(text for text in sentences if "IoU" in text and "out-of-fold" in text)
    assert "the difference is real, and this run is worse" in outlines


def test_runs_on_other_chips_are_not_compared_and_it_says_why(comparison: RunComparison) -> None:
    told = [text for text in arrange_comparison(comparison).sentences if "can't be compared" in text]
    assert len(told) == 4
    assert all("of the same name but not the same picture" in text for text in told)


def test_only_what_differs_stands_in_the_tables(comparison: RunComparison) -> None:
    part = arrange_comparison(comparison)
    assert part.parameters is not None
    assert [row.name for row in part.parameters.rows] == ["epochs"]
    assert part.parameters_of_some is None
    assert part.made_of is not None
    assert {row.name: row.cells[0].text for row in part.made_of.rows}["Commit"] == "a" * 12
    assert part.alike == ""


def test_parameters_that_only_some_runs_tell_stand_in_a_table_of_their_own() -> None:
    this = make_scored_run("this run", parameters={"epochs": "20", "seed": "0", "new": "1"})
    part = arrange_comparison(compare_with(this, [make_scored_run("run a")], QUICK))
    assert part.parameters is None
    assert part.parameters_of_some is not None
    assert [row.name for row in part.parameters_of_some.rows] == ["new"]
    assert "the same parameters" in part.alike


def test_few_places_are_a_caveat(comparison: RunComparison) -> None:
    assert any("only 5 places" in caveat for caveat in arrange_comparison(comparison).caveats)


def test_runs_that_agree_need_no_table_of_differences() -> None:
    comparison = compare_with(make_scored_run("this run"), [make_scored_run("run a")], QUICK)
    part = arrange_comparison(comparison)
    assert all("agree to the last digit" in sentence for sentence in part.sentences)
    assert part.difference_tables == ()
    assert part.alike == "As far as they are known, the runs have the same code and data and the same parameters."


def test_each_verdict_has_its_words(comparison: RunComparison) -> None:
    pair = next(pair for pair in comparison.pairs if pair.question == "detection" and not pair.obstacle)
    row: dict[str, object] = {"metric": "roc_auc", "value": 0.1, "low": -0.1, "high": 0.2, "verdict": "unclear"}
    for changes, words in (
        ({}, "that can be chance"),
        ({"low": float("nan"), "high": float("nan")}, "all of them lie in one place"),
        ({"value": float("nan"), "verdict": "undefined"}, "is not defined"),
    ):
        table = pd.DataFrame([row | changes])
        assert words in verdict_sentence(dataclasses.replace(pair, differences=table))


def test_models_are_named_where_the_runs_have_chosen_different_ones() -> None:
    this = dataclasses.replace(make_scored_run("this run"), chosen="baseline")
    sentence = verdict_sentence(compare_with(this, [make_scored_run("run a")], QUICK).pairs[1])
    assert "this run (the baseline)" in sentence
    assert "run a (the blend of models)" in sentence


def test_the_report_has_a_section_only_if_runs_are_compared(comparison: RunComparison) -> None:
    contents = ReportData("Maps", maps=MapData((make_view(),)))
    page = render_report(dataclasses.replace(contents, comparison=comparison))
    assert page.count('id="comparison"') == 1
    assert 'href="#comparison"' in page
    assert "How does this run compare?" in page
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert "How does this run compare?" not in render_report(contents)
