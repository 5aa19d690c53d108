"""Packing keeps every pixel, and leaves nothing half written behind."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mining_the_mines.chips.folder import ChipFolder
from mining_the_mines.chips.manifest import take_inventory
from mining_the_mines.chips.packing import ChipStream, open_packed, pack_in_memory, write_packed
from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.rasters.chip import read_chip
from mining_the_mines.rasters.reader import RasterFormat
from support.chip_files import BANDS, SIZE, ground, labels_for, packed_chips, write_chip, write_folder

NAMES = ("a.tif", "b.tif", "c.tif")
SETTINGS = ChipSettings(bands=BANDS)


@pytest.fixture
def stream(tmp_path: Path) -> ChipStream:
    """Three good chips."""
    folder = ChipFolder(write_folder(tmp_path / "images", NAMES), labels_for(NAMES))
    return ChipStream.accepted(folder, take_inventory(folder, SETTINGS), SETTINGS)


def files_beside(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.parent.iterdir() if entry != path)


def test_every_chip_comes_back_in_its_place(stream: ChipStream, tmp_path: Path) -> None:
    write_packed(stream, tmp_path / "packed")
    packed = open_packed(tmp_path / "packed")
    assert (packed.filenames, packed.bands, packed.array.shape) == (NAMES, BANDS, (3, 6, SIZE, SIZE))
    for row, name in enumerate(NAMES):
        original = read_chip(stream.folder.path(name), RasterFormat(bands=BANDS)).reflectance
        np.testing.assert_allclose(packed.reflectance(row), original, atol=0.00005)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    numbers=hnp.arrays(np.uint16, hnp.array_shapes(min_dims=4, max_dims=4, max_side=5)), bands=st.permutations(BANDS)
)
def test_digital_numbers_survive_packing_and_opening(
    tmp_path_factory: pytest.TempPathFactory, numbers: np.ndarray, bands: list[str]
) -> None:
    class Numbers(ChipStream):
        def __iter__(self):  # type: ignore[no-untyped-def] # noqa: ANN204 - chips without files
            return iter(numbers)

    count, depth, height, width = numbers.shape
    names = tuple(f"{number}.tif" for number in range(count))
    chips = Numbers(ChipFolder(Path()), names, ChipSettings(bands=tuple(bands[:depth])), (height, width))
    folder = tmp_path_factory.mktemp("packing") / "packed"
    write_packed(chips, folder)
    packed = open_packed(folder)
    np.testing.assert_array_equal(packed.array, numbers)


def test_the_array_is_mapped_and_can_not_be_written_to(stream: ChipStream, tmp_path: Path) -> None:
    write_packed(stream, tmp_path / "packed")
    array = open_packed(tmp_path / "packed").array
    assert isinstance(array, np.memmap)
    assert not array.flags.writeable


def test_equal_chips_have_equal_hashes_and_others_do_not(stream: ChipStream, tmp_path: Path) -> None:
    first = write_packed(stream, tmp_path / "first").content_hash
    assert write_packed(stream, tmp_path / "second").content_hash == first
    write_chip(stream.folder.path("b.tif"), ground(99))
    assert write_packed(stream, tmp_path / "third").content_hash != first


def test_packing_in_memory_is_the_same_as_through_files(stream: ChipStream, tmp_path: Path) -> None:
    schema = write_packed(stream, tmp_path / "packed")
    chips = [read_chip(stream.folder.path(name), RasterFormat(bands=BANDS)).reflectance for name in NAMES]
    assert pack_in_memory(chips, NAMES, BANDS).content_hash == schema.content_hash


def test_packing_again_replaces_what_was_there(stream: ChipStream, tmp_path: Path) -> None:
    target = tmp_path / "packed"
    write_packed(stream, target)
    write_chip(stream.folder.path("b.tif"), ground(99))
    write_packed(stream, target)
    np.testing.assert_allclose(open_packed(target).reflectance(1), ground(99), atol=0.0001)
    assert files_beside(target) == ["images"]


def test_another_process_opens_the_array_anew_instead_of_copying_it(stream: ChipStream, tmp_path: Path) -> None:
    write_packed(stream, tmp_path / "packed")
    packed = open_packed(tmp_path / "packed")
    sent = pickle.dumps(packed)
    assert len(sent) < 1000
    assert isinstance(pickle.loads(sent).array, np.memmap)  # noqa: S301 - our own
    in_memory = pickle.loads(pickle.dumps(packed_chips(2)))  # noqa: S301 - our own
    np.testing.assert_array_equal(in_memory.array, packed_chips(2).array)


def test_rows_are_found_by_name() -> None:
    packed = packed_chips(4)
    assert packed.rows(["chip_3.tif", "chip_0.tif"]).tolist() == [3, 0]
    with pytest.raises(BadInputError, match=r"x\.tif is not among the 4 packed chips"):
        packed.rows(["x.tif"])


def test_a_stream_without_chips_is_an_error(stream: ChipStream) -> None:
    manifest = take_inventory(stream.folder, SETTINGS).assign(verdict="rejected")
    with pytest.raises(BadInputError, match=r"No chip in .*images can be used"):
        ChipStream.accepted(stream.folder, manifest, SETTINGS)


@pytest.mark.parametrize("size", [0, SIZE + 4])
def test_a_chip_that_changed_since_the_inventory_stops_and_leaves_nothing(
    stream: ChipStream, tmp_path: Path, size: int
) -> None:
    path = stream.folder.path("b.tif")
    if size:
        write_chip(path, ground(1, size=size))
    else:
        path.unlink()
    with pytest.raises(BadInputError, match=r"b\.tif"):
        write_packed(stream, tmp_path / "packed")
    assert files_beside(tmp_path / "packed") == ["images"]


def test_what_was_there_stays_if_packing_fails(stream: ChipStream, tmp_path: Path) -> None:
    target = tmp_path / "packed"
    first = write_packed(stream, target)
    stream.folder.path("c.tif").write_bytes(b"")
    with pytest.raises(BadInputError, match=r"c\.tif"):
        write_packed(stream, target)
    assert open_packed(target).content_hash == first.content_hash
    assert files_beside(target) == ["images"]


def test_a_folder_that_can_not_be_made_is_an_error(stream: ChipStream, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadInputError, match=r"packed can't be written \(Not a directory\): free some space"):
        write_packed(stream, tmp_path / "file" / "packed")


@pytest.mark.skipif(not Path("/sys/kernel").is_dir(), reason="needs a folder that nobody may write to")
def test_a_read_only_folder_is_an_error(stream: ChipStream) -> None:
    with pytest.raises(BadInputError, match="packed can't be written"):
        write_packed(stream, Path("/sys/kernel/packed"))


def test_a_disk_that_is_too_small_is_noticed_before_anything_is_read(stream: ChipStream, tmp_path: Path) -> None:
    many = ChipStream(stream.folder, NAMES, SETTINGS, (10**6, 10**6))
    with pytest.raises(BadInputError, match=r"packed can't be written \(it needs .* MB and the disk has .* MB left\)"):
        write_packed(many, tmp_path / "packed")
    assert files_beside(tmp_path / "packed") == ["images"]


@pytest.mark.skipif(os.name != "posix", reason="limits the size of files as POSIX systems do")
def test_a_disk_that_fills_up_leaves_nothing_half_written(stream: ChipStream, tmp_path: Path) -> None:
    script = (
        "import resource, sys; from pathlib import Path\n"
        "from mining_the_mines.chips.folder import ChipFolder\n"
        "from mining_the_mines.chips.packing import ChipStream, write_packed\n"
        "from mining_the_mines.chips.quality import ChipSettings\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        f"stream = ChipStream(ChipFolder(Path({str(stream.folder.images)!r})), {NAMES!r}, "
        f"ChipSettings(bands={BANDS!r}), ({SIZE}, {SIZE}))\n"
        f"write_packed(stream, Path({str(tmp_path / 'packed')!r}))\n"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "packed can't be written (File too large): free some space" in result.stderr
    assert files_beside(tmp_path / "packed") == ["images"]


def test_an_interrupted_packing_leaves_nothing(stream: ChipStream, tmp_path: Path) -> None:
    class Interrupted(ChipStream):
        def __iter__(self):  # type: ignore[no-untyped-def] # noqa: ANN204 - breaks off after a chip
            yield from list(super().__iter__())[:1]
            raise KeyboardInterrupt

    interrupted = Interrupted(stream.folder, NAMES, SETTINGS, (SIZE, SIZE))
    with pytest.raises(KeyboardInterrupt):
        write_packed(interrupted, tmp_path / "packed")
    assert files_beside(tmp_path / "packed") == ["images"]


def test_a_folder_that_was_never_packed_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="holds no packed chips: run preprocessing first"):
        open_packed(tmp_path)


def test_a_schema_that_is_none_is_an_error(stream: ChipStream, tmp_path: Path) -> None:
    write_packed(stream, tmp_path / "packed")
    (tmp_path / "packed" / "schema.json").write_text("{}", encoding="utf-8")
    with pytest.raises(BadInputError, match=r"schema\.json is no schema of packed chips"):
        open_packed(tmp_path / "packed")


def test_an_array_that_was_cut_off_is_an_error(stream: ChipStream, tmp_path: Path) -> None:
    write_packed(stream, tmp_path / "packed")
    os.truncate(tmp_path / "packed" / "chips.npy", 1000)
    with pytest.raises(BadInputError, match=r"chips\.npy can't be opened"):
        open_packed(tmp_path / "packed")


def test_an_array_that_is_not_its_schemas_is_an_error(stream: ChipStream, tmp_path: Path) -> None:
    write_packed(stream, tmp_path / "packed")
    path = tmp_path / "packed" / "schema.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"height": 3}), encoding="utf-8")
    with pytest.raises(BadInputError, match="where its schema says"):
        open_packed(tmp_path / "packed")
