"""Masks of scenes by networks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import rasterio
from pydantic import ValidationError
from rasterio.transform import from_origin

from mining_the_mines.core.dask_client import DaskSettings
from mining_the_mines.core.errors import BadInputError, SceneError
from mining_the_mines.scenes import cloud_masks
from mining_the_mines.scenes.cloud_masks import MASKS, mask_clouds
from mining_the_mines.scenes.composites import make_composites, plan_composites
from mining_the_mines.scenes.regions import Region
from mining_the_mines.scenes.scene_list import LEFT_OUT_COLUMNS, SceneSelection
from mining_the_mines.scenes.settings import AcquisitionSettings, CompositingSettings
from mining_the_mines.sentinel2 import csmask
from mining_the_mines.sentinel2.scene_classification import SceneClass
from support.killed_runs import kill_when
from support.stac_catalogs import GROUND, Scene

#: Reflectance of forest and of a thick cloud.
FOREST = {"B2": 0.03, "B3": 0.05, "B4": 0.027, "B8": 0.305, "B11": 0.155, "B12": 0.068}
CLOUD = {"B2": 0.65, "B3": 0.64, "B4": 0.64, "B8": 0.68, "B11": 0.42, "B12": 0.32}
#: Pixels of 10 m: those of the region in the middle, and some around it.
SIDE, AROUND = 64, 63
CLOUDY = slice(AROUND, AROUND + 30)
ACCESS = AcquisitionSettings(minimum_dates=1)
DASK = DaskSettings(workers=1)


def write(path: Path, numbers: npt.NDArray[Any], step: int = 10) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    place = from_origin(500_000 - 10 * AROUND, 9_400_000 + 10 * AROUND, step, step)
    size = {"height": numbers.shape[0], "width": numbers.shape[1], "count": 1, "dtype": numbers.dtype}
    with rasterio.open(path, "w", driver="GTiff", crs="EPSG:32721", transform=place, nodata=0, **size) as file:
        file.write(numbers, 1)
    return str(path)


def item(folder: Path, day: int = 0, bands: tuple[str, ...] = tuple(FOREST), shape: int = SIDE + 2 * AROUND) -> Any:
    """A scene with a cloud over the upper half of the region; its classification sees another at the right end."""
    scene = Scene(day=day, keys={band: band for band in bands})
    fields = scene.item()
    noise = np.random.default_rng(day).normal(1, 0.03, (shape, shape))
    for band in bands:
        ground = FOREST[band] * noise
        ground[CLOUDY] = CLOUD[band]
        fields["assets"][band] = {"href": write(folder / scene.id / f"{band}.tif", (ground * 10_000).astype(np.uint16))}
    classes = np.full((shape // 2, shape // 2), SceneClass.VEGETATION, np.uint8)
    classes[:, (AROUND + SIDE - 10) // 2 :] = SceneClass.CLOUD_MEDIUM_PROBABILITY
    fields["assets"]["SCL"] = {"href": write(folder / scene.id / "SCL.tif", classes, 20)}
    return fields


def selection(*items: Any) -> SceneSelection:
    empty = pd.DataFrame(columns=list(LEFT_OUT_COLUMNS), dtype=str)
    return SceneSelection("archive", (Region("here", GROUND),), {"here": items}, empty)


def settings(source: str, **others: Any) -> CompositingSettings:
    sky = {"source": source, "dilation_metres": 0}
    return CompositingSettings.model_validate({"clear_sky": sky, "minimum_clear_dates": 1, **others})


def known(chosen: SceneSelection, how: CompositingSettings, folder: Path) -> npt.NDArray[np.bool_]:
    """Where a composite has data."""
    masked = mask_clouds(chosen, how, ACCESS, folder, DASK)
    (made,) = make_composites(plan_composites(masked, ("B2",), how, ACCESS), folder, DASK)
    with rasterio.open(made.image) as image:
        found: npt.NDArray[np.bool_] = image.read(1) != 0
    return found


@pytest.mark.parametrize(
    ("source", "clouds", "right"), [("scl", True, False), ("csmask", False, True), ("both", False, False)]
)
def test_sources(tmp_path: Path, source: str, clouds: bool, right: bool) -> None:
    found = known(selection(item(tmp_path)), settings(source), tmp_path / "out")
    assert found[:24, :50].mean() == (1 if clouds else 0)
    assert found[40:, :50].mean() > 0.9
    assert found[44:, 56:].mean() == pytest.approx(1 if right else 0, abs=0.1)


def test_level_1c_of_four_bands(tmp_path: Path) -> None:
    scene = item(tmp_path, bands=("B2", "B3", "B4", "B8"))
    del scene["assets"]["SCL"]
    scene["properties"]["processing:level"] = "L1C"
    found = known(selection(scene), settings("csmask"), tmp_path / "out")
    assert not found[6:18].any()
    assert found[44:].mean() > 0.9


def test_mask_of_ones_own_counts_as_well(tmp_path: Path) -> None:
    scene = item(tmp_path)
    own = np.zeros((190, 190), np.uint8)
    own[:, :73] = 1
    scene["assets"]["mine"] = {"href": write(tmp_path / "mine.tif", own)}
    with rasterio.open(scene["assets"]["mine"]["href"], "r+") as file:
        file.nodata = None
    found = known(selection(scene), settings("both", mask_asset="mine"), tmp_path / "out")
    assert not found[:, :10].any()
    assert not found[:24].any()
    assert found[44:, 12:].mean() > 0.9


def test_masks_are_kept(tmp_path: Path) -> None:
    chosen = selection(item(tmp_path), item(tmp_path, 5))
    paths = [masks(mask_clouds(chosen, settings("csmask"), ACCESS, tmp_path, DASK)) for _ in range(2)]
    times = [path.stat().st_mtime_ns for path in paths[0]]
    mask_clouds(chosen, settings("csmask"), ACCESS, tmp_path, DASK)
    assert paths[0] == paths[1]
    assert [path.stat().st_mtime_ns for path in paths[0]] == times


def test_masks_that_no_scene_needs_are_removed(tmp_path: Path) -> None:
    first, second = item(tmp_path), item(tmp_path, 5)
    mask_clouds(selection(first, second), settings("csmask"), ACCESS, tmp_path, DASK)
    left = masks(mask_clouds(selection(second), settings("csmask"), ACCESS, tmp_path, DASK))
    assert sorted((tmp_path / MASKS / "here").iterdir()) == left


_VICTIM = """
import sys, time
from pathlib import Path
from scenes.test_cloud_masks import ACCESS, DASK, item, selection, settings
from mining_the_mines.scenes import cloud_masks
from mining_the_mines.sentinel2 import csmask
cloud_masks._CELLS, csmask.CELL = 1, 52
whole = cloud_masks.make_part
def slow(plans, task):
    whole(plans, task)
    time.sleep(0.5)
