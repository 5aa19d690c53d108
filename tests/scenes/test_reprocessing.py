"""Scenes that an archive holds more than once."""

from typing import Any

from mining_the_mines.scenes.items import SceneFacts
from mining_the_mines.scenes.selection import find_replaced
from support.stac_catalogs import Scene


def facts(**fields: Any) -> SceneFacts:
    return SceneFacts.of(Scene(**fields).item())


def test_newest_baseline_replaces_others() -> None:
    old, older, new = facts(baseline="03.01"), facts(baseline="02.14"), facts(baseline="05.10")
    assert find_replaced([old, new, older]) == {old.item: (new.item,), older.item: (new.item,)}


def test_of_one_baseline_newest_product_counts() -> None:
    first = facts(name="first", properties={"created": "2022-01-04T00:00:00Z"})
    second = facts(name="a later one", properties={"created": "2022-02-04T00:00:00Z"})
    assert find_replaced([first, second]) == {"first": ("a later one",)}


def test_two_granules_of_one_pass_that_show_different_ground_are_both_kept() -> None:
    assert find_replaced([facts(name="west"), facts(name="east", shift=0.004)]) == {}


def test_pass_in_two_granules_processed_again_is_replaced_as_whole() -> None:
    old = [facts(name="west"), facts(name="east", shift=0.004)]
    new = [facts(name="new west", baseline="05.10"), facts(name="new east", baseline="05.10", shift=0.004)]
    assert set(find_replaced([*old, *new])) == {"west", "east"}


def test_other_tiles_days_and_satellites_replace_nothing() -> None:
    scenes = [facts(), facts(tile="21MYM"), facts(day=5), facts(platform="sentinel-2b")]
    assert find_replaced(scenes) == {}


def test_without_footprints_older_version_is_taken_to_show_same() -> None:
    old, new = Scene().item(), Scene(baseline="05.10").item()
    for item in (old, new):
        item |= {"geometry": None, "bbox": None}
    assert list(find_replaced([SceneFacts.of(old), SceneFacts.of(new)])) == [old["id"]]


def test_known_baseline_is_newer_than_unknown_one() -> None:
    unknown = facts(name="unknown", properties={"s2:processing_baseline": None})
    assert list(find_replaced([unknown, facts()])) == ["unknown"]
