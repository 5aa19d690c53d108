"""Regions that an encoder learns from."""

import numpy as np
import pytest
from pydantic import ValidationError

from mining_the_mines.pretraining.regions import simulate_region
from mining_the_mines.pretraining.settings import RegionSettings
from mining_the_mines.simulation.canvas import Cover
from mining_the_mines.simulation.settings import SeriesSettings

SMALL = RegionSettings(pixels=120, mines=(2, 3))


def test_region_depends_on_its_number_alone() -> None:
    one, again, other = (simulate_region(SMALL, number) for number in (4, 4, 5))
    assert np.array_equal(one.reflectance, again.reflectance)
    assert not np.array_equal(one.reflectance, other.reflectance)


def test_ground_is_known_everywhere() -> None:
    region = simulate_region(SMALL, 1)
    assert region.reflectance.shape == (12, 120, 120)
    assert np.isfinite(region.reflectance).all()
    assert region.mine.max() == 1
    dug = region.mine[region.cover == Cover.MINE]
    assert dug.mean() > 0.8
    assert 0 < region.mine.mean() < 0.5


def test_no_region_of_the_default_run() -> None:
    settings = RegionSettings()
    assert not set(settings.provinces) & set(SeriesSettings().provinces)
    assert settings.seed != SeriesSettings().seed
    places = {simulate_region(SMALL, number).place.name for number in range(6)}
    assert places <= set(settings.provinces)
    assert len(places) > 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"provinces": ["mordor"]}, "no province 'mordor'"),
        ({"mines": [3, 2]}, "mines must be two numbers from 0 to 36"),
    ],
)
def test_wrong_settings(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        RegionSettings.model_validate(wrong)
