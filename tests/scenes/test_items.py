"""Facts and assets of scenes, in every catalog's dialect."""

from datetime import UTC, date, datetime
from typing import Any

import pystac
import pytest
import shapely

from mining_the_mines.core.errors import SceneError
from mining_the_mines.scenes.items import MissingAssetError, SceneFacts, find_asset, find_mask, processing_level
from support.stac_catalogs import GROUND, Scene


def item(**properties: object) -> dict[str, Any]:
    fields = Scene().item()
    fields["properties"] = {"datetime": "2022-01-03T14:00:00Z", **properties}
    fields["id"] = "a scene"
    return fields


def test_facts() -> None:
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
def test_tile(properties: dict[str, Any], tile: str | None) -> None:
    assert SceneFacts.of(item(**properties)).tile == tile


def test_baseline() -> None:
    named = item() | {"id": "S2A_MSIL2A_20180101T103431_N0500_R108_T32TQM_20230901T000000"}
    assert SceneFacts.of(named).baseline == "05.00"
    assert SceneFacts.of(item(**{"processing:version": "5.1"})).baseline == "05.10"
    assert SceneFacts.of(item(**{"s2:processing_baseline": "unknown"})).baseline is None


@pytest.mark.parametrize(
    ("fields", "level"),
    [
        ({"id": "S2A_MSIL1C_X"}, "1C"),
        ({"collection": "sentinel-2-l1c"}, "1C"),
        ({"properties": {"s2:product_type": "S2MSI2A"}}, "2A"),
        ({}, None),
    ],
)
def test_processing_level(fields: dict[str, Any], level: str | None) -> None:
    assert processing_level({"id": "S2A_X", "properties": {}, **fields}) == level


def test_local_day() -> None:
    before, after = (SceneFacts.of(item(datetime=f"2022-01-0{day}")) for day in ("3T23:59:00Z", "4T00:01:00Z"))
    assert before.day(150) == after.day(150) == date(2022, 1, 4)


@pytest.mark.parametrize(
    ("fields", "bounds"),
    [
        ({"geometry": None, "bbox": [0, 0, 10, 1, 1, 20]}, (0, 0, 1, 1)),
        ({"geometry": None, "bbox": [179, 0, -179, 1]}, None),
        ({"geometry": None, "bbox": [303, -7, 304, -6]}, (-57, -7, -56, -6)),
        ({"geometry": shapely.geometry.mapping(shapely.box(303, -7, 304, -6)), "bbox": None}, (-57, -7, -56, -6)),
        ({"geometry": {"type": "Polygon", "coordinates": [[[0, 0]]]}, "bbox": None}, None),
        ({"geometry": {"type": "Blob"}, "bbox": None}, None),
    ],
)
def test_footprint(fields: dict[str, Any], bounds: tuple[float, ...] | None) -> None:
    footprint = SceneFacts.of(item() | fields).footprint
    assert (None if footprint is None else tuple(shapely.bounds(footprint))) == bounds


@pytest.mark.parametrize("moment", [None, "yesterday", 3])
def test_no_date(moment: object) -> None:
    with pytest.raises(SceneError, match="has no date"):
        SceneFacts.of(item(datetime=moment))


TIFF, JP2 = "image/tiff; application=geotiff; profile=cloud-optimized", "image/jp2"


def scene_with(**assets: dict[str, Any]) -> pystac.Item:
    fields = Scene().item()
    fields["assets"] = {
        key.replace("__", "-"): {"href": f"https://host.org/{key}", "type": TIFF} | more for key, more in assets.items()
    }
    return pystac.Item.from_dict(fields)


EARTH_SEARCH = scene_with(
    **{key: {} for key in ("coastal", "blue", "green", "red", "rededge1", "rededge2", "rededge3", "nir", "nir08")},
    **{key: {} for key in ("nir09", "swir16", "swir22", "scl", "aot", "wvp")},
    visual={"eo:bands": [{"name": "red"}, {"name": "green"}, {"name": "blue"}]},
    blue__jp2={"type": JP2},
    thumbnail={"type": "image/jpeg", "roles": ["thumbnail"]},
    granule_metadata={"type": "application/xml"},
)
PLANETARY_COMPUTER = scene_with(
    **{f"B{number:02}": {} for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12)}, B8A={}, SCL={}
)


@pytest.mark.parametrize(
    ("scene", "band", "key"),
    [
        *((EARTH_SEARCH, band, key) for band, key in (("B1", "coastal"), ("B5", "rededge1"), ("B8", "nir"))),
        *((EARTH_SEARCH, band, key) for band, key in (("B8A", "nir08"), ("B9", "nir09"), ("SCL", "scl"))),
        *((PLANETARY_COMPUTER, band, key) for band, key in (("B2", "B02"), ("B8A", "B8A"), ("SCL", "SCL"))),
        (scene_with(blue__jp2={"type": JP2}, blue={}), "B2", "blue"),
        (scene_with(blue__jp2={"type": JP2}), "B2", "blue-jp2"),
        (scene_with(B02_60m={}, B02_20m={}, B02_10m={}), "B2", "B02_10m"),
        (scene_with(B02={"href": "s3://bucket/B02.tif"}, blue={}), "B2", "blue"),
        (scene_with(one={"eo:bands": [{"common_name": "green"}]}, two={}), "B3", "one"),
        (scene_with(one={"bands": [{"name": "x", "eo:common_name": "green"}]}, two={}), "B3", "one"),
        (scene_with(band1={"eo:bands": [{"name": "band1", "common_name": "blue"}]}), "B2", "band1"),
        (scene_with(B8A={"eo:bands": [{"name": "B8A", "common_name": "nir"}]}, B08={}), "B8A", "B8A"),
        (scene_with(red={"gsd": 20}, red_fine={"gsd": 10, "eo:bands": [{"name": "red"}]}), "B4", "red_fine"),
        (
            scene_with(
                a={"proj:transform": [60, 0, 6e5, 0, -60, 9e6], "bands": [{"name": "B04"}]},
                b={"proj:transform": [6e5, 20, 0, 9e6, 0, -20], "bands": [{"name": "B04"}]},
            ),
            "B4",
            "b",
        ),
    ],
)
def test_assets(scene: pystac.Item, band: str, key: str) -> None:
    assert find_asset(scene, band) == key


def test_missing_asset() -> None:
    with pytest.raises(MissingAssetError):
        find_asset(scene_with(visual={"eo:bands": [{"name": "red"}, {"name": "green"}]}), "B4")
    with pytest.raises(MissingAssetError, match="no asset for B12; it has blue, green"):
        find_asset(scene_with(blue={}, green={}), "B12")


def test_mask() -> None:
    assert find_mask(EARTH_SEARCH, "SCL") == find_mask(EARTH_SEARCH, "scl") == "scl"
    assert find_mask(PLANETARY_COMPUTER, "scl") == "SCL"
