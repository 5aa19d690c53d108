"""Scenes that are selected, and the reasons why others are not."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pystac
import pytest
from hypothesis import given
from hypothesis import settings as thoroughness
from hypothesis import strategies as st
from pydantic import ValidationError

from mining_the_mines.core.errors import SceneError
from mining_the_mines.scenes.items import SceneFacts
from mining_the_mines.scenes.regions import Region
from mining_the_mines.scenes.scene_list import SceneSelection
from mining_the_mines.scenes.selection import find_replaced, select_from, select_scenes
from mining_the_mines.scenes.settings import AcquisitionSettings
from mining_the_mines.scenes.stac_documents import BrokenItem
from mining_the_mines.sentinel2.baseline import read_scaling
from support.stac_catalogs import (
    BANDS,
    EARTH_SEARCH,
    GROUND,
    PLANETARY_COMPUTER,
    Scene,
    region,
    series,
    settings,
    write_catalog,
    write_json,
)

NO_DATE = {"datetime": None, "start_datetime": "yesterday", "end_datetime": "today"}


class Archive:
    """A catalog in memory, that gives what it is told to."""

    name = "archive"
    local = True

    def __init__(self, *found: Scene | BrokenItem) -> None:
        self.found = found

    def search(self, region: Region, start: date | None, end: date | None) -> Iterator[pystac.Item | BrokenItem]:  # noqa: ARG002
        """Give everything."""
        for thing in self.found:
            yield (
                thing if isinstance(thing, BrokenItem) else pystac.Item.from_dict(thing.item(), href="/archive/x.json")
            )


def choose(*found: Scene | BrokenItem, mask: str | None = "scl", **changes: Any) -> SceneSelection:
    chosen = settings("archive", **({"minimum_dates": 1} | changes))
    return select_from(Archive(*found), [region()], BANDS, mask, chosen)


def reasons(choice: SceneSelection) -> dict[str, str]:
    return {row["item"]: row["reason"] for row in choice.left_out.to_dict("records")}


def ids(choice: SceneSelection) -> list[str]:
    return [item["id"] for item in choice.items["tapajos"]]


def test_scenes_come_in_order_of_time_in_any_order() -> None:
    scenes = series(5)
    assert ids(choose(*scenes[::-1])) == [scene.id for scene in scenes]


def test_cloudy_scene_is_left_out_with_its_cover() -> None:
    cloudy = Scene(day=5, cloud_cover=70.1)
    choice = choose(Scene(), cloudy)
    assert reasons(choice) == {cloudy.id: "too cloudy: 70.1 % where 70 % are allowed"}


def test_scene_beside_region_is_left_out() -> None:
    beside = Scene(day=5, shift=1)
    assert "outside the region" in reasons(choose(Scene(), beside))[beside.id]


def test_scene_of_another_period_is_left_out() -> None:
    choice = choose(*series(4), start=date(2022, 1, 8), end=date(2022, 1, 13))
    assert ids(choice) == [scene.id for scene in series(4)[1:3]]
    assert all("outside the period" in reason for reason in reasons(choice).values())


def test_scene_without_band_is_left_out_with_its_name() -> None:
    lacking = Scene(day=5, keys={band: key for band, key in EARTH_SEARCH.items() if band != "B3"})
    assert reasons(choose(Scene(), lacking))[lacking.id].startswith("no band B3: it has blue, red, scl")


BARE = Scene(keys={band: EARTH_SEARCH[band] for band in BANDS})


def test_scene_without_scene_classification_is_left_out_unless_nothing_is_masked() -> None:
    with pytest.raises(
        SceneError, match=r"1 no mask scl \(S2A.*it has blue, green, red\).*compositing\.mask_asset, or none"
    ):
        choose(BARE)
    assert ids(choose(BARE, mask=None)) == [BARE.id]


@pytest.mark.parametrize("key", ["cloud_mask", "scl_20m"])
def test_mask_of_own_is_kept_under_its_key(key: str) -> None:
    masked = Scene(keys={**BARE.keys, "own": key, "SCL": "scl"})
    (item,) = choose(masked, mask=key).items["tapajos"]
    assert set(item["assets"]) == {"blue", "green", "red", key}


def test_bands_that_no_scene_has_are_reported() -> None:
    lacking = Scene(keys={"B2": "blue", "SCL": "scl"})
    with pytest.raises(SceneError, match=r"1 no band B3.*imagery\.bands"):
        choose(lacking)


def test_scene_excluded_by_name_is_not_used(caplog: pytest.LogCaptureFixture) -> None:
    first, second = series(2)
    choice = choose(first, second, exclude=first.id)
    assert ids(choice) == [second.id]
    assert reasons(choice) == {first.id: "excluded: acquisition.exclude names it"}
    assert not caplog.records


def test_name_to_exclude_not_met_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    choose(Scene(), exclude=["S2A_typo"])
    assert "names S2A_typo, which the search did not find" in caplog.text


def test_scene_whose_projection_is_reported_in_part_costs_one_date() -> None:
    half = Scene(day=5, properties={"proj:epsg": None})
    choice = choose(Scene(), half)
    assert ids(choice) == [Scene().id]
    assert "broken: The scene" in reasons(choice)[half.id]
    assert "proj:code" in reasons(choice)[half.id]


def test_what_is_no_number_is_written_down_as_unknown() -> None:
    odd = Scene(properties={"eo:cloud_cover": float("nan"), "s2:mean_solar_zenith": float("inf")})
    (item,) = SceneSelection.from_json(choose(odd).to_json()).items["tapajos"]
    assert item["properties"]["eo:cloud_cover"] is item["properties"]["s2:mean_solar_zenith"] is None


def test_baseline_that_only_name_gives_is_written_down() -> None:
    properties = {"s2:processing_baseline": None}
    named = Scene(name="S2A_MSIL2A_20180101T103431_N0500_R108_T32TQM_20230901T000000", properties=properties)
    (item,) = choose(named).scenes("tapajos")
    assert read_scaling(item.properties, item.assets["blue"].to_dict()).offset == -0.1


def test_scene_processed_again_is_used_in_its_newest_version() -> None:
    new = Scene(baseline="05.10")
    choice = choose(Scene(), new)
    assert ids(choice) == [new.id]
    assert reasons(choice) == {Scene().id: f"processed again: {new.id} shows the same, in a newer version"}


def test_scene_that_catalog_gives_twice_is_used_once() -> None:
    choice = choose(Scene(), Scene())
    assert ids(choice) == [Scene().id]
    assert "given twice" in reasons(choice)[Scene().id]


def test_broken_item_is_listed_and_survived() -> None:
    choice = choose(Scene(), BrokenItem("bad", "no item"), Scene(day=5, properties=NO_DATE, name="dateless"))
    assert ids(choice) == [Scene().id]
    assert reasons(choice)["bad"] == "broken: no item"
    assert reasons(choice)["dateless"].startswith("broken: ")


def test_both_archives_names_of_bands_are_understood() -> None:
    scenes = [Scene(), Scene(day=5, keys=PLANETARY_COMPUTER)]
    choice = choose(*scenes)
    assert [set(item["assets"]) for item in choice.items["tapajos"]] == [
        {"blue", "green", "red", "scl"},
        {"B02", "B03", "B04", "SCL"},
    ]


def test_no_signature_is_written_down() -> None:
    class Signed(Archive):
        local = False

        def search(self, *_: object) -> Iterator[pystac.Item | BrokenItem]:
            fields = Scene().item()
            for asset in fields["assets"].values():
                asset["href"] = "https://host.org/a.tif?se=1&sp=r&sig=secret"
                asset["alternate"] = {"mirror": {"href": "https://me:secret@mirror.org/a.tif?key=secret"}}
            fields["properties"]["source"] = "s3://key:secret@bucket/a.tif"
            yield pystac.Item.from_dict(fields, href="https://me:secret@host.org/item.json")

    choice = select_from(Signed(), [region()], BANDS, "scl", settings("archive", minimum_dates=1))
    assert "secret" not in choice.to_json()


def test_poor_region_is_left_out_and_listed_as_long_as_another_is_rich(tmp_path: Path) -> None:
    root = write_catalog(tmp_path, series())
    choice = select_scenes(settings(root, regions={"rich": GROUND, "poor": (10, 10, 11, 11)}), BANDS, "scl")
    assert [region.name for region in choice.regions] == ["rich"]
    assert choice.left_out.to_dict("records") == [
        {"region": "poor", "item": "", "datetime": "", "reason": "the whole region: it has scenes of 0 days"}
    ]


def test_too_few_days_everywhere_are_reported_with_way_out() -> None:
    with pytest.raises(SceneError, match=r"scenes of 1 days, besides 1 too cloudy.*max_cloud_cover \(now 70\)"):
        choose(Scene(), Scene(tile="21MYM"), Scene(day=5, cloud_cover=90), minimum_dates=2)


def test_scenes_of_another_zone_are_used(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    choice = choose(Scene(), Scene(day=5, properties={"proj:epsg": 32722}))
    assert len(ids(choice)) == 2
    assert "several coordinate systems (1 in EPSG:32721, 1 in EPSG:32722)" in caplog.text


@given(st.permutations([Scene(day=day, baseline=version) for day in (0, 5, 10) for version in ("03.01", "05.10")]))
@thoroughness(max_examples=25, deadline=None)
def test_choice_does_not_depend_on_catalogs_order(scenes: list[Scene]) -> None:
    assert choose(*scenes).to_json() == choose(*sorted(scenes, key=lambda scene: scene.id)).to_json()


def test_regions_and_source_of_archive_lie_in_its_folder(tmp_path: Path) -> None:
    write_catalog(tmp_path, series())
    ring = [[GROUND[0], GROUND[1]], [GROUND[2], GROUND[1]], [GROUND[2], GROUND[3]], [GROUND[0], GROUND[1]]]
    feature = {
        "type": "Feature",
        "properties": {"name": "here"},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    write_json(tmp_path / "regions.geojson", {"type": "FeatureCollection", "features": [feature]})
    choice = select_scenes(settings("earth-search").of_archive(tmp_path), BANDS, "scl")
    assert [region.name for region in choice.regions] == ["here"]


def test_period_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ValidationError, match="swap them"):
        AcquisitionSettings(regions={"here": GROUND}, start=date(2022, 2, 1), end=date(2022, 1, 1))


def test_without_regions_nothing_is_searched() -> None:
    with pytest.raises(SceneError, match=r"acquisition\.regions"):
        select_scenes(AcquisitionSettings(source="earth-search"), ("B2",), "scl")


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
