"""Maps that are wanted, from what a person names to the list of what was made."""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from mapping.test_scene_discovery import recorded
from mining_the_mines.core.dask_client import DaskSettings
from mining_the_mines.core.errors import BadInputError, SceneError
from mining_the_mines.core.hashing import hash_file
from mining_the_mines.core.progress import uncounted
from mining_the_mines.mapping.completion import PermitFiles
from mining_the_mines.mapping.requests import MapRequest
from mining_the_mines.mapping.scene_map import SceneMaps, open_maps
from mining_the_mines.mapping.settings import MappingSettings, VectorSettings
from mining_the_mines.mapping.stac_scenes import StacReading
from mining_the_mines.rasters.scene import Scene
from mining_the_mines.scenes.composite_files import NoCompositeError
from mining_the_mines.scenes.settings import AcquisitionSettings, CompositingSettings
from support.composites import DATES
from support.observed_requests import CLOUD, Observation, clear, month
from support.observed_requests import write_scene as write_item
from support.scene_files import THRESHOLD, ground, scene_at, store_model, write_scene

READING = StacReading(
    CompositingSettings(mask_asset="scl"),
    AcquisitionSettings(timeout_seconds=1, retries=0, back_off=0),
    DaskSettings(workers=1),
)
VECTORS = VectorSettings(seed=THRESHOLD, grow=THRESHOLD, minimum_hectares=0)


class Counter:
    """Keeps what progress was promised."""

    def __init__(self) -> None:
        self.totals: list[int] = []

    @contextmanager
    def __call__(self, total: int, _description: str, /) -> Iterator[Callable[[], None]]:
        """See :class:`mining_the_mines.core.progress.Count`."""
        self.totals.append(total)
        yield lambda: None


def make(folder: Path, scenes: str | Sequence[str] | Sequence[Scene], **settings: Any) -> SceneMaps:
    """Map scenes into a folder."""
    return request(folder, scenes, **settings).make(folder / "maps", folder / "composites", uncounted)


def request(folder: Path, scenes: str | Sequence[str] | Sequence[Scene], **settings: Any) -> MapRequest:
    mapping = MappingSettings(**({"vectors": VECTORS} | settings))
    return MapRequest(scenes, store_model(folder / "model"), mapping, PermitFiles(), READING)


def raster(folder: Path, name: str, seed: int = 0) -> Path:
    return write_scene(folder / f"{name}.tif", ground(60, 50, seed))


def truncated(folder: Path, name: str) -> Path:
    """A scene that is cut off in the middle."""
    whole = write_scene(folder / "whole" / f"{name}.tif", ground(200, 50))
    path = folder / f"{name}.tif"
    rasterio.shutil.copy(whole, path, driver="GTiff", tiled=True, blockxsize=16, blockysize=16)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    return path


def item_at(folder: Path, scl: np.ndarray | None = None, edge: float = 960, **properties: Any) -> Path:
    """An item of a static catalog, with bright ground."""
    numbers = ground(96, 96)
    seen = Observation({"blue": numbers[0], "green": numbers[1]}, clear() if scl is None else scl, month(7))
    item = write_item(folder, "S2A_X", seen, edge)
    item.properties |= properties
    path = folder / "items" / "S2A_X.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(item.to_dict(include_self_link=False, transform_hrefs=False)), encoding="utf-8")
    return path


def test_a_folder_of_rasters_is_mapped(tmp_path: Path) -> None:
    for seed, name in enumerate(("north", "south")):
        raster(tmp_path / "scenes", name, seed)
    maps = make(tmp_path, str(tmp_path / "scenes"))
    assert [found.name for found in maps.maps] == ["north", "south"]
    assert maps.unmapped == ()
    assert {path.name for path in (tmp_path / "maps").iterdir()} == {"maps.json", "north", "south"}
    assert all(len(found.mines) for found in maps.maps)
    paths = [tmp_path / "scenes" / f"{name}.tif" for name in ("north", "south")]
    assert [found.record.files for found in maps.maps] == [{str(path): hash_file(path)} for path in paths]