cloud_masks.make_part = slow
folder = Path(sys.argv[1])
cloud_masks.mask_clouds(selection(item(folder)), settings("csmask"), ACCESS, folder / "killed", DASK)
"""


def test_killed_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloud_masks, "_CELLS", 1)
    monkeypatch.setattr(csmask, "CELL", 52)
    chosen = selection(item(tmp_path))
    (undisturbed,) = masks(mask_clouds(chosen, settings("csmask"), ACCESS, tmp_path / "undisturbed", DASK))
    kill_when(_VICTIM, tmp_path, "killed/**/*.npy", 2, tmp_path)
    done = len(list(tmp_path.glob("killed/**/*.npy")))
    made: list[int] = []

    @contextmanager
    def counting(total: int, _description: str, /) -> Iterator[Callable[[], None]]:
        made.append(total)
        yield lambda: None

    (mask,) = masks(mask_clouds(chosen, settings("csmask"), ACCESS, tmp_path / "killed", DASK, counting))
    plan = cloud_masks.MaskPlan(Region("here", GROUND), chosen.items["here"][0], settings("csmask"), ACCESS)
    assert made == [len(plan.parts(tmp_path)) - done]
    with rasterio.open(mask) as resumed, rasterio.open(undisturbed) as whole:
        np.testing.assert_array_equal(resumed.read(), whole.read())
    assert not mask.with_suffix(".parts").exists()


def test_unreadable_scene_is_left_out(tmp_path: Path) -> None:
    broken = item(tmp_path, 5)
    Path(broken["assets"]["B8"]["href"]).unlink()
    left = mask_clouds(selection(item(tmp_path), broken), settings("csmask"), ACCESS, tmp_path, DASK)
    assert len(left.items["here"]) == 1
    assert left.left_out["reason"].str.startswith("no cloud mask: ").all()


def test_no_readable_scene(tmp_path: Path) -> None:
    broken = item(tmp_path)
    Path(broken["assets"]["B8"]["href"]).unlink()
    with pytest.raises(SceneError, match="no cloud mask"):
        mask_clouds(selection(broken), settings("csmask"), ACCESS, tmp_path, DASK)


def test_package_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csmask, "find_spec", lambda _: None)
    with pytest.raises(BadInputError, match="pip install"):
        mask_clouds(selection(), settings("both"), ACCESS, tmp_path, DASK)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"mask_asset": "mine", "clear_sky": {"source": "csmask"}}, "mask_asset .* is not read"),
        ({"mask_asset": "none", "clear_sky": {"source": "both"}}, "set the former to csmask"),
        ({"clear_sky": {"source": "csmask", "masked": ["cloud_shadow", "water"]}}, "masked names water"),
    ],
)
def test_settings_that_disagree(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        CompositingSettings.model_validate(given)


def masks(chosen: SceneSelection) -> list[Path]:
    return sorted(Path(scene["assets"]["csmask"]["href"]) for scene in chosen.items["here"])
