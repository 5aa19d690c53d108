"""Pixels that can't be trusted, pixels to look at twice, and the many that are as they should be."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from mining_the_mines.rasters.chip import read_chip
from mining_the_mines.rasters.judge import Verdict, gather_doubts, judge_pixels, pixel_size_fault
from mining_the_mines.rasters.reader import RasterFormat
from mining_the_mines.sentinel2.bands import COMPETITION_BANDS as BANDS

#: Reflectance of each band in the order of the competition.
SURFACES = {
    "forest": [0.022, 0.030, 0.052, 0.027, 0.090, 0.265, 0.310, 0.305, 0.317, 0.310, 0.155, 0.068],
    "soil": [0.111, 0.143, 0.202, 0.268, 0.292, 0.312, 0.332, 0.343, 0.350, 0.363, 0.452, 0.433],
    "gravel": [0.274, 0.302, 0.356, 0.404, 0.410, 0.416, 0.419, 0.418, 0.418, 0.418, 0.438, 0.392],
    "water": [0.090, 0.115, 0.160, 0.150, 0.130, 0.070, 0.060, 0.050, 0.045, 0.040, 0.015, 0.010],
    "black water": [0.012, 0.013, 0.014, 0.010, 0.008, 0.006, 0.005, 0.004, 0.004, 0.003, 0.002, 0.001],
    "snow": [0.85, 0.87, 0.88, 0.87, 0.86, 0.85, 0.84, 0.83, 0.82, 0.80, 0.06, 0.08],
    "cloud": [0.55, 0.55, 0.56, 0.57, 0.58, 0.59, 0.60, 0.61, 0.61, 0.50, 0.42, 0.35],
    "burnt": [0.030, 0.033, 0.040, 0.048, 0.055, 0.065, 0.072, 0.080, 0.085, 0.090, 0.160, 0.150],
}
SIX = ("B2", "B3", "B4", "B8", "B11", "B12")
Reflectance = npt.NDArray[np.float32]


def surface(*names: str) -> Reflectance:
    """Surfaces side by side, (12, 32, 32), with light and noise."""
    rng = np.random.default_rng(0)
    spectra = np.array([SURFACES[names[place % len(names)]] for place in range(32 * 32)]).T.reshape(12, 32, 32)
    noisy = spectra * np.exp(rng.normal(0, 0.06, (32, 32))) * np.exp(rng.normal(0, 0.03, spectra.shape))
    return noisy.astype(np.float32)


def judged(reflectance: npt.NDArray[np.floating], order: tuple[str, ...] = BANDS) -> Verdict:
    """The verdict about bands that are called by the names of an order."""
    return judge_pixels(reflectance.astype(np.float32), order)


def swapped(first: str, second: str) -> tuple[str, ...]:
    change = {first: second, second: first}
    return tuple(change.get(band, band) for band in BANDS)


@pytest.mark.parametrize("names", [*([name] for name in SURFACES), ["forest", "soil", "water"]])
def test_natural_surfaces(names: list[str]) -> None:
    verdict = judged(surface(*names))
    assert verdict.fault is None
    if names not in (["cloud"], ["gravel"], ["snow"]):  # nothing dark is in these pictures
        assert verdict.doubts == ()


@pytest.mark.parametrize(
    ("factor", "scale"), [(10_000, "set imagery.scale to 10000"), (1_000, "to 1000"), (100, "to 100")]
)
def test_digital_numbers_taken_for_reflectance(factor: int, scale: str) -> None:
    fault = judged(surface("forest", "soil") * factor).fault or ""
    assert fault.startswith("implausible reflectance: 100% of its values")
    assert fault.endswith(scale)


@pytest.mark.parametrize("factor", [0.1, 0.01, 0.0001])
def test_numbers_divided_too_often(factor: float) -> None:
    assert (judged(surface("forest", "forest", "soil") * factor).fault or "").startswith("too dark: ")


def test_an_8_bit_picture_read_as_digital_numbers() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (3, 32, 32)) / 10_000
    assert (judged(picture, ("B4", "B3", "B2")).fault or "").startswith("too dark: ")


def test_offsets() -> None:
    (left_in,) = judged(surface("forest", "soil") + 0.1).doubts
    assert left_in.endswith("set imagery.offset to -0.1.")
    (twice,) = judged(surface("forest", "soil") - 0.08).doubts
    assert twice.endswith("set imagery.offset to 0.1.")


@pytest.mark.parametrize(
    ("first", "second"), [("B4", "B8"), ("B2", "B8"), ("B8", "B11"), ("B11", "B12"), ("B3", "B11"), ("B2", "B4")]
)
def test_swapped_bands(first: str, second: str) -> None:
    verdict = judged(surface("forest", "soil"), swapped(first, second))
    assert "check which band is which" in (verdict.fault or " ".join(verdict.doubts))


def test_bands_shifted_by_one() -> None:
    verdict = judged(surface("forest", "soil"), (*BANDS[1:], "B1"))
    assert "check which band is which" in (verdict.fault or " ".join(verdict.doubts))


def test_copied_bands() -> None:
    pixels = surface("forest", "soil")
    pixels[BANDS.index("B8A")] = pixels[BANDS.index("B8")]
    assert judged(pixels).doubts == ("copied bands: B8A and B8 hold the same values; give each band its own.",)


def test_pixel_size() -> None:
    assert pixel_size_fault((10.0, 9.3), 10) is None
    assert pixel_size_fault((30.0, 30.0), 10) == "30 m where 10 m are wanted"
    assert pixel_size_fault((10.0, 20.0), 10) == "10 × 20 m where 10 m are wanted"


def test_doubts_of_many_files() -> None:
    doubts = {"a.tif": ["dark: it is dark.", "odd: it is odd."], "b.tif": [], "c.tif": ["dark: it is darker."]}
    assert gather_doubts(doubts, "chips") == [
        "Dark: 2 of 3 chips, such as a.tif: it is dark.",
        "Odd: 1 of 3 chips, such as a.tif: it is odd.",
    ]
    assert gather_doubts({"a.tif": ["dark: it is dark."]}, "scenes") == ["Dark: a.tif: it is dark."]


@pytest.mark.real_chips
def test_real_chips_are_neither_refused_nor_doubted(real_chips: Path) -> None:
    for folder, bands in (("amazon_mines", SIX), ("tailings_dams", ("B2", "B3", "B4"))):
        for path in sorted((real_chips / folder).rglob("*.tif"))[::4]:
            assert judge_pixels(read_chip(path, RasterFormat(bands=bands)).reflectance, bands) == Verdict(None), path


@pytest.mark.real_chips
@pytest.mark.parametrize(("first", "second", "least"), [(0, 2, 0.5), (2, 3, 0.9), (3, 4, 0.8), (4, 5, 0.95)])
def test_swapped_bands_of_real_chips(real_chips: Path, first: int, second: int, least: float) -> None:
    found = []
    order = list(range(6))
    order[first], order[second] = second, first
    for path in sorted((real_chips / "amazon_mines").rglob("*.tif"))[::8]:
        verdict = judge_pixels(read_chip(path, RasterFormat(bands=SIX)).reflectance[order], SIX)
        found.append(bool(verdict.fault or verdict.doubts))
    assert np.mean(found) >= least
