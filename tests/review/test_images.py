"""Images of a place: its period, and its neighbours in time."""

from dataclasses import replace
from pathlib import Path

from mining_the_mines.review.images import choose_views
from mining_the_mines.review.places import places_of_sample
from support.reviews import images_in, sample_of


def test_periods_before_and_after(tmp_path: Path) -> None:
    images = images_in(tmp_path)
    found = [choose_views(places_of_sample(sample_of(period=period))[0], images) for period in ("2020", "2021", "2022")]
    periods = [[None if image is None else image.period for image in views or ()] for views in found]
    assert periods == [["2020", None, "2021"], ["2021", "2020", "2022"], ["2022", "2021", None]]


def test_the_same_time_twice_is_neither_before_nor_after(tmp_path: Path) -> None:
    (image,) = images_in(tmp_path, ("2021",))
    views = choose_views(places_of_sample(sample_of())[0], [image, replace(image, content_hash="other")])
    assert views is not None
    assert views.before is views.after is None


def test_a_place_that_no_image_shows(tmp_path: Path) -> None:
    elsewhere = places_of_sample(sample_of().assign(longitude=12.0))[0]
    assert choose_views(elsewhere, images_in(tmp_path)) is None
