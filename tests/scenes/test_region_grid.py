"""Where a composite's grid lies, whatever catalogs leave out."""

from typing import Any

import pystac
import pytest

from mining_the_mines.core.errors import SceneError
from mining_the_mines.scenes.grids import parse_projection, region_grid
from support.stac_catalogs import Scene, region

ZONE = 32721


def scene(*without: str, **properties: Any) -> pystac.Item:
    """A scene whose assets lack some fields."""
    fields = Scene(properties=properties).item()
    for asset in fields["assets"].values():
        for field in without:
            del asset[field]
    return pystac.Item.from_dict(fields, href="/archive/item.json")


@pytest.mark.parametrize("properties", [{}, {"proj:epsg": None, "proj:code": f"EPSG:{ZONE}"}])
def test_scenes_that_name_their_zone_need_not_say_more(properties: dict[str, Any]) -> None:
    grid = region_grid(region(), [scene("proj:transform", "proj:shape", **properties)])
    assert grid.crs == f"EPSG:{ZONE}"
    assert grid.transform.a == 10


def test_scenes_that_name_no_zone_are_told_with_the_way_out() -> None:
    silent = scene("proj:transform", "proj:shape", **{"proj:epsg": None})
    with pytest.raises(SceneError, match=r"\(proj:code\): give the regions in a vector file with a column epsg"):
        region_grid(region(), [silent])


@pytest.mark.parametrize("properties", [{"proj:epsg": None}, {"proj:epsg": 999_999}])
def test_a_transform_without_system_is_told_with_the_scene(properties: dict[str, Any]) -> None:
    with pytest.raises(SceneError, match=r"proj:code, proj:shape, proj:transform.*acquisition\.exclude"):
        parse_projection(scene(**properties))
