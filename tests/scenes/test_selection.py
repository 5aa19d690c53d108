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


def test_order() -> None:
    scenes = series(5)
    assert ids(choose(*scenes[::-1])) == [scene.id for scene in scenes]


def test_cloudy_scene() -> None:
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


def test_missing_band() -> None:
    lacking = Scene(day=5, keys={band: key for band, key in EARTH_SEARCH.items() if band != "B3"})
    assert reasons(choose(Scene(), lacking))[lacking.id].startswith("no band B3: it has blue, red, scl")


BARE = Scene(keys={band: EARTH_SEARCH[band] for band in BANDS})


def test_missing_classification() -> None:
    with pytest.raises(
        SceneError,
        match=r"1 no mask scl \(S2A.*it has blue, green, red\)\): have neural .*mask_asset, or none; or wide",
    ):
        choose(BARE)
    assert ids(choose(BARE, mask=None)) == [BARE.id]


@pytest.mark.parametrize("key", ["cloud_mask", "scl_20m"])
def test_own_mask(key: str) -> None:
    masked = Scene(keys={**BARE.keys, "own": key, "SCL": "scl"})
    (item,) = choose(masked, mask=key).items["tapajos"]
    assert set(item["assets"]) == {"blue", "green", "red", key}


def test_band_of_no_scene() -> None:
    lacking = Scene(keys={"B2": "blue", "SCL": "scl"})
    with pytest.raises(SceneError, match=r"1 no band B3.*imagery\.bands"):
        choose(lacking)


def test_excluded_scene(caplog: pytest.LogCaptureFixture) -> None:
    first, second = series(2)
    choice = choose(first, second, exclude=first.id)
    assert ids(choice) == [second.id]
    assert reasons(choice) == {first.id: "excluded: acquisition.exclude names it"}
    assert not caplog.records


def test_unknown_exclusion(caplog: pytest.LogCaptureFixture) -> None:
    choose(Scene(), exclude=["S2A_typo"])
    assert "names S2A_typo, which the search did not find" in caplog.text


def test_non_finite_properties() -> None:
    odd = Scene(properties={"eo:cloud_cover": float("nan"), "s2:mean_solar_zenith": float("inf")})
    (item,) = SceneSelection.from_json(choose(odd).to_json()).items["tapajos"]
    assert item["properties"]["eo:cloud_cover"] is item["properties"]["s2:mean_solar_zenith"] is None


def test_baseline_of_the_name() -> None:
    properties = {"s2:processing_baseline": None}
    named = Scene(name="S2A_MSIL2A_20180101T103431_N0500_R108_T32TQM_20230901T000000", properties=properties)
    (item,) = choose(named).scenes("tapajos")
    assert read_scaling(item.properties, item.assets["blue"].to_dict()).offset == -0.1


def test_reprocessed_scene() -> None:
    new = Scene(baseline="05.10")
    choice = choose(Scene(), new)
    assert ids(choice) == [new.id]
    assert reasons(choice) == {Scene().id: f"processed again: {new.id} shows the same, in a newer version"}


def test_repeated_scene() -> None:
    choice = choose(Scene(), Scene())
    assert ids(choice) == [Scene().id]
    assert "given twice" in reasons(choice)[Scene().id]


def test_broken_item() -> None:
    choice = choose(Scene(), BrokenItem("bad", "no item"), Scene(day=5, properties=NO_DATE, name="dateless"))
    assert ids(choice) == [Scene().id]
    assert reasons(choice)["bad"] == "broken: no item"
    assert reasons(choice)["dateless"].startswith("broken: ")


def test_secrets() -> None:
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


def test_poor_region(tmp_path: Path) -> None:
    root = write_catalog(tmp_path, series())
    choice = select_scenes(settings(root, regions={"rich": GROUND, "poor": (10, 10, 11, 11)}), BANDS, "scl")
    assert [region.name for region in choice.regions] == ["rich"]
    assert choice.left_out.to_dict("records") == [
        {"region": "poor", "item": "", "datetime": "", "reason": "the whole region: it has scenes of 0 days"}
    ]


def test_too_few_days() -> None:
    with pytest.raises(SceneError, match=r"scenes of 1 days, besides 1 too cloudy.*max_cloud_cover \(now 70\)"):
        choose(Scene(), Scene(tile="21MYM"), Scene(day=5, cloud_cover=90), minimum_dates=2)


def test_other_zones(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    choice = choose(Scene(), Scene(day=5, properties={"proj:epsg": 32722}))
    assert len(ids(choice)) == 2
    assert "several coordinate systems (1 in EPSG:32721, 1 in EPSG:32722)" in caplog.text


@given(st.permutations([Scene(day=day, baseline=version) for day in (0, 5, 10) for version in ("03.01", "05.10")]))
@thoroughness(max_examples=8, deadline=None)
def test_order_of_the_catalog(scenes: list[Scene]) -> None:
    assert choose(*scenes).to_json() == choose(*sorted(scenes, key=lambda scene: scene.id)).to_json()


def test_archive(tmp_path: Path) -> None:
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


def test_no_regions() -> None:
    with pytest.raises(SceneError, match=r"acquisition\.regions"):
        select_scenes(AcquisitionSettings(source="earth-search"), ("B2",), "scl")


def facts(**fields: Any) -> SceneFacts:
    return SceneFacts.of(Scene(**fields).item())


def test_newest_product() -> None:
    first = facts(name="first", properties={"created": "2022-01-04T00:00:00Z"})
    second = facts(name="a later one", properties={"created": "2022-02-04T00:00:00Z"})
    assert find_replaced([first, second]) == {"first": ("a later one",)}


def test_nothing_replaced() -> None:
    assert find_replaced([facts(name="west"), facts(name="east", shift=0.004)]) == {}
    assert find_replaced([facts(), facts(tile="21MYM"), facts(day=5), facts(platform="sentinel-2b")]) == {}


def test_reprocessed_granules() -> None:
    old = [facts(name="west"), facts(name="east", shift=0.004)]
    new = [facts(name="new west", baseline="05.10"), facts(name="new east", baseline="05.10", shift=0.004)]
    assert set(find_replaced([*old, *new])) == {"west", "east"}


def test_impossible_period() -> None:
    with pytest.raises(ValidationError, match="swap them"):
        AcquisitionSettings(regions={"here": GROUND}, start=date(2022, 2, 1), end=date(2022, 1, 1))
