"""Planes keep their values and their place, as an array and as GeoTIFFs."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mining_the_mines.chips.planes import (
    PackedPlanes,
    Plane,
    PlaneLayout,
    open_planes,
    planes_in_memory,
    write_planes,
    write_probability_maps,
)
from mining_the_mines.core.errors import BadInputError
from support.chip_polygons import utm_grid

NAMES = ("a.tif", "b.tif")
GRIDS = (utm_grid(4, 6), utm_grid(4, 6, left=510_000))
MASKS = np.arange(48, dtype=np.uint8).reshape(2, 4, 6)
LAYOUT = PlaneLayout(NAMES, GRIDS, (4, 6), "uint8", "mine")


def write(folder: Path, array: npt.NDArray[Any], **options: Any) -> PackedPlanes:
    count, height, width = array.shape
    layout = PlaneLayout(NAMES[:count], GRIDS[:count], (height, width), array.dtype.name, "mine")
    return write_planes(folder, layout, array, **options)


def files_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_planes_come_back(tmp_path: Path) -> None:
    planes = write(tmp_path / "masks", MASKS)
    np.testing.assert_array_equal(planes.array, MASKS)
    assert isinstance(planes.array, np.memmap)
    assert not planes.array.flags.writeable
    assert (planes.filenames, planes.grids, planes.size, len(planes)) == (NAMES, GRIDS, (4, 6), 2)
    assert planes.description == "mine"
    assert files_in(tmp_path / "masks") == ["planes.npy", "schema.json"]
    assert write_planes(tmp_path / "copy", planes.layout, planes.array).content_hash == planes.content_hash


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.sampled_from(["uint8", "float16", "float32"]).flatmap(
        lambda dtype: hnp.arrays(dtype, st.tuples(st.integers(0, 2), st.integers(1, 4), st.integers(1, 4)))
    )
)
def test_any_values_survive(tmp_path_factory: pytest.TempPathFactory, values: npt.NDArray[np.generic]) -> None:
    planes = write(tmp_path_factory.mktemp("planes") / "planes", values)
    assert planes.array.dtype == values.dtype
    np.testing.assert_array_equal(planes.array, values)
    assert planes.content_hash == planes_in_memory(values, planes.filenames, planes.grids).content_hash


def test_rasters_on_the_chips_grids(tmp_path: Path) -> None:
    write(tmp_path / "masks", MASKS, rasters=True)
    assert files_in(tmp_path / "masks" / "rasters") == list(NAMES)
    for row, (name, grid) in enumerate(zip(NAMES, GRIDS, strict=True)):
        with rasterio.open(tmp_path / "masks" / "rasters" / name) as raster:
            np.testing.assert_array_equal(raster.read(1), MASKS[row])
            assert (raster.crs, raster.transform) == (grid.crs, grid.transform)
            assert (raster.nodata, raster.descriptions, raster.dtypes) == (255, ("mine",), ("uint8",))
            assert raster.compression.name == "deflate"


def test_half_precision_rasters_are_float32(tmp_path: Path) -> None:
    maps = np.array([[[0.25, np.nan]]], dtype=np.float16)
    layout = PlaneLayout(NAMES[:1], (utm_grid(1, 2),), (1, 2), "float16")
    write_planes(tmp_path / "maps", layout, maps, rasters=True)
    with rasterio.open(tmp_path / "maps" / "rasters" / "a.tif") as raster:
        assert raster.dtypes == ("float32",)
        assert np.isnan(raster.nodata)
        np.testing.assert_array_equal(raster.read(1), maps[0].astype(np.float32))


def test_failure_keeps_the_old_planes(tmp_path: Path) -> None:
    first = write(tmp_path / "masks", MASKS)

    def broken() -> Iterator[Plane]:
        yield MASKS[0]
        raise BadInputError("b.tif is broken: mend it.")

    with pytest.raises(BadInputError, match="mend it"):
        write_planes(tmp_path / "masks", LAYOUT, broken())
    assert open_planes(tmp_path / "masks").content_hash == first.content_hash
    assert files_in(tmp_path) == ["masks"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dtype": "int64"}, r"schema\.json contradicts itself"),
        ({"grids": []}, r"schema\.json contradicts itself"),
        ({"height": "many"}, r"schema\.json is no schema of planes"),
        ({"height": 5}, r"planes\.npy holds uint8 \(2, 4, 6\) where its schema says uint8 \(2, 5, 6\)"),
    ],
)
def test_changed_schema(tmp_path: Path, change: dict[str, object], message: str) -> None:
    write(tmp_path, MASKS)
    path = tmp_path / "schema.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | change), encoding="utf-8")
    with pytest.raises(BadInputError, match=message):
        open_planes(tmp_path)


def test_missing_and_damaged_files(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="holds no planes: run the pipeline"):
        open_planes(tmp_path)
    write(tmp_path, MASKS)
    os.truncate(tmp_path / "planes.npy", 140)
    with pytest.raises(BadInputError, match=r"planes\.npy can't be opened"):
        open_planes(tmp_path)


def test_probability_maps(tmp_path: Path) -> None:
    masks = planes_in_memory(MASKS, NAMES, GRIDS)
    maps = np.random.default_rng(0).uniform(0, 1, (2, 4, 6))
    maps[1, 0, 0] = np.nan
    stored = write_probability_maps(tmp_path / "maps", masks, ["b.tif", "a.tif"], maps)
    assert (stored.filenames, stored.grids) == (NAMES[::-1], GRIDS[::-1])
    assert stored.array.dtype == np.float16
    np.testing.assert_allclose(stored.array.astype(np.float64), maps, atol=5e-4)
    none = write_probability_maps(tmp_path / "none", masks, [], np.empty((0, 4, 6)))
    assert (len(none), none.size) == (0, (4, 6))
    with pytest.raises(BadInputError, match=r"^x.tif is not among the 2 chips of "):
        write_probability_maps(tmp_path / "x", masks, ["a.tif", "x.tif"], maps)
