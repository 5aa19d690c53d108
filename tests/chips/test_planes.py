"""Planes keep their values and their place, as an array and as GeoTIFFs."""

import json
import os
import pickle
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mining_the_mines.chips.planes import PackedPlanes, PlaneStream, open_planes, planes_in_memory, write_planes
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.geo.grid import ChipGrid
from support.chip_polygons import utm_grid

NAMES = ("a.tif", "b.tif")
GRIDS = (utm_grid(4, 6), utm_grid(4, 6, left=510_000))
MASKS = np.arange(48, dtype=np.uint8).reshape(2, 4, 6)


def stream_of(array: npt.NDArray[np.generic], dtype: str | None = None) -> PlaneStream:
    size = (array.shape[1], array.shape[2])
    return PlaneStream(NAMES[: len(array)], GRIDS[: len(array)], size, dtype or array.dtype.name, array, "mine")


def files_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_planes_come_back_with_their_names_and_places(tmp_path: Path) -> None:
    schema = write_planes(stream_of(MASKS), tmp_path / "masks")
    planes = open_planes(tmp_path / "masks")
    np.testing.assert_array_equal(planes.array, MASKS)
    assert (planes.filenames, planes.grids, planes.size, len(planes)) == (NAMES, GRIDS, (4, 6), 2)
    assert (planes.content_hash, planes.description) == (schema.content_hash, "mine")
    assert files_in(tmp_path / "masks") == ["planes.npy", "schema.json"]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.sampled_from(["uint8", "float16", "float32"]).flatmap(
        lambda dtype: hnp.arrays(dtype, st.tuples(st.integers(0, 2), st.integers(1, 4), st.integers(1, 4)))
    )
)
def test_any_values_survive_writing_and_opening(
    tmp_path_factory: pytest.TempPathFactory, values: npt.NDArray[np.generic]
) -> None:
    folder = tmp_path_factory.mktemp("planes") / "planes"
    write_planes(stream_of(values), folder)
    planes = open_planes(folder)
    assert planes.array.dtype == values.dtype
    np.testing.assert_array_equal(planes.array, values)
    assert planes.content_hash == planes_in_memory(values, planes.filenames, planes.grids).content_hash


def test_the_array_is_mapped_and_can_not_be_written_to(tmp_path: Path) -> None:
    write_planes(stream_of(MASKS), tmp_path / "masks")
    array = open_planes(tmp_path / "masks").array
    assert isinstance(array, np.memmap)
    assert not array.flags.writeable


def test_values_are_written_in_the_type_that_was_asked_for(tmp_path: Path) -> None:
    write_planes(stream_of(np.full((1, 4, 6), 0.3), dtype="float16"), tmp_path / "maps")
    assert open_planes(tmp_path / "maps").array.dtype == np.float16


def test_another_place_or_value_makes_another_hash() -> None:
    hashes = {
        planes_in_memory(array, NAMES, grids).content_hash
        for array in (MASKS, MASKS + 1)
        for grids in (GRIDS, GRIDS[::-1])
    }
    assert len(hashes) == 4


def test_another_process_opens_the_array_anew_instead_of_copying_it(tmp_path: Path) -> None:
    write_planes(stream_of(MASKS), tmp_path / "masks")
    sent = pickle.dumps(open_planes(tmp_path / "masks"))
    assert len(sent) < 500
    assert isinstance(pickle.loads(sent).array, np.memmap)  # noqa: S301 - our own
    in_memory = pickle.loads(pickle.dumps(planes_in_memory(MASKS, NAMES, GRIDS)))  # noqa: S301 - our own
    np.testing.assert_array_equal(in_memory.array, MASKS)
    assert in_memory.grids == GRIDS


def test_rows_are_found_by_name(tmp_path: Path) -> None:
    write_planes(stream_of(MASKS), tmp_path / "masks")
    planes = open_planes(tmp_path / "masks")
    assert planes.rows(["b.tif", "a.tif"]).tolist() == [1, 0]
    with pytest.raises(BadInputError, match=r"x\.tif is not among the 2 chips of .*masks: run preprocessing again"):
        planes.rows(["x.tif"])


def test_rasters_lie_on_the_chips_grid_under_the_chips_name(tmp_path: Path) -> None:
    write_planes(stream_of(MASKS), tmp_path / "masks", rasters=True)
    assert files_in(tmp_path / "masks" / "rasters") == list(NAMES)
    for row, (name, grid) in enumerate(zip(NAMES, GRIDS, strict=True)):
        with rasterio.open(tmp_path / "masks" / "rasters" / name) as raster:
            np.testing.assert_array_equal(raster.read(1), MASKS[row])
            assert (raster.crs, raster.transform) == (grid.crs, grid.transform)
            assert (raster.nodata, raster.descriptions, raster.dtypes) == (255, ("mine",), ("uint8",))
            assert raster.compression.name == "deflate"


