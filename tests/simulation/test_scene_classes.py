"""The simulated scene classification, with Sen2Cor's errors."""

import numpy as np
import pytest

from mining_the_mines.sentinel2.scene_classification import SceneClass
from mining_the_mines.simulation import Landscape, Sky, observe_native
from mining_the_mines.simulation.clouds import ERRORS, CloudKind, Clouds, Weather, classify, grow_clouds
from mining_the_mines.simulation.spectra import Material
from support.simulated_regions import landscape, made_of

CLOUDY = (SceneClass.CLOUD_MEDIUM_PROBABILITY, SceneClass.CLOUD_HIGH_PROBABILITY)


@pytest.fixture(scope="module")
def region() -> Landscape:
    return landscape()


def seen(region: Landscape, weather: Weather, seed: int = 0) -> tuple[np.ndarray, Clouds]:
    """Classes of 20 m, and the clouds averaged to it."""
    rng = np.random.default_rng(seed)
    clouds = grow_clouds(region.pixels, weather, Sky().sun, rng)
    classes = classify(observe_native(region, Sky(haze=0.0), rng, clouds), clouds, rng)
    half = region.pixels // 2
    opacity, brightness, cirrus, shadow = (
        field.reshape(half, 2, half, 2).mean(axis=(1, 3))
        for field in (clouds.opacity, clouds.brightness, clouds.cirrus, clouds.shadow)
    )
    return classes, Clouds(opacity, brightness, cirrus, shadow)


@pytest.mark.parametrize("kind", list(CloudKind))
def test_clouds(region: Landscape, kind: CloudKind) -> None:
    classes, clouds = seen(region, Weather(0.5, kind))
    cloudy = np.isin(classes, CLOUDY)
    assert cloudy[clouds.opacity > 0.6].all()
    thin = (clouds.opacity > 0.02) & (clouds.opacity < 0.12)
    assert cloudy[thin].mean() < 0.1


def test_missed_shadows(region: Landscape) -> None:
    found, deep = [], []
    for seed in range(6):
        classes, clouds = seen(region, Weather(0.25), seed)
        shaded = (clouds.shadow > 0.5) & (clouds.opacity < 0.01)
        found.append(np.count_nonzero(classes[shaded] == SceneClass.CLOUD_SHADOW))
        deep.append(np.count_nonzero(shaded))
    assert 0.5 * ERRORS.missed_shadow < 1 - sum(found) / sum(deep) < 2 * ERRORS.missed_shadow


def test_cirrus(region: Landscape) -> None:
    classes, clouds = seen(region, Weather(0.0, cirrus=0.5))
    assert (classes[clouds.cirrus > 0.1] == SceneClass.THIN_CIRRUS).all()
    assert not (classes[clouds.cirrus < 0.01] == SceneClass.THIN_CIRRUS).any()


@pytest.mark.parametrize(
    ("material", "called"),
    [
        (Material.CANOPY, SceneClass.VEGETATION),
        (Material.TRACK, SceneClass.NOT_VEGETATED),
        (Material.PROCESS_WATER, SceneClass.WATER),
    ],
)
def test_clear_ground(region: Landscape, material: Material, called: SceneClass) -> None:
    classes, _ = seen(made_of(region, material), Weather(0.0))
    assert (classes == called).mean() > 0.7


def test_false_clouds(region: Landscape) -> None:
    classes, _ = seen(made_of(region, Material.CONCRETE, brightness=1.5), Weather(0.0))
    assert np.isin(classes, CLOUDY).mean() == pytest.approx(ERRORS.false_cloud, abs=0.03)


def test_false_shadows(region: Landscape) -> None:
    classes, _ = seen(made_of(region, Material.LAKE), Weather(0.0))
    assert (classes == SceneClass.CLOUD_SHADOW).mean() == pytest.approx(ERRORS.false_shadow, abs=0.05)
