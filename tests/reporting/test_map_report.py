"""The report shows maps beside all else, or alone, and stays one file that fetches nothing."""

import dataclasses
import re

import pytest

from mining_the_mines.reporting import MapData, ReportData, render_report
from support.report_maps import make_maps, make_view


@pytest.fixture(scope="module")
def maps() -> MapData:
    return make_maps()


@pytest.fixture(scope="module")
def report(contents: ReportData, maps: MapData) -> str:
    return render_report(dataclasses.replace(contents, maps=maps))


def test_maps_stand_in_the_answer_and_in_sections_of_their_own(report: str) -> None:
    answer = report[report.index('id="answer"') : report.index("</section>")]
    assert "Where are mines in whole scenes?" in answer
    assert "of the mapped mines are reference mines" in answer
    for name in ("maps", "map-scores", "permits"):
        assert report.count(f'id="{name}"') == 1
        assert f'href="#{name}"' in report


def test_no_id_stands_twice(report: str) -> None:
    ids = re.findall(r'\bid="([^"]+)"', report)
    assert len(ids) == len(set(ids))


def test_scenes_are_shown_with_and_without_outlines(report: str) -> None:
    assert report.count('<svg class="map"') == 2
    assert report.count("in true colour") >= 2


def test_nothing_is_fetched_or_linked(report: str) -> None:
    fetched = re.findall(r'(?:src|href)="(?!#|data:)([^"]+)"', report)
    assert fetched == []
    assert "<script" not in report


def test_names_of_areas_are_escaped(report: str) -> None:
    assert "Serra &lt;do&gt; Cachimbo" in report
    assert "<do>" not in report


def test_a_report_on_maps_alone_is_whole() -> None:
    page = render_report(ReportData("Maps", maps=MapData((make_view(),))))
    lead = "On the map of tapajos, which covers 4 km²"
    assert page.count(lead) == 1
    assert "Where are mines in whole scenes?" not in page
    assert 'id="map-scores"' not in page
    assert 'id="permits"' not in page


def test_a_report_without_maps_has_no_word_of_them(contents: ReportData) -> None:
    page = render_report(contents)
    assert 'id="maps"' not in page
    assert "whole scenes" not in page


def test_a_report_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="or maps: run the pipeline evaluation or mapping first"):
        render_report(ReportData("Nothing"))
