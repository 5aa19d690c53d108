"""What catalogs say of scenes."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
import shapely

from mining_the_mines.core.errors import SceneError
from mining_the_mines.scenes.items import SceneFacts
from support.stac_catalogs import GROUND, Scene


def item(**properties: object) -> dict[str, Any]:
    fields = Scene().item()
    fields["properties"] = {"datetime": "2022-01-03T14:00:00Z", **properties}
    fields["id"] = "a scene"
    return fields


def test_the_facts_of_a_scene_are_found() -> None:
    facts = SceneFacts.of(Scene(cloud_cover=12.5).item())
    assert facts.moment == datetime(2022, 1, 3, 14, tzinfo=UTC)
    assert (facts.platform, facts.baseline, facts.tile, facts.cloud_cover) == ("sentinel-2a", "03.01", "21MXM", 12.5)
    assert shapely.bounds(facts.footprint) == pytest.approx(GROUND)


@pytest.mark.parametrize(
    ("properties", "tile"),
    [
        ({"s2:mgrs_tile": "21MXM"}, "21MXM"),
        ({"grid:code": "MGRS-21MXM"}, "21MXM"),
        ({"mgrs:utm_zone": 21, "mgrs:latitude_band": "M", "mgrs:grid_square": "XM"}, "21MXM"),
        ({"sentinel:utm_zone": 21, "sentinel:latitude_band": "M", "sentinel:grid_square": "XM"}, "21MXM"),
        ({"s2:product_uri": "S2A_MSIL2A_20220103T140051_N0301_R067_T21MXM_20220103T180000.SAFE"}, "21MXM"),
        ({}, None),
    ],
)
def test_every_archive_names_tiles_in_its_own_way(properties: dict[str, Any], tile: str | None) -> None:
    assert SceneFacts.of(item(**properties)).tile == tile


@pytest.mark.parametrize(
    ("properties", "baseline"),
    [
        ({"s2:processing_baseline": "05.10"}, "05.10"),
        ({"processing:version": "5.1"}, "05.10"),
        ({"sentinel:processing_baseline": "03.01"}, "03.01"),
        ({"s2:processing_baseline": "unknown"}, None),
        ({"sentinel:product_id": "S2B_MSIL2A_20220103T140051_N0301_R067_T21MXM_20220103T180000"}, "03.01"),
    ],
)
def test_every_archive_names_baselines_in_its_own_way(properties: dict[str, Any], baseline: str | None) -> None:
    assert SceneFacts.of(item(**properties)).baseline == baseline


def test_a_baseline_is_known_by_the_items_name() -> None:
    named = item() | {"id": "S2A_MSIL2A_20180101T103431_N0500_R108_T32TQM_20230901T000000"}
    assert SceneFacts.of(named).baseline == "05.00"


def test_a_pass_around_midnight_utc_is_of_one_local_day() -> None:
    before, after = (SceneFacts.of(item(datetime=f"2022-01-0{day}")) for day in ("3T23:59:00Z", "4T00:01:00Z"))
    assert before.day(150) == after.day(150) == date(2022, 1, 4)


def test_a_scene_without_polygon_shows_its_box() -> None:
    fields = item() | {"geometry": None, "bbox": [0, 0, 10, 1, 1, 20]}
    assert shapely.bounds(SceneFacts.of(fields).footprint).tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("geometry", [{"type": "Polygon", "coordinates": [[[0, 0]]]}, {"type": "Blob"}, {"a": 1}])
def test_a_broken_polygon_is_no_footprint(geometry: dict[str, Any]) -> None:
    assert SceneFacts.of(item() | {"geometry": geometry, "bbox": None}).footprint is None


def test_a_box_across_the_antimeridian_is_not_believed() -> None:
    assert SceneFacts.of(item() | {"geometry": None, "bbox": [179, 0, -179, 1]}).footprint is None


@pytest.mark.parametrize("moment", [None, "yesterday", 3])
def test_a_scene_without_date_is_told(moment: object) -> None:
    with pytest.raises(SceneError, match="has no date"):
        SceneFacts.of(item(datetime=moment))
