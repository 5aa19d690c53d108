"""Hashes of files and folders."""

import os
import time
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from mining_the_mines.core.hashing import ContentHashes, visible_files

_LONG_AGO = 1_600_000_000


def write(path: Path, text: str, when: int = _LONG_AGO) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    os.utime(path, (when, when))
    return path


def test_moved_and_renamed_files(tmp_path: Path) -> None:
    for place, name in (("one", "chip.tif"), ("other", "chip.tif"), ("third", "b.tif")):
        write(tmp_path / place / "a" / name, "pixels")
    hashes = ContentHashes()
    assert hashes.of(tmp_path / "one") == hashes.of(tmp_path / "other") != hashes.of(tmp_path / "third")


def test_hidden_files_and_statistics(tmp_path: Path) -> None:
    write(tmp_path / "folder" / "a.tif", "pixels")
    before = ContentHashes().of(tmp_path / "folder")
    write(tmp_path / "folder" / ".b.tif.1234", "half")
    write(tmp_path / "folder" / ".parts" / "band.npy", "half")
    write(tmp_path / "folder" / "a.tif.aux.xml", "statistics")
    assert ContentHashes().of(tmp_path / "folder") == before


def test_remembered_hash(tmp_path: Path) -> None:
    file, memory = Path(os.__file__), tmp_path / "hashes.json"  # old enough to be remembered
    first = ContentHashes(memory)
    before = first.of(file)
    first.remember()
    memory.write_text(memory.read_text(encoding="utf-8").replace(before, "remembered"), encoding="utf-8")
    assert ContentHashes(memory).of(file) == "remembered"


def test_date_set_back(tmp_path: Path) -> None:
    file, memory = write(tmp_path / "labels.csv", "a,1"), tmp_path / "hashes.json"
    first = ContentHashes(memory)
    time.sleep(2.1)  # until it is old enough to be remembered
    before = first.of(file)
    first.remember()
    with file.open("r+", encoding="utf-8") as again:
        again.write("a,0")
    os.utime(file, (_LONG_AGO, _LONG_AGO))
    assert memory.exists()
    assert ContentHashes(memory).of(file) != before


def test_linked_folder(tmp_path: Path) -> None:
    inside = write(tmp_path / "elsewhere" / "a.tif", "pixels")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "linked").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "folder", target_is_directory=True)
    before = ContentHashes().of(tmp_path / "folder")
    assert list(visible_files(tmp_path / "folder")) == [tmp_path / "folder" / "linked" / "a.tif"]
    write(inside, "other pixels", _LONG_AGO + 10)
    assert ContentHashes().of(tmp_path / "folder") != before


def test_racy_file(tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text("0", encoding="utf-8")
    hashes = ContentHashes()
    before, stat = hashes.of(file), file.stat()
    file.write_text("1", encoding="utf-8")
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert hashes.of(file) != before


def test_damaged_memory(tmp_path: Path) -> None:
    (tmp_path / "hashes.json").write_text('{"half', encoding="utf-8")
    file = write(tmp_path / "a", "b")
    assert ContentHashes(tmp_path / "hashes.json").of(file) == ContentHashes().of(file)


@settings(max_examples=20, deadline=None)
@given(names=st.lists(st.text("abc", min_size=1, max_size=3), unique=True, min_size=1))
def test_order_of_files(names: list[str], tmp_path_factory: object) -> None:
    folder = tmp_path_factory.mktemp("files")  # type: ignore[attr-defined]
    files = [write(folder / name, name) for name in names]
    hashes = ContentHashes()
    assert hashes.of_files(files, folder) == hashes.of_files(files[::-1], folder)
