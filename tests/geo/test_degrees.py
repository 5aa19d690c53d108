"""Coordinates as people write them."""

import numpy as np
import pytest

from mining_the_mines.geo.degrees import Axis, longitude_span, middle_longitude, read_degrees, wrap_longitude


@pytest.mark.parametrize(
    ("text", "axis", "degrees"),
    [
        ("-55.5", "longitude", -55.5),
        ("-55,5", "longitude", -55.5),
        ("−55.5°", "longitude", -55.5),
        ("55.5 W", "longitude", -55.5),
        ("w55.5", "longitude", -55.5),
        ("55°30'W", "longitude", -55.5),
        ("55° 30′ 00″ W", "longitude", -55.5),
        ("55º30'18,0\"W", "longitude", -55.505),
        ("55 30 18 W", "longitude", -55.505),
        ("-55:30:18", "longitude", -55.505),
        ("55d30m18sW", "longitude", -55.505),
        ("55d30m18s", "longitude", 55.505),
        ("-0°30'", "latitude", -0.5),
        ("7 24.5' S", "latitude", -7 - 24.5 / 60),
        ("304.5", "longitude", -55.5),
        ("180", "longitude", 180),
        ("-5.55E+01", "longitude", -55.5),
        ("55E", "longitude", 55),
        ("", "longitude", None),
        ("NA", "latitude", None),
    ],
)
def test_one_reading(text: str, axis: Axis, degrees: float | None) -> None:
    assert read_degrees(text, axis) == (None if degrees is None else pytest.approx(degrees))


@pytest.mark.parametrize(
    ("text", "axis", "said"),
    [
        ("-55.123.456", "longitude", "thousands points"),
        ("1.234,5", "longitude", "thousands points"),
        ("55 30", "longitude", "can be degrees and minutes, or a number with a blank"),
        ("55.5 O", "longitude", "O is east in one language and west in others"),
        ("7.5 S", "longitude", "is no longitude: are the columns swapped"),
        ("-55.5 W", "longitude", "a sign and a letter"),
        ("W55.5E", "longitude", "two hemispheres"),
        ("55°70'", "longitude", "60 minutes or seconds or more"),
        ("west", "longitude", "no number of degrees"),
        ("999", "longitude", "lies beyond -180 to 360"),
        ("-91", "latitude", "lies beyond -90 to 90"),
        ("500123.4", "longitude", "lies beyond"),
    ],
)
def test_refusals(text: str, axis: Axis, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_degrees(text, axis)


def test_longitudes_across_the_antimeridian() -> None:
    assert wrap_longitude(190.0) == -170
    assert wrap_longitude(np.array([180.0, 181.0, -200.0])).tolist() == [180, -179, 160]
    assert abs(middle_longitude(179.9, -179.9)) == pytest.approx(180)
    assert middle_longitude(179.0, -177.0) == pytest.approx(-179)
    assert middle_longitude(-57.0, -56.0) == -56.5


@pytest.mark.parametrize(
    ("longitudes", "span"),
    [([10, 20, 15], (10, 20)), ([179, -179, 178], (178, -179)), ([190, 185], (-175, -170)), ([5], (5, 5))],
)
def test_span(longitudes: list[float], span: tuple[float, float]) -> None:
    assert longitude_span(np.array(longitudes, dtype=float)) == span
