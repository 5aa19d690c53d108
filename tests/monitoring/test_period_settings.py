"""Periods as the parameters define them."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from mining_the_mines.monitoring.period_settings import PeriodSceneSettings, PeriodSettings
from mining_the_mines.monitoring.periods import Period


def periods(**given: Any) -> tuple[Period, ...]:
    return PeriodSettings.model_validate(given).periods


def test_years_begin_and_end_with_the_series() -> None:
    assert periods(start="2021-03-01", end="2022-12-31") == (
        Period("2021", date(2021, 3, 1), date(2021, 12, 31)),
        Period("2022", date(2022, 1, 1), date(2022, 12, 31)),
    )


def test_quarters() -> None:
    found = periods(calendar="quarters", start="2023-10-01", end="2024-03-15")
    assert found == (
        Period("2023-Q4", date(2023, 10, 1), date(2023, 12, 31)),
        Period("2024-Q1", date(2024, 1, 1), date(2024, 3, 15)),
    )


def test_ranges_of_ones_own() -> None:
    ranges = [{"name": 2023, "start": "2023-06-01", "end": "2023-09-30"}]
    assert periods(ranges=ranges) == (Period("2023", date(2023, 6, 1), date(2023, 9, 30)),)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "start and end are needed"),
        ({"start": "2023-01-01", "end": "2022-01-01"}, "is after end"),
        (
            {
                "ranges": [
                    {"name": "a", "start": "2023-01-01", "end": "2023-06-30"},
                    {"name": "b", "start": "2023-06-30", "end": "2023-12-31"},
                ]
            },
            "periods must not overlap",
        ),
        ({"ranges": [{"name": "../up", "start": "2023-01-01", "end": "2023-06-30"}]}, "names no period"),
    ],
)
def test_bad_periods(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        PeriodSettings.model_validate(given)


def test_names_that_yaml_reads_as_numbers() -> None:
    settings = PeriodSceneSettings.model_validate({"paths": {2019: "a.tif"}, "search_again": [2020]})
    assert settings.paths == {"2019": "a.tif"}
    assert settings.search_again == ("2020",)
