"""A composite has what its clear dates have, and no data where there are too few."""

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from conftest import REAL_CHIPS
from mining_the_mines.sentinel2.compositing import CompositeSettings, Method, composite
from support.dates import Mask, Numbers, dates_and_sky, random_dates

METHODS: tuple[Method, ...] = ("median", "geomedian", "medoid")


@given(dates_and_sky(), st.integers(1, 4), st.sampled_from(METHODS))
@settings(deadline=None)
def test_pixels_with_too_few_clear_dates_have_no_data_and_only_these(
    dates: tuple[Numbers, Mask], minimum: int, method: Method
) -> None:
    numbers, clear = dates
    picture, counts = composite(numbers, clear, CompositeSettings(method=method, minimum_clear_dates=minimum))
    seen = (clear & (numbers != 0).all(axis=1)).sum(axis=0)
    np.testing.assert_array_equal(counts, seen)
    np.testing.assert_array_equal(picture == 0, np.broadcast_to(seen < minimum, picture.shape))
    assert picture.dtype == counts.dtype == np.uint16


@pytest.mark.parametrize("method", METHODS)
def test_one_clear_date_is_its_own_composite(method: Method) -> None:
    numbers, _ = random_dates(1, bands=5)
    numbers[numbers == 0] = 1
    picture, counts = composite(numbers, np.ones((1, 8, 8), bool), CompositeSettings(method=method))
    np.testing.assert_array_equal(picture, numbers[0])
    assert (counts == 1).all()


@pytest.mark.parametrize("method", METHODS)
def test_clouds_do_not_shine_through(method: Method) -> None:
    ground = np.full((6, 3, 4, 4), 1800, np.uint16)
    ground[[1, 4], :, :2] = 9000
    picture, counts = composite(ground, ground[:, 0] < 9000, CompositeSettings(method=method))
    assert (picture == 1800).all()
    np.testing.assert_array_equal(counts[:, 0], [4, 4, 6, 6])


def test_halves_are_rounded_to_even() -> None:
    numbers = np.array([[10, 11], [11, 12]], np.uint16)[:, :, None, None]
    assert composite(numbers, np.ones((2, 1, 1), bool), CompositeSettings())[0].ravel().tolist() == [10, 12]


def test_unknown_method_is_rejected_with_those_there_are() -> None:
    with pytest.raises(ValidationError, match=r"'median', 'geomedian' or 'medoid'"):
        CompositeSettings.model_validate({"method": "mean"})


@pytest.mark.real_chips
def test_real_dates_give_median_of_what_is_not_masked() -> None:
    scenes = sorted((REAL_CHIPS / "timeseries_l1c").glob("*.tif"))
    numbers = np.stack([rasterio.open(scene).read() for scene in scenes])
    picture, counts = composite(numbers, np.ones(numbers[:, 0].shape, bool), CompositeSettings())
    assert numbers.shape[:2] == (5, 13)
    never = np.zeros(counts.shape, bool)
    for row, column in np.ndindex(*counts.shape):
        dates = [spectrum for spectrum in numbers[:, :, row, column] if spectrum.all()]
        assert counts[row, column] == len(dates)
        never[row, column] = not dates
        if dates:
            by_band = [sorted(int(number) for number in band if number) for band in numbers[:, :, row, column].T]
            middle = [(band[(len(band) - 1) // 2] + band[len(band) // 2]) / 2 for band in by_band]
            assert picture[:, row, column].tolist() == [round(number) for number in middle]
    assert 0 < never.mean() < 0.5
    assert (picture[:, never] == 0).all()
