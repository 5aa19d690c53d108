"""Outlines that don't belong to the scenes are noticed before composites are made."""

from pathlib import Path

import pytest
import shapely
from pystac import Item

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.mine_polygons import MinePolygons, read_mine_polygons
from mining_the_mines.pipelines.compositing.polygon_checks import check_ground
from support.chip_polygons import write_layer
from support.observed_requests import Observation, choice_of, clear, flat, write_scene


@pytest.fixture
def scene(tmp_path: Path) -> Item:
    """A scene in an archive."""
    return write_scene(tmp_path / "archive" / "sentinel-2-l2a", "S2A_1", Observation({"blue": flat(500)}, clear()))


def mine_on(scene: Item, folder: Path, *, north: float = 0) -> MinePolygons:
    """A mine in the middle of a scene, or so many degrees north of it."""
    assert scene.bbox is not None
    west, south, east, north_edge = scene.bbox
    middle = shapely.Point((west + east) / 2, (south + north_edge) / 2 + north)
    return read_mine_polygons(write_layer(folder / "mines.gpkg", [middle.buffer(0.001)], crs="EPSG:4326"))


def simulated(archive: Path) -> Path:
    """Say of an archive that it was simulated."""
    archive.mkdir(exist_ok=True)
    (archive / "series.json").write_text("{}")
    return archive


def test_outlines_in_a_region_pass(scene: Item, tmp_path: Path) -> None:
    outlines = mine_on(scene, tmp_path)
    check_ground(outlines, choice_of([scene]))


def test_outlines_that_meet_no_region_are_told_with_both_extents(scene: Item, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"mines\.gpkg meets any region: the polygons lie in .*, the regions in "):
        check_ground(mine_on(scene, tmp_path, north=5), choice_of([scene]))


def test_simulated_mines_are_for_the_scenes_simulated_with_them(scene: Item, tmp_path: Path) -> None:
    check_ground(mine_on(scene, simulated(tmp_path / "archive")), choice_of([scene]))


def test_simulated_mines_are_refused_for_other_scenes(scene: Item, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"are simulated, and the scenes from somewhere/catalog\.json .* --env=arc"):
        check_ground(mine_on(scene, simulated(tmp_path / "simulated")), choice_of([scene]))