def test_scenes_that_were_found_before_are_mapped(tmp_path: Path) -> None:
    (found,) = make(tmp_path, [scene_at(raster(tmp_path, "north"))]).maps
    assert found.name == "north"


def test_a_composite_is_mapped_with_its_dates(tmp_path: Path) -> None:
    recorded(tmp_path / "made")
    (found,) = make(tmp_path, str(tmp_path / "made" / "north.tif")).maps
    assert (found.record.facts.first_date, found.record.facts.last_date) == (DATES[0], DATES[-1])


def test_a_stac_item_becomes_a_composite_of_its_date_and_is_mapped(tmp_path: Path) -> None:
    path = item_at(tmp_path / "archive")
    (found,) = make(tmp_path, str(path)).maps
    assert found.name == "S2A_X"
    assert found.record.scene.source == str(path)
    assert found.record.facts.first_date == found.record.facts.last_date == month(7).date()
    assert found.record.mapped_share > 0.9
    assert set(found.mines["clear_dates"]) == {1}


def test_the_composite_of_an_item_is_made_once(tmp_path: Path) -> None:
    path = item_at(tmp_path / "archive")
    make(tmp_path, str(path))
    image = tmp_path / "composites" / "S2A_X" / "S2A_X.tif"
    made = image.stat().st_mtime_ns
    make(tmp_path, str(path), vectors=VectorSettings(seed=0.9, grow=0.6))
    assert image.stat().st_mtime_ns == made


def test_clouds_of_an_item_are_ground_without_data(tmp_path: Path) -> None:
    scl = clear()
    scl[:, :24] = CLOUD
    (found,) = make(tmp_path, str(item_at(tmp_path / "archive", scl, **{"eo:cloud_cover": 99.0}))).maps
    assert 0.4 < found.record.mapped_share < 0.6


def test_an_item_under_clouds_alone_is_refused_in_one_sentence(tmp_path: Path) -> None:
    path = item_at(tmp_path / "archive", np.full((48, 48), CLOUD, np.uint8))
    with pytest.raises((SceneError, NoCompositeError), match=r"no pixel is clear"):
        make(tmp_path, str(path))


@pytest.mark.parametrize("content", ["{}", "no json", "[]"])
def test_what_is_no_item_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "item.json").write_text(content)
    with pytest.raises(SceneError, match=r"item\.json") as error:
        make(tmp_path, str(tmp_path / "item.json"))
    assert "\n" not in str(error.value)


def test_an_item_without_a_band_names_it(tmp_path: Path) -> None:
    path = item_at(tmp_path / "archive")
    item = json.loads(path.read_text(encoding="utf-8"))
    del item["assets"]["green"]
    path.write_text(json.dumps(item), encoding="utf-8")
    with pytest.raises(SceneError, match="B3"):
        make(tmp_path, str(path))


def test_a_finished_scene_is_not_done_twice(tmp_path: Path) -> None:
    path = raster(tmp_path, "north")
    make(tmp_path, str(path))
    folder = tmp_path / "maps" / "north"
    made = {file: file.stat().st_mtime_ns for file in folder.iterdir()}
    make(tmp_path, [str(path), str(raster(tmp_path, "south"))])
    assert {file: file.stat().st_mtime_ns for file in folder.iterdir()} == made
    assert [found.name for found in open_maps(tmp_path / "maps").maps] == ["north", "south"]


