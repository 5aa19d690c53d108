"""However a scene is divided, its map is the one that a plain loop over windows makes."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mining_the_mines.core.errors import SceneError
from mining_the_mines.mapping.plan import BandPart
from mining_the_mines.mapping.probability_raster import joined_rows
from support.scene_files import (
    ground,
    map_rows,
    plain_map,
    plan_map,
    store_model,
    torn_corner,
    write_scene,
)


def joined(parts: Sequence[BandPart]) -> npt.NDArray[np.float32]:
    """A whole map; rows come in order and without a gap."""
    blocks = []
    row = 0
    for first, rows in joined_rows(parts):
        assert first == row
        row += len(rows)
        blocks.append(rows)
    return np.concatenate(blocks)


def mapped(folder: Path, numbers: npt.NDArray[Any], model: dict[str, Any] | None = None, **tiling: Any) -> np.ndarray:
    """The map of a scene."""
    path = write_scene(folder / "scene.tif", numbers)
    plan = plan_map(path, store_model(folder / "model", **(model or {})), **tiling)
    return joined(map_rows(plan, folder / "parts"))


def reflectance(numbers: npt.NDArray[np.uint16]) -> npt.NDArray[np.float32]:
    return np.where((numbers == 0).all(axis=0), np.nan, numbers / np.float32(10_000)).astype(np.float32)


@st.composite
def scenes(draw: st.DrawFn) -> npt.NDArray[np.uint16]:
    """Scenes of any small size, some of them torn."""
    height, width = draw(st.integers(1, 90)), draw(st.integers(1, 90))
    empty = torn_corner(height, width) if draw(st.booleans()) else None
    return ground(height, width, draw(st.integers(0, 99)), empty)


@st.composite
def tilings(draw: st.DrawFn) -> dict[str, Any]:
    """Any way to cut them."""
    return {
        "window": draw(st.sampled_from([8, 17, 32])),
        "overlap": draw(st.sampled_from([0.0, 0.25, 0.5, 0.75, 0.9])),
        "blend": draw(st.sampled_from(["cosine", "crop"])),
        "band_rows": draw(st.sampled_from([1, 7, 30, 100_000])),
        "batch": draw(st.sampled_from([None, 1, 3])),
    }


@given(scenes(), tilings())
@settings(max_examples=30, deadline=None)
def test_same_as_a_plain_loop(numbers: npt.NDArray[np.uint16], tiling: dict[str, Any]) -> None:
    with TemporaryDirectory() as place:
        folder = Path(place)
        path = write_scene(folder / "scene.tif", numbers)
        plan = plan_map(path, store_model(folder / "model"), **tiling)
        parts = map_rows(plan, folder / "parts")
        np.testing.assert_allclose(joined(parts), plain_map(reflectance(numbers), plan), atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1), (1, 75), (75, 1), (20, 20), (33, 64), (100, 31)])
def test_any_size(tmp_path: Path, shape: tuple[int, int]) -> None:
    found = mapped(tmp_path, ground(*shape))
    assert found.shape == shape
    assert np.isfinite(found).all()


@pytest.mark.parametrize("blend", ["cosine", "crop"])
def test_missing_data(tmp_path: Path, blend: str) -> None:
    empty = torn_corner(80, 70)
    np.testing.assert_array_equal(np.isnan(mapped(tmp_path, ground(80, 70, empty=empty), blend=blend)), empty)


def test_beyond_a_gap(tmp_path: Path) -> None:
    empty = np.zeros((32, 32), dtype=bool)
    empty[:, 12:20] = True
    numbers = ground(32, 32, empty=empty)
    other = numbers.copy()
    other[:, :, 20:] = 9_000
    left, right = (mapped(tmp_path / name, scene, window=8)[:, :12] for name, scene in (("a", numbers), ("b", other)))
    np.testing.assert_array_equal(left, right)


def test_coarse_model(tmp_path: Path) -> None:
    numbers = ground(20, 70, empty=torn_corner(20, 70))
    path = write_scene(tmp_path / "scene.tif", numbers)
    stored = store_model(tmp_path / "model", coarse=True)
    plan = plan_map(path, stored)
    assert plan.coarse
    assert plan.rows.window == plan.columns.window == 32
    found = joined(map_rows(plan, tmp_path / "parts"))
    np.testing.assert_allclose(found, plain_map(reflectance(numbers), plan), atol=1e-6)
    with pytest.raises(SceneError, match=r"mapping\.tiling\.window is 16, and a classifier takes windows of 32 pixels"):
        plan_map(path, stored, window=16)


def test_parts_of_another_division(tmp_path: Path) -> None:
    # With much overlap several rows of windows begin above the scene.
    path = write_scene(tmp_path / "scene.tif", ground(200, 20))
    stored = store_model(tmp_path / "model")
    names: dict[str, tuple[int, int]] = {}
    for rows in (1, 5, 20, 60, 100, 200):
        plan = plan_map(path, stored, overlap=0.75, band_rows=rows)
        for part in map_rows(plan, tmp_path / str(rows)):
            windows = (part.band.first_window, part.band.end_window)
            assert names.setdefault(part.path.name, windows) == windows


def test_failing_model(tmp_path: Path) -> None:
    path = write_scene(tmp_path / "scene.tif", ground(600, 400))
    plan = plan_map(path, store_model(tmp_path / "model", fails=True), band_rows=100_000)
    with pytest.raises(MemoryError):
        map_rows(plan, tmp_path / "parts")
    assert not list((tmp_path / "parts").iterdir())
