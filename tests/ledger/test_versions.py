"""Versions of datasets."""

from pathlib import Path

from kedro.io import MemoryDataset
from kedro.io.core import Version

from mining_the_mines.datasets.files import TextFile
from mining_the_mines.datasets.folders import FolderDataset
from mining_the_mines.ledger.versions import bring_forward, is_newest, place_of_version, read_from

OLD, NEW, NOW = (f"2026-01-0{day}T00.00.00.000Z" for day in (1, 2, 3))


class Folder(FolderDataset[str, str]):
    """A folder with one file, in a folder of its own."""

    def load(self) -> str:
        """Read the file."""
        return (self.load_folder / "inner" / "a.txt").read_text(encoding="utf-8")

    def save(self, data: str) -> None:
        """Write the file."""
        file = self.save_folder / "inner" / "a.txt"
        file.parent.mkdir(parents=True)
        file.write_text(data, encoding="utf-8")


def test_a_folder_that_is_brought_forward_takes_no_room(tmp_path: Path) -> None:
    path = str(tmp_path / "folder")
    Folder(filepath=path, version=Version(None, OLD)).save("old")
    Folder(filepath=path, version=Version(None, NEW)).save("new")
    version, place = bring_forward(Folder(filepath=path, version=Version(None, NOW)), OLD)
    assert version == NOW
    assert Folder(filepath=path, version=Version(None, None)).load() == "old"
    assert (place / "inner" / "a.txt").samefile(tmp_path / "folder" / OLD / "folder" / "inner" / "a.txt")


def test_the_newest_version_is_told_from_older_ones(tmp_path: Path) -> None:
    path = str(tmp_path / "a.txt")
    for version in (OLD, NEW):
        TextFile(filepath=path, version=Version(None, version)).save("text")
    dataset = TextFile(filepath=path, version=Version(None, NOW))
    assert is_newest(dataset, NEW)
    assert not is_newest(dataset, OLD)
    assert is_newest(TextFile(filepath=str(tmp_path / "none.txt"), version=Version(None, NOW)), OLD)


def test_only_what_the_catalog_keeps_versions_of_has_a_place_for_one(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    assert place_of_version(TextFile(filepath=str(path)), OLD) is None
    assert place_of_version(TextFile(filepath=str(path), version=Version(None, NOW)), OLD) == path / OLD / "a.txt"


def test_a_version_of_before_is_read_and_this_runs_own_is_still_the_one_that_is_written(tmp_path: Path) -> None:
    path = str(tmp_path / "a.txt")
    for version in (OLD, NEW):
        TextFile(filepath=path, version=Version(None, version)).save(version)
    dataset = TextFile(filepath=path, version=Version(None, NOW))
    read_from(dataset, OLD)
    assert (dataset.load(), dataset.resolve_save_version()) == (OLD, NOW)


def test_what_has_no_versions_is_always_the_newest_and_is_read_as_it_is() -> None:
    dataset = MemoryDataset("text")
    read_from(dataset, OLD)
    assert is_newest(dataset, OLD)
    assert dataset.load() == "text"