def test_a_scene_does_not_replace_the_map_of_another_of_its_name(tmp_path: Path) -> None:
    first, second = raster(tmp_path / "a", "tile"), raster(tmp_path / "b", "tile", seed=1)
    make(tmp_path, str(first))
    pixels = (tmp_path / "maps" / "tile" / "probability.tif").read_bytes()
    with pytest.raises(SceneError) as error:
        make(tmp_path, str(second))
    assert str(error.value) == (
        f"{tmp_path / 'maps' / 'tile'} holds the map of {first}, which {second} would replace, for both are called "
        "tile: rename the scene, or remove that folder."
    )
    assert (tmp_path / "maps" / "tile" / "probability.tif").read_bytes() == pixels
    maps = make(tmp_path, [str(second), str(raster(tmp_path, "south"))])
    assert [found.name for found in maps.maps] == ["south"]
    assert [failed.source for failed in maps.unmapped] == [str(second)]
    make(tmp_path, str(tmp_path / "b" / ".." / "a" / "tile.tif"))
    shutil.rmtree(tmp_path / "maps" / "tile")
    assert make(tmp_path, str(second)).maps[0].record.scene.source == str(second)


def test_a_scene_that_is_made_anew_replaces_its_map(tmp_path: Path) -> None:
    make(tmp_path, str(raster(tmp_path, "north")))
    before = (tmp_path / "maps" / "north" / "probability.tif").read_bytes()
    make(tmp_path, str(raster(tmp_path, "north", seed=1)))
    assert (tmp_path / "maps" / "north" / "probability.tif").read_bytes() != before


def test_other_polygons_are_one_step(tmp_path: Path) -> None:
    path = raster(tmp_path, "north")
    make(tmp_path, str(path))
    counter = Counter()
    changed = request(tmp_path, str(path), vectors=VectorSettings(seed=0.9, grow=0.6))
    changed.make(tmp_path / "maps", tmp_path / "composites", counter)
    assert counter.totals == [1]
    again = request(tmp_path, str(path), vectors=VectorSettings(seed=0.9, grow=0.6))
    again.make(tmp_path / "maps", tmp_path / "composites", counter)
    assert counter.totals == [1]


def test_bad_scenes_leave_the_others_and_are_listed(tmp_path: Path) -> None:
    scenes = tmp_path / "scenes"
    raster(scenes, "good")
    truncated(scenes, "cut")
    (scenes / "text.tif").write_text("no raster")
    write_scene(scenes / "nowhere.tif", ground(20, 20), crs=None)
    maps = make(tmp_path, str(scenes))
    assert [found.name for found in maps.maps] == ["good"]
    reasons = {scene.scene: scene.reason for scene in maps.unmapped}
    assert set(reasons) == {"cut", "text", "nowhere"}
    assert "cut off" in reasons["cut"]
    assert "has no CRS" in reasons["nowhere"]
    listed = json.loads((tmp_path / "maps" / "maps.json").read_text(encoding="utf-8"))
    assert listed["scenes"] == ["good"]
    assert {scene["scene"] for scene in listed["unmapped"]} == set(reasons)
    assert not (tmp_path / "maps" / "cut").exists()


def test_if_none_can_be_mapped_one_sentence_says_why(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_scene(tmp_path / "scenes" / f"{name}.tif", ground(20, 20), crs=None)
    with pytest.raises(
        SceneError, match=r"^None of 2 scenes can be mapped, the first for this reason: .*a\.tif has no"
    ):
        make(tmp_path, str(tmp_path / "scenes"))
    with pytest.raises(SceneError, match=r"^.*a\.tif has no CRS"):
        make(tmp_path, str(tmp_path / "scenes" / "a.tif"))


def test_a_folder_that_can_not_be_written_to_is_told(tmp_path: Path) -> None:
    (tmp_path / "maps").write_text("a file")
    with pytest.raises(BadInputError, match=r"can't be written .*choose a folder"):
        make(tmp_path, str(raster(tmp_path, "north")))


def test_parts_of_a_scene_that_has_changed_since_are_removed(tmp_path: Path) -> None:
    scenes = tmp_path / "scenes"
    raster(scenes, "good")
    path = truncated(scenes, "cut")
    make(tmp_path, str(scenes), tiling={"band_rows": 50})
    parts = tmp_path / "maps" / ".parts"
    assert len(list(parts.glob("cut-*/*.npy"))) >= 1
    path.unlink()
    write_scene(path, ground(200, 50))
    make(tmp_path, str(scenes), tiling={"band_rows": 50})
    assert not parts.exists()
