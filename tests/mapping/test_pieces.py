"""Pieces of one export are one scene."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine

from mining_the_mines.mapping.pieces import join_pieces
from mining_the_mines.mapping.scene_discovery import find_scenes
from mining_the_mines.rasters.scene import Scene, raster_files
from support.scene_files import CORNER, Numbers, Reflectance, ground, map_named, recorded_composite, write_scene

NUMBERS = ground(60, 80)


def piece(path: Path, rows: slice, columns: slice, numbers: Numbers = NUMBERS, **profile: Any) -> Path:
    """Write a part of a scene to a file of its own."""
    left, top = CORNER[0] + 10 * (columns.start or 0), CORNER[1] - 10 * (rows.start or 0)
    return write_scene(path, numbers[:, rows, columns], transform=Affine(10, 0, left, 0, -10, top), **profile)


def quarters(folder: Path, name: str = "export-{row:010}-{column:010}.tif", **profile: Any) -> list[Path]:
    """Write a scene in four files."""
    corners = [(row, column) for row in (0, 30) for column in (0, 40)]
    return [
        piece(folder / name.format(row=row, column=column), slice(row, row + 30), slice(column, column + 40), **profile)
        for row, column in corners
    ]


def joined(folder: Path, *more: str) -> tuple[Scene, ...]:
    """The scenes that a folder holds."""
    found = [scene for scene in find_scenes([str(folder), *more]) if isinstance(scene, Scene)]
    return join_pieces(found, folder / "mosaics")


def pixels(path: Path) -> Reflectance:
    with rasterio.open(path) as source:
        return np.asarray(source.read())


def test_pieces_of_earth_engine(tmp_path: Path) -> None:
    parts = quarters(tmp_path / "pieces")
    (scene,) = joined(tmp_path / "pieces")
    assert scene.name == "export"
    np.testing.assert_array_equal(pixels(scene.image), NUMBERS)
    with rasterio.open(parts[0]) as first, rasterio.open(scene.image) as whole:
        assert (whole.descriptions, whole.nodatavals, whole.crs) == (first.descriptions, first.nodatavals, first.crs)
        assert whole.transform == first.transform
    assert set(raster_files(scene.image)) == {scene.image, *parts}


def test_map_of_pieces_is_the_map_of_the_whole(tmp_path: Path) -> None:
    quarters(tmp_path / "pieces")
    (scene,) = joined(tmp_path / "pieces")
    whole = write_scene(tmp_path / "whole.tif", NUMBERS)
    maps = map_named(tmp_path, [str(scene.image), str(whole)]).maps
    assert len({(found.record.mines, found.record.hectares, found.record.mapped_hectares) for found in maps}) == 1
    first, second = (pixels(found.probability) for found in maps)
    np.testing.assert_array_equal(first, second)


def test_pieces_that_lie_south_up(tmp_path: Path) -> None:
    for row in (0, 30):
        south = CORNER[1] - 10 * (row + 30)
        place = Affine(10, 0, CORNER[0], 0, 10, south)
        write_scene(tmp_path / "pieces" / f"part_{row}.tif", NUMBERS[:, row : row + 30][:, ::-1], transform=place)
    (scene,) = joined(tmp_path / "pieces")
    np.testing.assert_array_equal(pixels(scene.image)[:, ::-1], NUMBERS)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("tile_{row}_{column}.tif", "tile"),
        ("2023-07-01_r{row}c{column}.tif", "2023-07-01_r"),
        ("{row}-{column}.tif", "pieces"),
        ("mosaic_20230701_{row:02}{column:02}.tif", "mosaic_20230701"),
    ],
)
def test_names_of_pieces(tmp_path: Path, pattern: str, name: str) -> None:
    quarters(tmp_path / "pieces", pattern)
    assert [scene.name for scene in joined(tmp_path / "pieces")] == [name]


def test_name_that_is_taken(tmp_path: Path) -> None:
    quarters(tmp_path / "pieces")
    far = Affine(10, 0, CORNER[0] + 9000, 0, -10, CORNER[1])
    write_scene(tmp_path / "pieces/export.tif", NUMBERS, transform=far)
    names = [scene.name for scene in joined(tmp_path / "pieces")]
    assert names == ["export-0000000000-0000000000", "export"]


def test_two_exports_in_one_folder(tmp_path: Path) -> None:
    quarters(tmp_path / "pieces", "north-{row:010}-{column:010}.tif")
    for row in (60, 90):
        part = slice(row - 60, row - 30)
        numbers = np.pad(NUMBERS[:, part], ((0, 0), (row, 0), (0, 0)))
        piece(tmp_path / f"pieces/south-{row:010}-0000000000.tif", slice(row, row + 30), slice(0, 80), numbers)
    assert [scene.name for scene in joined(tmp_path / "pieces")] == ["north", "south"]


def test_gap_between_pieces_has_no_data(tmp_path: Path) -> None:
    parts = quarters(tmp_path / "pieces", nodata=None)
    parts[1].unlink()
    (scene,) = joined(tmp_path / "pieces")
    with rasterio.open(scene.image) as source:
        assert not source.read_masks(1)[:30, 40:].any()
        assert source.read_masks(1)[30:].all()
    (found,) = map_named(tmp_path, str(scene.image)).maps
    assert found.record.mapped_share == 0.75


def test_pieces_with_masks_of_their_own(tmp_path: Path) -> None:
    for part in quarters(tmp_path / "pieces", nodata=None):
        with rasterio.open(part, "r+") as file:
            known = np.full(file.shape, 255, dtype=np.uint8)
            known[:5] = 0
            file.write_mask(known)
    (scene,) = joined(tmp_path / "pieces")
    with rasterio.open(scene.image) as source:
        assert not source.read_masks(1)[[0, 4, 30, 34]].any()
        assert source.read_masks(1)[5:30].all()


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ({"nodata": 7}, "nodata"),
        ({"numbers": NUMBERS.astype(np.int32)}, "type of pixels"),
        ({"scaling": (0.001, 0.0)}, "scale or offset"),
    ],
)
def test_adjoining_rasters_of_other_form_are_told(
    tmp_path: Path, profile: dict[str, Any], words: str, caplog: pytest.LogCaptureFixture
) -> None:
    piece(tmp_path / "pieces/a_1.tif", slice(0, 60), slice(0, 40))
    piece(tmp_path / "pieces/a_2.tif", slice(0, 60), slice(40, 80), **profile)
    assert len(joined(tmp_path / "pieces")) == 2
    assert f"they adjoin and differ in {words}, so that a mine on the seam is cut" in caplog.text


def test_other_coordinates(tmp_path: Path) -> None:
    piece(tmp_path / "pieces/a_1.tif", slice(0, 60), slice(0, 40))
    piece(tmp_path / "pieces/a_2.tif", slice(0, 60), slice(40, 80), crs="EPSG:32722")
    assert [scene.name for scene in joined(tmp_path / "pieces")] == ["a_1", "a_2"]


def test_other_dates(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    piece(tmp_path / "pieces/20230701.tif", slice(0, 60), slice(0, 40))
    piece(tmp_path / "pieces/20230801.tif", slice(0, 60), slice(40, 80))
    assert len(joined(tmp_path / "pieces")) == 2
    assert "they adjoin and differ in dates" in caplog.text


@pytest.mark.parametrize(("added", "count"), [(0, 1), (300, 2)])
def test_overlapping_pieces(tmp_path: Path, added: int, count: int, caplog: pytest.LogCaptureFixture) -> None:
    piece(tmp_path / "pieces/a_1.tif", slice(0, 60), slice(0, 45))
    piece(tmp_path / "pieces/a_2.tif", slice(0, 60), slice(40, 80), NUMBERS + np.array(added, NUMBERS.dtype))
    scenes = joined(tmp_path / "pieces")
    assert len(scenes) == count
    assert ("counted twice" in caplog.text) == (count == 2)
    if count == 1:
        np.testing.assert_array_equal(pixels(scenes[0].image), NUMBERS)


def test_images_of_one_place_stay_apart(tmp_path: Path) -> None:
    for name in ("first.tif", "second.tif"):
        write_scene(tmp_path / "scenes" / name, NUMBERS)
    assert [scene.name for scene in joined(tmp_path / "scenes")] == ["first", "second"]


def test_mosaic_beside_its_parts(tmp_path: Path) -> None:
    quarters(tmp_path / "pieces")
    (made,) = joined(tmp_path / "pieces")
    made.image.rename(tmp_path / "pieces/mosaics/whole.vrt")
    assert [scene.name for scene in joined(tmp_path / "pieces", str(tmp_path / "pieces/mosaics/whole.vrt"))] == [
        "whole"
    ]


def test_composites_are_no_pieces(tmp_path: Path) -> None:
    (scene,) = find_scenes(str(recorded_composite(tmp_path).image))
    assert isinstance(scene, Scene)
    assert join_pieces([scene], tmp_path) == (scene,)
