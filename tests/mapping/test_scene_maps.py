"""Maps of the scenes that a person names."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from planetary_computer.settings import Settings  # type: ignore[import-untyped] # it publishes no type information

from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.errors import SceneError, UnwritableError
from mining_the_mines.core.hashing import hash_file
from mining_the_mines.mapping.scene_map import open_maps
from mining_the_mines.mapping.settings import VectorSettings
from support.http_servers import FaultyServer, Reply
from support.observed_requests import CLOUD, Observation, clear, month
from support.observed_requests import write_scene as write_item
from support.scene_files import ground, map_named, write_scene

STRICTER = VectorSettings(seed=0.9, grow=0.6)


class Counter:
    """Records the totals of progress."""

    def __init__(self) -> None:
        self.totals: list[int] = []

    @contextmanager
    def __call__(self, total: int, _description: str, /) -> Iterator[Callable[[], None]]:
        """See :class:`mining_the_mines.core.progress.Count`."""
        self.totals.append(total)
        yield lambda: None


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


def changed(path: Path, **fields: Any) -> Path:
    """The item with other fields."""
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | fields), encoding="utf-8")
    return path


def test_folder_of_rasters(tmp_path: Path) -> None:
    for seed, name in enumerate(("north", "south")):
        raster(tmp_path / "scenes", name, seed)
    maps = map_named(tmp_path, str(tmp_path / "scenes"))
    assert [found.name for found in maps.maps] == ["north", "south"]
    assert maps.unmapped == ()
    assert {path.name for path in (tmp_path / "maps").iterdir()} == {"maps.json", "north", "south"}
    assert all(len(found.mines) for found in maps.maps)
    paths = [tmp_path / "scenes" / f"{name}.tif" for name in ("north", "south")]
    assert [found.record.files for found in maps.maps] == [{str(path): hash_file(path)} for path in paths]


def test_stac_item(tmp_path: Path) -> None:
    path = item_at(tmp_path / "archive")
    (found,) = map_named(tmp_path, str(path)).maps
    assert found.name == "S2A_X"
    assert found.record.scene.source == str(path)
    assert found.record.facts.first_date == found.record.facts.last_date == month(7).date()
    assert found.record.mapped_share > 0.9
    assert set(found.mines["clear_dates"]) == {1}
    image = tmp_path / "composites" / "S2A_X" / "S2A_X.tif"
    made = image.stat().st_mtime_ns
    map_named(tmp_path, str(path), vectors=STRICTER)
    assert image.stat().st_mtime_ns == made


def test_clouds_of_an_item(tmp_path: Path) -> None:
    scl = clear()
    scl[:, :24] = CLOUD
    (found,) = map_named(tmp_path, str(item_at(tmp_path / "archive", scl, **{"eo:cloud_cover": 99.0}))).maps
    assert 0.4 < found.record.mapped_share < 0.6


def test_item_without_clear_pixel(tmp_path: Path) -> None:
    path = item_at(tmp_path / "archive", np.full((48, 48), CLOUD, np.uint8))
    with pytest.raises(SceneError, match=r"no pixel is clear"):
        map_named(tmp_path, str(path))


def test_item_without_a_band_is_refused(tmp_path: Path) -> None:
    path = item_at(tmp_path / "archive")
    assets = json.loads(path.read_text(encoding="utf-8"))["assets"]
    del assets["green"]
    with pytest.raises(SceneError, match="B3"):
        map_named(tmp_path, str(changed(path, assets=assets)))


@pytest.mark.parametrize("box", [[179.2, -17.1, -179.8, -16.1], [179.2, -17.1, 0, -179.8, -16.1, 90]])
def test_item_across_the_antimeridian(tmp_path: Path, box: list[float]) -> None:
    path = changed(item_at(tmp_path / "archive"), bbox=box)
    with pytest.raises(SceneError, match=r"acquisition\.regions") as error:
        map_named(tmp_path, str(path))
    assert str(error.value).startswith(f"{path} lies across the antimeridian (its bbox reaches from 179.2 to -179.8 ")


@pytest.fixture
def tokens(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyServer]:
    """A service of signatures that gives none."""
    with FaultyServer(lambda _: Reply(404, {}, b"")).running() as server:
        monkeypatch.setattr(Settings.get(), "sas_url", server.address)
        yield server


def test_signed_item(tmp_path: Path, tokens: FaultyServer) -> None:
    path = item_at(tmp_path / "archive")
    assets = json.loads(path.read_text(encoding="utf-8"))["assets"]
    for name, asset in assets.items():
        asset["href"] = f"https://saved.blob.core.windows.net/sentinel2-l2/{name}.tif"
    with pytest.raises(SceneError, match="no composite can be made"):
        map_named(tmp_path, str(changed(path, assets=assets)))
    assert {asked.path for asked in tokens.asked} == {"/saved/sentinel2-l2"}


def test_finished_map_is_kept(tmp_path: Path) -> None:
    path = raster(tmp_path, "north")
    map_named(tmp_path, str(path))
    folder = tmp_path / "maps" / "north"
    made = {file: file.stat().st_mtime_ns for file in folder.iterdir()}
    map_named(tmp_path, [str(path), str(raster(tmp_path, "south"))])
    assert {file: file.stat().st_mtime_ns for file in folder.iterdir()} == made
    assert [found.name for found in open_maps(tmp_path / "maps").maps] == ["north", "south"]


def test_equal_names(tmp_path: Path) -> None:
    first, second = raster(tmp_path / "a", "tile"), raster(tmp_path / "b", "tile", seed=1)
    map_named(tmp_path, str(first))
    pixels = (tmp_path / "maps" / "tile" / "probability.tif").read_bytes()
    with pytest.raises(SceneError, match=f"holds the map of {first}, which {second} would replace"):
        map_named(tmp_path, str(second))
    assert (tmp_path / "maps" / "tile" / "probability.tif").read_bytes() == pixels
    maps = map_named(tmp_path, [str(second), str(raster(tmp_path, "south"))])
    assert [found.name for found in maps.maps] == ["south"]
    assert [failed.source for failed in maps.unmapped] == [str(second)]
    shutil.rmtree(tmp_path / "maps" / "tile")
    assert map_named(tmp_path, str(second)).maps[0].record.scene.source == str(second)


def test_other_polygons_are_one_task(tmp_path: Path) -> None:
    path, counter = raster(tmp_path, "north"), Counter()
    map_named(tmp_path, str(path))
    for _ in range(2):
        map_named(tmp_path, str(path), progress=counter, vectors=STRICTER)
        assert counter.totals == [1]


def test_bad_scenes(tmp_path: Path) -> None:
    scenes = tmp_path / "scenes"
    raster(scenes, "good")
    truncated(scenes, "cut")
    (scenes / "text.tif").write_text("no raster")
    write_scene(scenes / "nowhere.tif", ground(20, 20), crs=None)
    maps = map_named(tmp_path, str(scenes))
    assert [found.name for found in maps.maps] == ["good"]
    reasons = {scene.scene: scene.reason for scene in maps.unmapped}
    assert set(reasons) == {"cut", "text", "nowhere"}
    assert "cut off" in reasons["cut"]
    assert "has no CRS" in reasons["nowhere"]
    listed = json.loads((tmp_path / "maps" / "maps.json").read_text(encoding="utf-8"))
    assert listed["scenes"] == ["good"]
    assert {scene["scene"] for scene in listed["unmapped"]} == set(reasons)
    assert not (tmp_path / "maps" / "cut").exists()


def test_no_scene_can_be_mapped(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_scene(tmp_path / "scenes" / f"{name}.tif", ground(20, 20), crs=None)
    with pytest.raises(
        SceneError, match=r"^None of 2 scenes can be mapped, the first for this reason: .*a\.tif has no"
    ):
        map_named(tmp_path, str(tmp_path / "scenes"))
    with pytest.raises(SceneError, match=r"^.*a\.tif has no CRS"):
        map_named(tmp_path, str(tmp_path / "scenes" / "a.tif"))


def test_unwritable_folder_ends_the_run(tmp_path: Path) -> None:
    (tmp_path / "maps").write_text("a file")
    with pytest.raises(UnwritableError, match=r"can't be written .*choose a folder"):
        map_named(tmp_path, str(raster(tmp_path, "north")))


def test_parts_of_a_changed_scene(tmp_path: Path) -> None:
    scenes = tmp_path / "scenes"
    raster(scenes, "good")
    path = truncated(scenes, "cut")
    map_named(tmp_path, str(scenes), tiling={"band_rows": 50})
    parts = tmp_path / "maps" / ".parts"
    assert len(list(parts.glob("cut-*/*.npy"))) >= 1
    path.unlink()
    write_scene(path, ground(200, 50))
    map_named(tmp_path, str(scenes), tiling={"band_rows": 50})
    assert not parts.exists()


def test_item_without_bbox_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match=r"S2A_X\.json"):
        map_named(tmp_path, str(changed(item_at(tmp_path / "archive"), bbox=None)))


@pytest.mark.parametrize(
    ("change", "imagery", "message"),
    [
        (lambda numbers: numbers.astype(np.float64), ChipSettings(scale=10_000), r"set imagery\.scale to 10000"),
        (lambda numbers: (numbers // 100).astype(np.float32), ChipSettings(scale=100), r"set imagery\.scale to 100"),
        (lambda numbers: numbers // 100, ChipSettings(scale=100), r"too dark: .*imagery\.scale"),
    ],
)
def test_numbers_of_another_scale(
    tmp_path: Path, change: Callable[[Any], Any], imagery: ChipSettings, message: str
) -> None:
    numbers = ground(80, 80)
    plain = map_named(tmp_path / "plain", str(write_scene(tmp_path / "a" / "scene.tif", numbers))).maps[0]
    odd = write_scene(tmp_path / "b" / "scene.tif", change(numbers))
    with pytest.raises(SceneError, match=rf"scene\.tif can't be trusted .*{message}"):
        map_named(tmp_path / "odd", str(odd))
    read = map_named(tmp_path / "read", str(odd), imagery=imagery).maps[0]
    assert read.record.hectares == pytest.approx(plain.record.hectares, rel=0.1)
    assert read.record.mapped_hectares == plain.record.mapped_hectares


def test_doubts_are_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write_scene(tmp_path / "scene.tif", ground(80, 80), [None, None])
    map_named(tmp_path, str(path))
    assert "its bands are taken for B2, B3, in this order" in caplog.text
    caplog.clear()
    map_named(tmp_path / "stated", str(path), imagery=ChipSettings(order=("B2", "B3")))
    assert "taken for" not in caplog.text


def test_item_of_one_file_with_all_bands_names_that_file(tmp_path: Path) -> None:
    path = item_at(tmp_path / "archive")
    stack = {
        "href": "./stack.tif",
        "type": "image/tiff",
        "eo:bands": [{"name": "B2"}, {"name": "B3"}],
        "raster:bands": [{"scale": 0.0001, "offset": -0.1}] * 2,
    }
    changed(path, assets={"data": stack})
    message = r"--params=scene=.*stack\.tif,imagery\.scale=10000,imagery\.offset=-0\.1; clouds"
    with pytest.raises(SceneError, match=message):
        map_named(tmp_path, str(path))
