"""Composites over time: median, geomedian and medoid."""

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.optimize import minimize

from conftest import REAL_CHIPS
from mining_the_mines.sentinel2.compositing import CompositeSettings, Method, composite, geomedian, medoid
from support.dates import Mask, Numbers, dates_and_sky, random_dates

METHODS: tuple[Method, ...] = ("median", "geomedian", "medoid")


@given(dates_and_sky(), st.integers(1, 4), st.sampled_from(METHODS))
@settings(max_examples=40, deadline=None)
def test_minimum_clear_dates(dates: tuple[Numbers, Mask], minimum: int, method: Method) -> None:
    numbers, clear = dates
    picture, counts = composite(numbers, clear, CompositeSettings(method=method, minimum_clear_dates=minimum))
    seen = (clear & (numbers != 0).all(axis=1)).sum(axis=0)
    np.testing.assert_array_equal(counts, seen)
    np.testing.assert_array_equal(picture == 0, np.broadcast_to(seen < minimum, picture.shape))
    assert picture.dtype == counts.dtype == np.uint16


@pytest.mark.parametrize("method", METHODS)
def test_single_date(method: Method) -> None:
    numbers, _ = random_dates(1, bands=5)
    numbers[numbers == 0] = 1
    picture, counts = composite(numbers, np.ones((1, 8, 8), bool), CompositeSettings(method=method))
    np.testing.assert_array_equal(picture, numbers[0])
    assert (counts == 1).all()


@pytest.mark.parametrize("method", METHODS)
def test_clouds(method: Method) -> None:
    ground = np.full((6, 3, 4, 4), 1800, np.uint16)
    ground[[1, 4], :, :2] = 9000
    picture, counts = composite(ground, ground[:, 0] < 9000, CompositeSettings(method=method))
    assert (picture == 1800).all()
    np.testing.assert_array_equal(counts[:, 0], [4, 4, 6, 6])


def test_halves() -> None:
    numbers = np.array([[10, 11], [11, 12]], np.uint16)[:, :, None, None]
    assert composite(numbers, np.ones((2, 1, 1), bool), CompositeSettings())[0].ravel().tolist() == [10, 12]


def test_unknown_method() -> None:
    with pytest.raises(ValidationError, match=r"'median', 'geomedian' or 'medoid'"):
        CompositeSettings.model_validate({"method": "mean"})


@pytest.mark.real_chips
def test_real_dates() -> None:
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


def summed_distance(spectrum: np.ndarray, spectra: np.ndarray) -> float:
    return float(np.linalg.norm(spectra - spectrum, axis=1).sum())


def slope(spectrum: np.ndarray, spectra: np.ndarray) -> np.ndarray:
    away = spectrum - spectra
    return np.asarray((away / np.linalg.norm(away, axis=1, keepdims=True)).sum(axis=0))


def clear_spectra(numbers: Numbers, clear: Mask, row: int, column: int) -> np.ndarray:
    """The spectra of a pixel's clear dates, (dates, bands)."""
    spectra = numbers[:, :, row, column].astype(float)
    return np.asarray(spectra[clear[:, row, column] & (spectra > 0).all(axis=1)])


@pytest.mark.parametrize(("dates", "bands"), [(9, 3), (10, 12), (11, 4)])
def test_geomedian_by_optimiser(dates: int, bands: int) -> None:
    numbers, clear = random_dates(dates, bands, size=4, masked=0.1)
    numbers[numbers == 0] = 1
    found = geomedian(numbers, clear)
    for row, column in np.ndindex(4, 4):
        spectra = clear_spectra(numbers, clear, row, column)
        best = minimize(summed_distance, spectra.mean(axis=0), (spectra,), jac=slope, method="BFGS", tol=1e-8)
        assert summed_distance(found[:, row, column], spectra) <= best.fun + 0.01
        np.testing.assert_allclose(found[:, row, column], best.x, atol=0.5)


@given(dates_and_sky())
@settings(max_examples=40, deadline=None)
def test_geomedian_is_central(dates: tuple[Numbers, Mask]) -> None:
    found = geomedian(*dates)
    for row, column in np.ndindex(found.shape[1:]):
        spectra = clear_spectra(*dates, row, column)
        assert np.isnan(found[:, row, column]).all() == (len(spectra) == 0)
        if len(spectra):
            nearest = min(summed_distance(spectrum, spectra) for spectrum in spectra)
            # Of dates in two groups of a size, the sum is all but the same anywhere between them.
            assert summed_distance(found[:, row, column], spectra) <= 1.001 * nearest + 0.5 * len(spectra)


@pytest.mark.parametrize(
    ("spectra", "middle"),
    [
        ([[700, 900]] * 4, [700, 900]),
        ([[700, 900]] * 3 + [[9000, 50]], [700, 900]),
        ([[100, 300], [200, 500]], [150, 400]),
    ],
)
def test_small_geomedians(spectra: list[list[int]], middle: list[int]) -> None:
    numbers = np.array(spectra, np.uint16)[:, :, None, None]
    found = geomedian(numbers, np.ones((len(spectra), 1, 1), bool))
    np.testing.assert_allclose(found.ravel(), middle, atol=0.5)


@pytest.mark.parametrize(("numbers", "middle"), [([100, 110, 300, 400, 590], 300), ([1, 1501, 1991, 2001, 2011], 1991)])
def test_search_passes_dates(numbers: list[int], middle: int) -> None:
    dates = np.array(numbers, np.uint16).reshape(5, 1, 1, 1)
    assert geomedian(dates, np.ones((5, 1, 1), bool)) == pytest.approx(middle, abs=0.5)


@given(dates_and_sky())
@settings(max_examples=40, deadline=None)
def test_medoid(dates: tuple[Numbers, Mask]) -> None:
    found = medoid(*dates)
    for row, column in np.ndindex(found.shape[1:]):
        spectra = clear_spectra(*dates, row, column)
        if len(spectra) == 0:
            assert np.isnan(found[:, row, column]).all()
            continue
        assert (spectra == found[:, row, column]).all(axis=1).any()
        distances = [summed_distance(spectrum, spectra) for spectrum in spectra]
        assert summed_distance(found[:, row, column], spectra) == pytest.approx(min(distances), rel=1e-4)


def test_incomplete_date() -> None:
    numbers = np.array([[100, 0], [200, 500]], np.uint16)[:, :, None, None]
    clear = np.ones((2, 1, 1), bool)
    np.testing.assert_array_equal(medoid(numbers, clear).ravel(), [200, 500])
    np.testing.assert_array_equal(geomedian(numbers, clear).ravel(), [200, 500])
