"""Settings that make no sense are refused."""

import pytest
from pydantic import ValidationError

from mining_the_mines.simulation import SeriesSettings


def test_unknown_province_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValidationError, match=r"no province 'atlantis'.*tapajos"):
        SeriesSettings(provinces=("atlantis",))


def test_province_named_twice_is_refused() -> None:
    with pytest.raises(ValidationError, match="named twice"):
        SeriesSettings(provinces=("tapajos", "tapajos"))


def test_more_dates_than_there_are_passes_is_refused() -> None:
    with pytest.raises(ValidationError, match="passes 61 times between 2021-09-01 and 2022-06-30"):
        SeriesSettings(dates=62)


def test_region_no_multiple_of_coarsest_pixel_is_refused() -> None:
    with pytest.raises(ValidationError, match="multiple of 6"):
        SeriesSettings(pixels=128)


def test_more_mines_than_fields_is_refused() -> None:
    with pytest.raises(ValidationError, match="ask for fewer mines or more pixels"):
        SeriesSettings(pixels=120, mines=5)
