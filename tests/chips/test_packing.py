"""Packed chips keep every pixel, and leave nothing half written."""

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.extra import numpy as hnp

from mining_the_mines.chips.folder import ChipFolder
from mining_the_mines.chips.manifest import take_inventory
from mining_the_mines.chips.packing import PackedChips, open_packed, pack_chips, pack_in_memory, write_packed
from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.errors import BadInputError
from support.chip_files import BANDS, SIZE, ground, labels_for, packed_chips, write_chip, write_folder

NAMES = ("a.tif", "b.tif", "c.tif")
SETTINGS = ChipSettings(bands=BANDS)
Pack = Callable[[], PackedChips]


@pytest.fixture
def chips(tmp_path: Path) -> ChipFolder:
    """Three good chips."""
    return ChipFolder(write_folder(tmp_path / "images", NAMES), labels_for(NAMES))


@pytest.fixture
def pack(chips: ChipFolder, tmp_path: Path) -> Pack:
    """Pack the chips as their inventory found them."""
    manifest = take_inventory(chips, SETTINGS)
    return lambda: pack_chips(chips, manifest, SETTINGS, tmp_path / "packed")


def beside(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.parent.iterdir() if entry != path)


def test_chips_come_back(chips: ChipFolder, pack: Pack) -> None:
    packed = pack()
    assert (packed.filenames, packed.bands, packed.array.shape) == (NAMES, BANDS, (3, 6, SIZE, SIZE))
    assert isinstance(packed.array, np.memmap)
    assert not packed.array.flags.writeable
    reflectances = [SETTINGS.read(chips.path(name)).reflectance for name in NAMES]
    for row, reflectance in enumerate(reflectances):
        np.testing.assert_allclose(packed.reflectance(row), reflectance, atol=0.00005)
    assert pack_in_memory(reflectances, NAMES, BANDS).content_hash == packed.content_hash


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(numbers=hnp.arrays(np.uint16, hnp.array_shapes(min_dims=4, max_dims=4, max_side=5)))
def test_numbers_survive(tmp_path_factory: pytest.TempPathFactory, numbers: npt.NDArray[np.uint16]) -> None:
    count, depth, height, width = numbers.shape
    names = [f"{number}.tif" for number in range(count)]
    folder = tmp_path_factory.mktemp("packing") / "packed"
    packed = write_packed(iter(numbers), names, BANDS[:depth], (height, width), folder)
    np.testing.assert_array_equal(packed.array, numbers)


def test_repacking(chips: ChipFolder, pack: Pack, tmp_path: Path) -> None:
    first = pack().content_hash
    assert pack().content_hash == first
    write_chip(chips.path("b.tif"), ground(99))
    second = pack()
    assert second.content_hash != first
    np.testing.assert_allclose(second.reflectance(1), ground(99), atol=0.0001)
    assert beside(tmp_path / "packed") == ["images"]


def test_pickle(pack: Pack) -> None:
    sent = pickle.dumps(pack())
    assert len(sent) < 1000
    assert isinstance(pickle.loads(sent).array, np.memmap)  # noqa: S301 - our own
    in_memory = pickle.loads(pickle.dumps(packed_chips(2)))  # noqa: S301 - our own
    np.testing.assert_array_equal(in_memory.array, packed_chips(2).array)


def test_rows_by_name() -> None:
    packed = packed_chips(4)
    assert packed.rows(["chip_3.tif", "chip_0.tif"]).tolist() == [3, 0]
    with pytest.raises(BadInputError, match=r"x\.tif is not among the 4 chips of "):
        packed.rows(["x.tif"])


@pytest.mark.parametrize("size", [0, SIZE + 4])
def test_chip_changed_since_inventory(chips: ChipFolder, pack: Pack, tmp_path: Path, size: int) -> None:
    before = pack().content_hash
    path = chips.path("b.tif")
    path.unlink()
    if size:
        write_chip(path, ground(1, size=size))
    with pytest.raises(BadInputError, match=r"b\.tif"):
        pack()
    assert open_packed(tmp_path / "packed").content_hash == before
    assert beside(tmp_path / "packed") == ["images"]


def test_unwritable_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    chip = np.zeros((1, 2, 2), np.uint16)
    with pytest.raises(BadInputError, match=r"packed can't be written \(Not a directory\): free some space"):
        write_packed([chip], NAMES[:1], ("B2",), (2, 2), tmp_path / "file" / "packed")
    with pytest.raises(BadInputError, match=r"packed can't be written \(it needs .* MB and the disk has .* MB left\)"):
        write_packed([chip], NAMES[:1], ("B2",), (10**7, 10**7), tmp_path / "packed")
    assert beside(tmp_path / "packed") == ["file"]


@pytest.mark.skipif(os.name != "posix", reason="limits the size of files as POSIX systems do")
def test_full_disk_leaves_nothing(tmp_path: Path) -> None:
    script = (
        "import resource; from pathlib import Path; import numpy\n"
        "from mining_the_mines.chips.packing import write_packed\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "chip = numpy.zeros((1, 64, 64), numpy.uint16)\n"
        f"write_packed([chip], ['a.tif'], ['B2'], (64, 64), Path({str(tmp_path / 'packed')!r}))\n"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "packed can't be written (File too large): free some space" in result.stderr
    assert not list(tmp_path.iterdir())


def test_damaged_folders(pack: Pack, tmp_path: Path) -> None:
    folder = tmp_path / "packed"
    with pytest.raises(BadInputError, match="holds no packed chips: run preprocessing first"):
        open_packed(folder)
    pack()
    schema = json.loads((folder / "schema.json").read_text("utf-8"))

    (folder / "schema.json").write_text(json.dumps(schema | {"version": 1}), encoding="utf-8")
    assert len(open_packed(folder)) == 3  # as earlier releases wrote it
    os.truncate(folder / "chips.npy", 1000)
    with pytest.raises(BadInputError, match=r"chips\.npy can't be opened"):
        open_packed(folder)
    (folder / "schema.json").write_text("{}", encoding="utf-8")
    with pytest.raises(BadInputError, match=r"schema\.json is no schema of packed chips"):
        open_packed(folder)


def test_no_accepted_chip(chips: ChipFolder, tmp_path: Path) -> None:
    manifest = take_inventory(chips, SETTINGS).assign(verdict="rejected")
    with pytest.raises(BadInputError, match=r"No chip in .*images can be used"):
        pack_chips(chips, manifest, SETTINGS, tmp_path / "packed")
