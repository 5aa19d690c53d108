"""Nodes of sampling."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from mining_the_mines.assessment.settings import SamplingSettings, StrataSettings
from mining_the_mines.geo.mine_polygons import MinePolygons, read_mine_polygons
from mining_the_mines.mapping.scene_map import SceneMaps
from mining_the_mines.monitoring.period_results import PeriodResult
from mining_the_mines.monitoring.periods import Period
from mining_the_mines.pipelines.sampling.nodes import (
    answer_from_period_truth,
    answer_from_truth,
    draw_period_sample,
    draw_sample,
)
from support.made_maps import make_map, probabilities
from support.scene_maps import UTM, field

FEW = SamplingSettings(places=40, minimum=5, strata=StrataSettings(near_metres=50))
MORE = FEW.model_copy(update={"places": 80})


@pytest.fixture
def scene_maps(tmp_path: Path) -> SceneMaps:
    return SceneMaps((make_map(tmp_path, probabilities()),), ())


def known_mines(scene_maps: SceneMaps, folder: Path) -> MinePolygons:
    scene_maps.maps[0].mines.to_file(folder / "mines.gpkg", engine="pyogrio")
    return read_mine_polygons(folder / "mines.gpkg")


def test_a_larger_sample_says_that_it_adds_to_the_last(scene_maps: SceneMaps, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    first, _ = draw_sample(scene_maps, None, FEW, None)
    second, _ = draw_sample(scene_maps, None, MORE, first)

    assert set(first["place_id"]) < set(second["place_id"])
    assert f"{len(second) - len(first)} places are added to the last {len(first)}" in caplog.text


def test_a_map_made_again_is_told(scene_maps: SceneMaps, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    first, _ = draw_sample(scene_maps, None, FEW, None)
    changed = probabilities()
    changed[50, 3] = 0.9
    draw_sample(SceneMaps((make_map(tmp_path / "again", changed),), ()), None, FEW, first)

    assert "The map of tapajos was made again since the last sample was drawn." in caplog.text
    assert "--load-versions=sample:VERSION" in caplog.text


def test_simulated_ground_answers_for_itself(scene_maps: SceneMaps, tmp_path: Path) -> None:
    sample, _ = draw_sample(scene_maps, None, FEW, None)
    mines = known_mines(scene_maps, tmp_path)
    answers, areas = answer_from_truth(sample, scene_maps, None, mines, {"settings": {}}, None)

    assert set(answers["reviewer"]) == {"simulated truth"}
    assert (answers["answer"] == "mine").sum() == (sample["map_class"] == "mine").sum()
    assert areas["hectares"].sum() == pytest.approx(1.16, rel=0.01)


@pytest.mark.parametrize(("series", "scene"), [({}, None), (None, None), ({"settings": {}}, "scene.tif")])
def test_real_ground_has_no_such_answers(
    scene_maps: SceneMaps, tmp_path: Path, series: dict[str, object] | None, scene: str | None
) -> None:
    sample, _ = draw_sample(scene_maps, None, FEW, None)
    answers, areas = answer_from_truth(sample, scene_maps, None, known_mines(scene_maps, tmp_path), series, scene)

    assert answers.empty
    assert areas.empty


def test_each_period_has_places_of_its_own_and_unseen_ones_none(scene_maps: SceneMaps) -> None:
    years = [Period(str(year), date(year, 1, 1), date(year, 12, 31)) for year in (2022, 2023, 2024)]
    results = [
        PeriodResult(years[0], scene_maps),
        PeriodResult(years[1], None, "clouds"),
        PeriodResult(years[2], scene_maps),
    ]
    sample, strata = draw_period_sample(results, None, FEW, None)

    assert set(sample["period"]) == set(strata["period"]) == {"2022", "2024"}
    assert np.isclose(sample.groupby("period")["weight"].sum(), 35, rtol=0.01).all()


def test_periods_are_answered_by_the_outlines_of_their_time(tmp_path: Path) -> None:
    maps = {}
    for year in (2022, 2024):
        found = make_map(tmp_path / str(year), probabilities())
        facts = replace(found.record.facts, first_date=date(year, 6, 1), last_date=date(year, 9, 30))
        maps[year] = SceneMaps((replace(found, record=replace(found.record, facts=facts)),), ())
    results = [
        PeriodResult(Period(str(year), date(year, 1, 1), date(year, 12, 31)), found) for year, found in maps.items()
    ]
    opened, grown = field(50, -150, 50, 100), field(50, -150, 100, 100)
    states = gpd.GeoDataFrame(
        {"region": ["tapajos"] * 2, "valid_from": pd.to_datetime(["2020-01-01", "2023-01-01"]),
         "valid_to": pd.to_datetime(["2022-12-31", "NaT"])}, geometry=[opened, grown], crs=UTM,
    )  # fmt: skip
    states.to_crs(4326).to_file(tmp_path / "mines.gpkg", engine="pyogrio")
    sample, _ = draw_period_sample(results, None, MORE, None)
    answers, areas = answer_from_period_truth(sample, results, None, {"settings": {}}, tmp_path)

    assert set(answers["place_id"]) == set(sample["place_id"])
    assert areas.set_index("period")["hectares"].to_dict() == pytest.approx({"2022": 0.5, "2024": 1.0}, rel=0.01)


def test_real_periods_have_no_such_answers(scene_maps: SceneMaps, tmp_path: Path) -> None:
    results = [PeriodResult(Period("2022", date(2022, 1, 1), date(2022, 12, 31)), scene_maps)]
    sample, _ = draw_period_sample(results, None, FEW, None)

    assert all(table.empty for table in answer_from_period_truth(sample, results, None, {}, tmp_path))
