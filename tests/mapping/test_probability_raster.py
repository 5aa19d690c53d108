"""Maps of probability as Cloud-Optimized GeoTIFFs."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from rio_cogeo.cogeo import cog_validate

from mining_the_mines.mapping.probability_raster import (
    STEPS,
    encode,
    joined_rows,
    read_probability,
    read_small,
    write_probability,
)
from mining_the_mines.mapping.settings import Precision
from support.scene_files import ground, map_rows, plan_map, store_model, torn_corner, write_scene

ERROR = {"uint8": 0.5 / STEPS + 1e-6, "float16": 1e-3, "float32": 0.0}
PRECISIONS: list[Precision] = ["uint8", "float16", "float32"]


def written(
    folder: Path,
    precision: Precision,
    shape: tuple[int, int] = (70, 90),
    **tiling: Any,
) -> tuple[Path, np.ndarray]:
    """A map as a file, and its probabilities before that."""
    scene = write_scene(folder / "scene.tif", ground(*shape, empty=torn_corner(*shape)))
    plan = plan_map(scene, store_model(folder / "model"), precision, **({"band_rows": 40} | tiling))
    parts = map_rows(plan, folder / "parts")
    write_probability(folder / "probability.tif", plan, parts, {"MODEL": "place", "START": str(date(2021, 7, 1))})
    return folder / "probability.tif", np.concatenate([rows for _, rows in joined_rows(parts)])


@pytest.mark.parametrize("precision", PRECISIONS)
def test_precision(tmp_path: Path, precision: Precision) -> None:
    path, expected = written(tmp_path, precision)
    blocks = list(read_probability(path, 17))
    assert [first for first, _ in blocks] == list(range(0, 70, 17))
    found = np.concatenate([rows for _, rows in blocks])
    assert found.dtype == np.float32
    np.testing.assert_array_equal(np.isnan(found), torn_corner(70, 90))
    np.testing.assert_allclose(found, expected, atol=ERROR[precision])


@pytest.mark.parametrize("precision", PRECISIONS)
def test_valid_cog(tmp_path: Path, precision: Precision) -> None:
    path, _ = written(tmp_path, precision, (600, 530), window=64)
    assert cog_validate(path, strict=True, quiet=True)[0]
    with rasterio.open(path) as image, rasterio.open(tmp_path / "scene.tif") as scene:
        assert (image.crs, image.transform, image.shape) == (scene.crs, scene.transform, scene.shape)
        assert image.overviews(1)
        assert image.descriptions == ("probability of a mine",)
        assert (image.tags()["MODEL"], image.tags()["START"]) == ("place", "2021-07-01")
        assert image.count == 1
        if precision == "uint8":
            assert (image.dtypes[0], image.nodata) == ("uint8", 255)
            assert image.scales[0] == pytest.approx(1 / STEPS)
        else:
            assert image.dtypes[0] == "float32"
            assert np.isnan(image.nodata)
            assert image.tags(1, ns="IMAGE_STRUCTURE").get("NBITS") == ("16" if precision == "float16" else None)


@pytest.mark.parametrize("shape", [(1, 1), (1, 60), (60, 1)])
def test_any_size(tmp_path: Path, shape: tuple[int, int]) -> None:
    path, expected = written(tmp_path, "float32", shape)
    np.testing.assert_array_equal(np.concatenate([rows for _, rows in read_probability(path, 100)]), expected)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_small_version(tmp_path: Path, precision: Precision) -> None:
    path, expected = written(tmp_path, precision, (64, 128))
    small = read_small(path, 32)
    assert small.shape == (16, 32)
    assert np.nanmean(small) == pytest.approx(np.nanmean(expected), abs=0.02)
    assert np.isnan(small[0, 0])
    assert read_small(path, 1_000).shape == (64, 128)


@given(st.floats(0, 1, width=32) | st.just(np.nan))
def test_rounding(probability: float) -> None:
    number = int(encode(np.array([[probability]], dtype=np.float32), "uint8")[0, 0])
    if np.isnan(probability):
        assert number == 255
    else:
        assert abs(number / STEPS - probability) <= 0.5 / STEPS + 1e-6


def test_sums_beyond_one() -> None:
    off = np.array([[1.0000001, -1e-9]], dtype=np.float32)
    np.testing.assert_array_equal(encode(off, "float32"), [[1, 0]])
    np.testing.assert_array_equal(encode(off, "uint8"), [[STEPS, 0]])
