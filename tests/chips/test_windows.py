"""Windows that segmenters train on."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydantic import ValidationError
from shapely.geometry.base import BaseGeometry

from mining_the_mines.chips.masks import MINE, UNKNOWN, MaskSettings, draw_masks
from mining_the_mines.chips.planes import PackedPlanes, planes_in_memory
from mining_the_mines.chips.windows import COLUMNS, STRIDE, WindowSettings, cut_windows, take_window
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.grid import ChipGrid
from mining_the_mines.geo.mine_polygons import MinePolygons
from support.chip_polygons import LEFT, TOP, outlines_in, pack, square, utm_grid, write_chips

EDGE = 96
GRIDS: dict[str, ChipGrid | None] = {"a.tif": utm_grid(EDGE, EDGE), "b.tif": utm_grid(EDGE, EDGE, left=LEFT + 5_000)}
POLYGONS = WindowSettings(cut="polygon")


def drawn(
    folder: Path, shapes: Sequence[BaseGeometry], grids: dict[str, ChipGrid | None] = GRIDS
) -> tuple[PackedPlanes, MinePolygons]:
    """Masks of shapes on chips, and the polygons they are made from."""
    chips = write_chips(folder / "images", grids)
    polygons = outlines_in(folder, shapes)
    return draw_masks(pack(chips), chips, polygons, MaskSettings(), folder / "masks"), polygons


def of_kind(windows: pd.DataFrame, kind: str) -> pd.DataFrame:
    return windows[windows["kind"] == kind]


def test_whole_chips(tmp_path: Path) -> None:
    masks, polygons = drawn(tmp_path, [square(LEFT + 100, TOP - 300, 100)])
    windows = cut_windows(masks, ["b.tif", "a.tif"], polygons, WindowSettings())
    assert list(windows.columns) == list(COLUMNS)
    assert windows.to_numpy().tolist() == [["b.tif", 0, 0, EDGE, "other", 0.0], ["a.tif", 0, 0, EDGE, "mine", 1.0]]


def test_oblong_chips(tmp_path: Path) -> None:
    masks, polygons = drawn(tmp_path, [square(LEFT + 50, TOP - 100, 30)], {"a.tif": utm_grid(16, 20)})
    with pytest.raises(
        BadInputError, match=r"The chips are 20 × 16 pixels, and no squares: set windows.cut to polygon"
    ):
        cut_windows(masks, ["a.tif"], polygons, WindowSettings())
    assert len(cut_windows(masks, ["a.tif"], polygons, POLYGONS)) == 1


def test_context(tmp_path: Path) -> None:
    masks, polygons = drawn(tmp_path, [square(LEFT + 400, TOP - 500, 200)])  # columns 40 to 60, rows 30 to 50
    window = of_kind(cut_windows(masks, ["a.tif"], polygons, POLYGONS), "mine").to_dict("records")[0]
    assert (window["size"], window["hectares"]) == (64, 4.0)  # 20 pixels twice over, rounded up
    assert (window["row"] + 32, window["column"] + 32) == (40, 50)
    narrow = cut_windows(masks, ["a.tif"], polygons, WindowSettings(cut="polygon", context=0.25))
    assert of_kind(narrow, "mine")["size"].tolist() == [32]


def test_area_percentiles(tmp_path: Path) -> None:
    edges = [30, 60, 70, 80, 400]
    shapes = [square(LEFT + 100 + 150 * number, TOP - 500, edge) for number, edge in enumerate(edges)]
    elsewhere = [square(LEFT + 90_000, TOP, 5_000)] * 5
    masks, polygons = drawn(tmp_path, [*shapes, *elsewhere])
    settings = WindowSettings(cut="polygon", area_percentiles=(10, 90), context=0)
    windows = of_kind(cut_windows(masks, ["a.tif"], polygons, settings), "mine")
    assert (windows["column"] + 16).tolist() == [28, 43, 59]
    everything = WindowSettings(cut="polygon", context=0)
    assert len(of_kind(cut_windows(masks, ["a.tif"], polygons, everything), "mine")) == 5


def test_windows_without_mine(tmp_path: Path) -> None:
    masks, polygons = drawn(tmp_path, [square(LEFT + 110, TOP - 210, 100)])  # within the first of nine tiles
    windows = of_kind(cut_windows(masks, ["a.tif", "b.tif"], polygons, POLYGONS), "other")
    assert (windows["size"] == 32).all()
    assert windows["filename"].value_counts().to_dict() == {"b.tif": 9, "a.tif": 8}
    assert (windows["hectares"] == 0).all()
    corners = windows.loc[windows["filename"] == "b.tif", ["row", "column"]].to_numpy().tolist()
    assert corners == [[row, column] for row in (0, 32, 64) for column in (0, 32, 64)]


def test_unknown_windows_are_skipped(tmp_path: Path) -> None:
    masks, polygons = drawn(tmp_path, [square(LEFT + 110, TOP - 210, 100)])
    array = masks.array.copy()
    array[1, :, 32:] = UNKNOWN
    masks = planes_in_memory(array, masks.filenames, masks.grids)
    windows = cut_windows(masks, ["a.tif", "b.tif"], polygons, POLYGONS)
    assert set(windows.loc[windows["filename"] == "b.tif", "column"]) == {0}


def test_no_polygon_on_the_chips(tmp_path: Path) -> None:
    masks, polygons = drawn(tmp_path, [square(LEFT + 110, TOP - 210, 100)])
    for cutting in (POLYGONS, WindowSettings(cut="polygon", area_percentiles=(10, 98.5))):
        with pytest.raises(BadInputError, match="No polygon lies on the 1 chips to cut windows from"):
            cut_windows(masks, ["b.tif"], polygons, cutting)
    with pytest.raises(BadInputError, match=r"x\.tif is not among the 2 chips"):
        cut_windows(masks, ["x.tif"], polygons, WindowSettings())


@settings(max_examples=10, deadline=None)
@given(
    boxes=st.lists(st.tuples(st.integers(-200, 900), st.integers(0, 900), st.integers(5, 500)), min_size=1, max_size=6),
    context=st.floats(0, 2),
)
def test_table_agrees_with_pixels(
    tmp_path_factory: pytest.TempPathFactory, boxes: list[tuple[int, int, int]], context: float
) -> None:
    shapes = [square(LEFT + x, TOP - y - 50, edge) for x, y, edge in [*boxes, (100, 200, 50)]]
    masks, polygons = drawn(tmp_path_factory.mktemp("windows"), shapes)
    windows = cut_windows(masks, masks.filenames, polygons, WindowSettings(cut="polygon", context=context))
    for window in windows.to_dict("records"):
        pixels = masks.array[masks.rows([window["filename"]])[0]]
        seen = take_window(pixels, window["row"], window["column"], window["size"], UNKNOWN)
        assert seen.shape == (window["size"], window["size"])
        assert window["size"] % STRIDE == 0
        assert window["size"] <= EDGE
        assert window["kind"] == ("mine" if (seen == MINE).any() else "other")
        assert window["hectares"] == pytest.approx((seen == MINE).sum() / 100)


@settings(max_examples=50, deadline=None)
@given(
    pixels=hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=3, max_side=7)),
    corner=st.tuples(st.integers(-9, 9), st.integers(-9, 9)),
    size=st.integers(1, 12),
)
def test_window_over_the_rim(pixels: np.ndarray, corner: tuple[int, int], size: int) -> None:
    row, column = corner
    around = [(0, 0)] * (pixels.ndim - 2) + [(20, 30), (20, 30)]
    padded = np.pad(pixels, around, constant_values=255)
    expected = padded[..., row + 20 : row + 20 + size, column + 20 : column + 20 + size]
    window = take_window(pixels, row, column, size, 255)
    assert window.dtype == pixels.dtype
    np.testing.assert_array_equal(window, expected)


@pytest.mark.parametrize("faulty", [{"area_percentiles": (90, 10)}, {"context": -0.1}, {"crop": 100}])
def test_impossible_settings(faulty: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        WindowSettings.model_validate(faulty)