def test_rasters_of_half_precision_can_be_read_by_any_gis(tmp_path: Path) -> None:
    maps = np.array([[[0.25, np.nan]]], dtype=np.float16)
    write_planes(PlaneStream(NAMES[:1], (utm_grid(1, 2),), (1, 2), "float16", maps), tmp_path / "maps", rasters=True)
    with rasterio.open(tmp_path / "maps" / "rasters" / "a.tif") as raster:
        assert raster.dtypes == ("float32",)
        assert np.isnan(raster.nodata)
        np.testing.assert_array_equal(raster.read(1), maps[0].astype(np.float32))


def test_no_chip_at_all_is_stored_as_such(tmp_path: Path) -> None:
    write_planes(PlaneStream((), (), (4, 6), "float16", ()), tmp_path / "maps", rasters=True)
    planes = open_planes(tmp_path / "maps")
    assert (len(planes), planes.size) == (0, (4, 6))


def test_a_coordinate_system_without_a_code_is_kept(tmp_path: Path) -> None:
    own = rasterio.crs.CRS.from_proj4("+proj=laea +lat_0=-10 +lon_0=-55 +datum=WGS84 +units=m")
    grid = ChipGrid(own, GRIDS[0].transform, 6, 4)
    write_planes(PlaneStream(("a.tif",), (grid,), (4, 6), "uint8", MASKS[:1]), tmp_path / "masks")
    assert open_planes(tmp_path / "masks").grids[0].crs == own


def test_planes_in_memory_can_be_written_as_they_are(tmp_path: Path) -> None:
    planes = planes_in_memory(MASKS, NAMES, GRIDS, "mine")
    assert write_planes(planes.stream, tmp_path / "masks").content_hash == planes.content_hash


@pytest.mark.parametrize("planes", [MASKS[:1], [*MASKS, MASKS[0]], [MASKS[0], MASKS[1, :2]]])
def test_planes_that_are_not_those_of_the_stream_leave_nothing(tmp_path: Path, planes: list[PackedPlanes]) -> None:
    with pytest.raises(ValueError, match="array of shape"):
        write_planes(PlaneStream(NAMES, GRIDS, (4, 6), "uint8", planes), tmp_path / "masks")  # type: ignore[arg-type]
    assert files_in(tmp_path) == []


def test_a_stream_that_can_not_be_stored_is_refused() -> None:
    with pytest.raises(ValueError, match="Planes of int64 can't be stored"):
        stream_of(MASKS, dtype="int64")
    with pytest.raises(ValueError, match="2 grids were given for 1 chips"):
        PlaneStream(NAMES[:1], GRIDS, (4, 6), "uint8", MASKS)


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    first = write_planes(stream_of(MASKS), tmp_path / "masks")

    def broken() -> object:
        yield MASKS[0]
        raise BadInputError("b.tif is broken: mend it.")

    with pytest.raises(BadInputError, match="mend it"):
        write_planes(PlaneStream(NAMES, GRIDS, (4, 6), "uint8", broken()), tmp_path / "masks")  # type: ignore[arg-type]
    assert open_planes(tmp_path / "masks").content_hash == first.content_hash
    assert files_in(tmp_path) == ["masks"]


def test_a_disk_that_is_too_small_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"masks can't be written \(it needs .* MB"):
        write_planes(PlaneStream(NAMES, GRIDS, (10**7, 10**7), "uint8", MASKS), tmp_path / "masks")


def test_a_folder_without_planes_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="holds no planes: run the pipeline"):
        open_planes(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dtype": "float64"}, r"schema\.json contradicts itself"),
        ({"grids": []}, r"schema\.json contradicts itself"),
        ({"height": "many"}, r"schema\.json is no schema of planes"),
        ({"height": 5}, r"planes\.npy holds uint8 \(2, 4, 6\) where its schema says uint8 \(2, 5, 6\)"),
    ],
)
def test_a_schema_that_was_changed_is_an_error(tmp_path: Path, change: dict[str, object], message: str) -> None:
    write_planes(stream_of(MASKS), tmp_path)
    path = tmp_path / "schema.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | change), encoding="utf-8")
    with pytest.raises(BadInputError, match=message):
        open_planes(tmp_path)


def test_an_array_that_was_cut_off_is_an_error(tmp_path: Path) -> None:
    write_planes(stream_of(MASKS), tmp_path)
    os.truncate(tmp_path / "planes.npy", 140)
    with pytest.raises(BadInputError, match=r"planes\.npy can't be opened"):
        open_planes(tmp_path)
