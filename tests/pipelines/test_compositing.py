"""Nodes of compositing: polygons are checked against the scenes before composites are made."""

from pathlib import Path

import pytest
import shapely
from pystac import Item

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.mine_polygons import MinePolygons, read_mine_polygons
from mining_the_mines.pipelines.compositing.nodes import check_polygons_fit
from support.chip_polygons import write_layer
from support.observed_requests import Observation, choice_of, clear, flat, write_scene


@pytest.fixture
def scene(tmp_path: Path) -> Item:
    """A scene of an archive."""
    return write_scene(tmp_path / "archive" / "sentinel-2-l2a", "S2A_1", Observation({"blue": flat(500)}, clear()))


def mine_on(scene: Item, folder: Path, *, north: float = 0) -> MinePolygons:
    """A mine in the middle of a scene, or some degrees north of it."""
    assert scene.bbox is not None
    west, south, east, north_edge = scene.bbox
    middle = shapely.Point((west + east) / 2, (south + north_edge) / 2 + north)
    return read_mine_polygons(write_layer(folder / "mines.gpkg", [middle.buffer(0.001)], crs="EPSG:4326"))


def simulated(archive: Path) -> Path:
    """Mark an archive as simulated."""
    archive.mkdir(exist_ok=True)
    (archive / "series.json").write_text("{}")
    return archive


def test_polygons_in_a_region_pass(scene: Item, tmp_path: Path) -> None:
    outlines = mine_on(scene, tmp_path)
    check_polygons_fit(outlines, choice_of([scene]))


def test_polygons_outside_all_regions(scene: Item, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"mines\.gpkg meets any region: the polygons lie in .*, the regions in "):
        check_polygons_fit(mine_on(scene, tmp_path, north=5), choice_of([scene]))


def test_simulated_polygons_with_their_scenes(scene: Item, tmp_path: Path) -> None:
    check_polygons_fit(mine_on(scene, simulated(tmp_path / "archive")), choice_of([scene]))


def test_simulated_polygons_with_other_scenes(scene: Item, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"are simulated, and the scenes from somewhere/catalog\.json .* --env=arc"):
        check_polygons_fit(mine_on(scene, simulated(tmp_path / "simulated")), choice_of([scene]))
