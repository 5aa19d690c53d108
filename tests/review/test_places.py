"""Places of a sample and of the table of sites."""

from pathlib import Path

import pandas as pd
import pytest

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.review.places import places_of_sample, places_of_sites
from support.reviews import images_in, sample_of
from support.sites import tiny_sites


def test_sites_in_the_newest_period_in_which_they_were_seen() -> None:
    places = places_of_sites(tiny_sites())
    assert [place.place_id for place in places] == ["tapajos-0001_2022", "tapajos-0002_2021"]
    assert all(place.mapped and place.hidden["Probability of mine"] == "80%" for place in places)


def test_the_outline_of_a_mine_can_be_corrected_and_a_pixel_can_not(tmp_path: Path) -> None:
    (image,) = images_in(tmp_path, ("2021",))
    pixel = places_of_sample(sample_of())[0]
    frame = image.frame(pixel)
    assert len(frame.marks[0]) == 5
    assert frame.draft == []
    assert len(image.frame(places_of_sites(tiny_sites())[0]).draft) == 4


def test_half_of_a_review_is_half_of_each_stratum() -> None:
    rows = [("mine", draw, 4) for draw in (3, 1, 4, 2)] + [("rest", draw, 8) for draw in (8, 2, 6, 4, 1, 3, 7, 5)]
    drawn = pd.DataFrame(rows, columns=["stratum", "draw", "stratum_places"])
    sample = sample_of(12).assign(**drawn, place_id=[f"{stratum} {draw}" for stratum, draw, _ in rows])
    half = [place.place_id for place in places_of_sample(sample)][:6]
    assert sorted(half) == ["mine 1", "mine 2", "rest 1", "rest 2", "rest 3", "rest 4"]


@pytest.mark.parametrize("column", ["place_id", "period", "longitude"])
def test_a_sample_without_a_column(column: str) -> None:
    with pytest.raises(BadInputError, match=f"The sample has no column {column}"):
        places_of_sample(sample_of().drop(columns=column))


def test_a_place_twice() -> None:
    with pytest.raises(BadInputError, match="holds the place same twice"):
        places_of_sample(sample_of().assign(place_id="same"))
