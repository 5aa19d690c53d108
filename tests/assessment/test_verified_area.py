"""Sentences on verified areas."""

import pandas as pd
import pytest

from mining_the_mines.assessment.area_estimates import estimate_areas
from mining_the_mines.assessment.settings import AreaSettings
from mining_the_mines.assessment.verified_area import verified_rows, verified_sentences
from support.judged_samples import sample_of, strata_of

MAPPED = {"mine": 100.0, "low_probability": 1000.0}
HASH = "0123456789abcdef"


def estimates(places: int = 20, **place: str) -> pd.DataFrame:
    sample = sample_of({"mine": 20, "low_probability": places}, "2024", **place)
    answers = ["mine" if number % 2 or stratum == "mine" else "no_mine" for number, stratum in
               enumerate(sample["stratum"])]  # fmt: skip
    return estimate_areas(sample.assign(answer=answers), strata_of(MAPPED, "2024", **place), AreaSettings())


def say(table: pd.DataFrame | None, maps: dict[str, str], period: str = "2024") -> list[str]:
    return [sentence.replace("\N{NARROW NO-BREAK SPACE}", " ") for sentence in verified_sentences(table, maps, period)]


def test_map_and_verified_area_stand_in_one_sentence_with_sample_and_day() -> None:
    (sentence,) = say(estimates(), {"tapajos": HASH, "north": "f" * 16})

    assert sentence.startswith("2024: the map counts 100 ha of mines; verified 600 ha (")
    assert sentence.endswith("95 % interval), from 40 random places judged by 1 person until 1 May 2024.")


def test_an_estimate_of_an_earlier_map_says_so() -> None:
    (sentence,) = say(estimates(), {"tapajos": "f" * 16})

    assert "the map that was sampled, an earlier one, counts 100 ha" in sentence


def test_half_a_review_is_provisional() -> None:
    (sentence,) = say(estimates(places=1), {"tapajos": HASH})

    assert sentence.endswith("; provisional, since 1 000 ha wait for review.")


@pytest.mark.parametrize(("region", "period"), [("north", "2024"), ("tapajos", "2023")])
def test_other_regions_and_periods_have_no_estimate(region: str, period: str) -> None:
    assert say(estimates(), {region: HASH}, period) == []
    assert verified_rows(None, {region: HASH}, period).empty
