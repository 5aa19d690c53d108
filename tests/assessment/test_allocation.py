"""Sizes of samples."""

from itertools import pairwise
from typing import Literal

import numpy as np
import pandas as pd
import pytest

from mining_the_mines.assessment.allocation import allocate, sample_size
from mining_the_mines.assessment.settings import SamplingSettings


def strata(**hectares: float) -> pd.DataFrame:
    return pd.DataFrame(
        {"ground": list(hectares), "pixels": [round(100 * area) for area in hectares.values()],
         "hectares": list(hectares.values())},
        index=list(hectares),
    )  # fmt: skip


def test_size_is_that_of_the_example_of_olofsson_2014() -> None:
    # Section 5.1.1: areas of Table 5, expected user's accuracies 0.70, 0.60, 0.90, 0.95, standard error 0.01.
    weights = np.array([0.02, 0.015, 0.320, 0.645])
    users = np.array([0.70, 0.60, 0.90, 0.95])

    assert sample_size(weights, np.sqrt(users * (1 - users)), 0.01) == 641


def test_neyman_needs_fewer_places_than_allocation_by_area() -> None:
    weights = np.array([0.02, 0.98])
    deviations = np.array([0.4, 0.05])

    assert sample_size(weights, deviations, 0.005) < sample_size(weights, deviations, 0.005, weights)


def test_small_strata_give_the_minimum_and_no_more_than_their_pixels() -> None:
    places = allocate(strata(mine=0.2, near_mine=20, low_probability=10_000), SamplingSettings())

    assert places["mine"] == 20
    assert places["near_mine"] == 50


def test_stated_sizes_replace_computed_ones() -> None:
    settings = SamplingSettings(places=100, stated={"mine": 75, "low_probability": 325})
    places = allocate(strata(mine=100, near_mine=100, low_probability=10_000), settings)

    assert places["mine"] == 75
    assert places["low_probability"] == 325


def test_more_places_than_people_can_judge_are_not_drawn(caplog: pytest.LogCaptureFixture) -> None:
    places = allocate(strata(mine=1, low_probability=1_000_000), SamplingSettings())

    assert places.sum() <= 1000 + 2 * 50
    assert "sampling.maximum allows 1000" in caplog.text


@pytest.mark.parametrize("allocation", ["neyman", "proportional", "equal"])
def test_no_stratum_gets_fewer_places_when_more_are_drawn(
    allocation: Literal["neyman", "proportional", "equal"],
) -> None:
    ground = strata(mine=100, near_mine=100, rest=300, low_probability=10_000)
    sizes = [allocate(ground, SamplingSettings(places=n, allocation=allocation)) for n in range(100, 1000, 37)]

    assert all((later >= earlier).all() for earlier, later in pairwise(sizes))
