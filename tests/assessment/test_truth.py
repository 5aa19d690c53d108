"""Answers and areas from known mines."""

from pathlib import Path

import numpy as np
import pytest
import shapely

from mining_the_mines.assessment.drawing import draw_sample
from mining_the_mines.assessment.settings import SamplingSettings, StrataSettings
from mining_the_mines.assessment.strata import MapToSample
from mining_the_mines.assessment.truth import answer_from_polygons, known_areas
from support.made_maps import make_map, probabilities
from support.scene_maps import areas_of, field


@pytest.fixture
def source(tmp_path: Path) -> MapToSample:
    return MapToSample(make_map(tmp_path, probabilities()))


def test_a_perfect_map_agrees_with_the_truth(source: MapToSample) -> None:
    settings = SamplingSettings(places=100, strata=StrataSettings(near_metres=30))
    places = draw_sample([source], settings).places
    mines = source.scene_map.mines.to_crs(4326).geometry.to_numpy()

    assert (answer_from_polygons(places, mines) == places["map_class"]).all()
    known = known_areas([(source, mines)])["hectares"].sum()
    assert known == pytest.approx(places.loc[places["map_class"] == "mine", "weight"].sum())


def test_ground_without_data_and_other_units_do_not_count(source: MapToSample, tmp_path: Path) -> None:
    everywhere = np.array([shapely.box(-58, -7, -56, -5)])
    units = areas_of(tmp_path, Norte=field(0, -300, 600, 300))
    known = known_areas([(source, everywhere)], units).set_index("unit")["hectares"]

    assert known.sum() == pytest.approx(35, rel=0.002)
    assert known["Norte"] == pytest.approx(18, rel=0.002)
