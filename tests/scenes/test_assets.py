"""Which asset holds which band."""

from typing import Any

import pystac
import pytest

from mining_the_mines.scenes.items import MissingAssetError, find_asset, find_mask
from support.stac_catalogs import Scene

TIFF, JP2 = "image/tiff; application=geotiff; profile=cloud-optimized", "image/jp2"


def scene(**assets: dict[str, Any]) -> pystac.Item:
    fields = Scene().item()
    fields["assets"] = {
        key.replace("__", "-"): {"href": f"https://host.org/{key}", "type": TIFF} | more for key, more in assets.items()
    }
    return pystac.Item.from_dict(fields)


EARTH_SEARCH = scene(
    **{key: {} for key in ("coastal", "blue", "green", "red", "rededge1", "rededge2", "rededge3", "nir", "nir08")},
    **{key: {} for key in ("nir09", "swir16", "swir22", "scl", "aot", "wvp")},
    visual={"eo:bands": [{"name": "red"}, {"name": "green"}, {"name": "blue"}]},
    blue__jp2={"type": JP2},
    thumbnail={"type": "image/jpeg", "roles": ["thumbnail"]},
    granule_metadata={"type": "application/xml"},
)
PLANETARY_COMPUTER = scene(**{f"B{number:02}": {} for number in (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12)}, B8A={}, SCL={})


@pytest.mark.parametrize(
    ("band", "key"),
    [
        ("B1", "coastal"),
        ("B2", "blue"),
        ("B5", "rededge1"),
        ("B8", "nir"),
        ("B8A", "nir08"),
        ("B9", "nir09"),
        ("B11", "swir16"),
        ("SCL", "scl"),
        ("scl", "scl"),
    ],
)
def test_bands_are_found_as_earth_search_calls_them(band: str, key: str) -> None:
    assert find_asset(EARTH_SEARCH, band) == key


@pytest.mark.parametrize(("band", "key"), [("B2", "B02"), ("B8A", "B8A"), ("B12", "B12"), ("SCL", "SCL")])
def test_bands_are_found_as_the_planetary_computer_calls_them(band: str, key: str) -> None:
    assert find_asset(PLANETARY_COMPUTER, band) == key


def test_a_tiff_is_read_rather_than_its_jpeg_2000_twin() -> None:
    assert find_asset(scene(blue__jp2={"type": JP2}, blue={}), "B2") == "blue"
    assert find_asset(scene(blue__jp2={"type": JP2}), "B2") == "blue-jp2"


def test_of_several_resolutions_the_finest_is_read() -> None:
    assert find_asset(scene(B02_60m={}, B02_20m={}, B02_10m={}), "B2") == "B02_10m"


def test_an_address_that_can_be_fetched_is_preferred() -> None:
    assert find_asset(scene(B02={"href": "s3://bucket/B02.tif"}, blue={}), "B2") == "blue"


@pytest.mark.parametrize(
    "described",
    [
        {"eo:bands": [{"name": "B03", "common_name": "green"}]},
        {"eo:bands": [{"common_name": "green"}]},
        {"bands": [{"name": "x", "eo:common_name": "green"}]},
    ],
)
def test_an_asset_of_any_name_is_known_by_the_band_it_describes(described: dict[str, Any]) -> None:
    assert find_asset(scene(one=described, two={}), "B3") == "one"


def test_an_asset_with_several_bands_is_never_taken_for_one_of_them() -> None:
    with pytest.raises(MissingAssetError):
        find_asset(scene(visual={"eo:bands": [{"name": "red"}, {"name": "green"}]}), "B4")


def test_a_mask_of_ones_own_is_found_by_its_key() -> None:
    assert find_mask(scene(cloud_mask={}), "cloud_mask") == "cloud_mask"
    with pytest.raises(MissingAssetError, match=r"no asset Cloud_Mask; it has cloud_mask: .*compositing\.mask_asset"):
        find_mask(scene(cloud_mask={}), "Cloud_Mask")


def test_the_scene_classification_is_a_mask_whatever_its_key() -> None:
    assert find_mask(EARTH_SEARCH, "SCL") == find_mask(EARTH_SEARCH, "scl") == "scl"
    assert find_mask(PLANETARY_COMPUTER, "scl") == "SCL"


def test_a_missing_band_is_told_with_what_there_is() -> None:
    with pytest.raises(MissingAssetError, match="no asset for B12; it has blue, green"):
        find_asset(scene(blue={}, green={}), "B12")
