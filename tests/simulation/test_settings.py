"""Impossible settings are refused."""

from typing import Any

import pytest
from pydantic import ValidationError

from mining_the_mines.simulation import SeriesSettings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"provinces": ("atlantis",)}, r"no province 'atlantis'.*tapajos"),
        ({"provinces": ("tapajos", "tapajos")}, "named twice"),
        ({"dates": 62}, "passes 61 times between 2021-09-01 and 2022-06-30"),
        ({"pixels": 128}, "multiple of 6"),
        ({"pixels": 120, "mines": 5}, "ask for fewer mines or more pixels"),
    ],
)
def test_impossible_settings(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        SeriesSettings(**settings)
