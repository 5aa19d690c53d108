"""Clouds, their shadows and their surroundings are masked; the ground is not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydantic import ValidationError

from mining_the_mines.sentinel2.scene_classification import MASKED, ClearSkySettings, SceneClass, clear_pixels


def ground(*places: tuple[int, int, SceneClass], size: int = 9) -> np.ndarray:
    """Vegetation, and single pixels (row, column) of other classes."""
    classes = np.full((size, size), SceneClass.VEGETATION, np.uint8)
    for row, column, kind in places:
        classes[row, column] = kind
    return classes


@pytest.mark.parametrize("kind", SceneClass)
def test_classes(kind: SceneClass) -> None:
    clear = clear_pixels(ground((4, 4, kind)), ClearSkySettings(dilation_metres=0), 10)
    assert clear[4, 4] == (kind not in MASKED)
    assert clear.sum() == clear.size - (kind in MASKED)


@pytest.mark.parametrize(("metres", "pixel", "masked"), [(40, 20, 13), (20, 20, 5), (19, 20, 1), (20, 10, 13)])
def test_dilation(metres: float, pixel: float, masked: int) -> None:
    classes = ground((4, 4, SceneClass.CLOUD_HIGH_PROBABILITY))
    clear = clear_pixels(classes, ClearSkySettings(dilation_metres=metres), pixel)
    assert (~clear).sum() == masked
    np.testing.assert_array_equal(clear, clear[::-1, ::-1])


@pytest.mark.parametrize("kind", [SceneClass.NO_DATA, SceneClass.SATURATED_OR_DEFECTIVE])
def test_swath_edges(kind: SceneClass) -> None:
    assert (~clear_pixels(ground((4, 4, kind)), ClearSkySettings(dilation_metres=60), 10)).sum() == 1


def test_dates() -> None:
    dates = np.stack([ground((4, 4, SceneClass.THIN_CIRRUS)), ground()])
    clear = clear_pixels(dates, ClearSkySettings(), 20)
    assert not clear[0].all()
    assert clear[1].all()


@given(hnp.arrays(np.uint8, (2, 6, 7), elements=st.integers(0, 11)), st.floats(0, 80))
def test_dilation_only_masks(classes: np.ndarray, metres: float) -> None:
    plain = clear_pixels(classes, ClearSkySettings(dilation_metres=0), 20)
    grown = clear_pixels(classes, ClearSkySettings(dilation_metres=metres), 20)
    assert grown.shape == classes.shape
    assert not (grown & ~plain).any()


def test_names_and_codes() -> None:
    settings = ClearSkySettings.model_validate({"masked": ["cloud_shadow", 10]})
    assert settings.masked == (SceneClass.CLOUD_SHADOW, SceneClass.THIN_CIRRUS)
    assert not clear_pixels(np.array([[12, 255]], np.uint8), ClearSkySettings(), 20).any()


@pytest.mark.parametrize("entry", ["clouds", 12, 3.5])
def test_unknown_class(entry: object) -> None:
    with pytest.raises(ValidationError, match=rf"{entry!r} is no class .* no_data, .*, snow_or_ice"):
        ClearSkySettings.model_validate({"masked": [entry]})
