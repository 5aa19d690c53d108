"""Content, place and versions of datasets."""

import json
from pathlib import Path
from typing import Any

import pytest
from kedro.io.core import Version

from mining_the_mines.core.hashing import NOTHING, ContentHashes
from mining_the_mines.datasets.files import JsonFile, TextFile
from mining_the_mines.datasets.folders import FolderDataset, WorkFolderDataset
from mining_the_mines.datasets.provided import MinePolygonsDataset
from mining_the_mines.ledger.states import (
    bring_forward,
    content_of,
    parts_of,
    read_index,
    read_version,
    state_of,
)

OLD, NEW, NOW = (f"2026-01-0{day}T00.00.00.000Z" for day in (1, 2, 3))


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_versioned_file(tmp_path: Path) -> None:
    dataset = JsonFile(filepath=str(tmp_path / "data/a.json"), version=Version(None, NOW))
    dataset.save({"a": 1})
    state = state_of("a", dataset, ContentHashes(), tmp_path)
    assert (state.version, state.path) == (NOW, f"data/a.json/{NOW}/a.json")
    assert state.content_hash == ContentHashes().of(tmp_path / str(state.path))


def test_volatile_folder(tmp_path: Path) -> None:
    dataset = WorkFolderDataset(filepath=str(tmp_path), metadata={"mining_the_mines": {"volatile": True}})
    write(tmp_path / "a.txt", "draft")
    assert content_of(dataset, tmp_path, ContentHashes()) == NOTHING


def test_shapefile_with_its_sidecars(tmp_path: Path) -> None:
    shapes = tmp_path / "mines[1].shp"
    for suffix in (".shp", ".dbf"):
        write(shapes.with_suffix(suffix), "a")
    dataset = MinePolygonsDataset(filepath=str(shapes))
    before = content_of(dataset, shapes, ContentHashes())
    write(shapes.with_suffix(".dbf"), "b")
    assert content_of(dataset, shapes, ContentHashes()) != before


def composites(folder: Path, index: Any) -> JsonFile:
    write(folder / "tapajos.tif", "pixels")
    write(folder / "clear_dates/tapajos.tif", "dates")
    write(folder / "tapajos.composite.json", json.dumps({"content_hash": "c" * 64}))
    write(folder / "elsewhere.tif", "of another run")
    write(folder / "composites.json", json.dumps(index))
    return JsonFile(filepath=str(folder / "composites.json"), metadata={"mining_the_mines": {"index": True}})


def test_index_with_files_beside_it(tmp_path: Path) -> None:
    dataset = composites(tmp_path, {"regions": ["tapajos"]})
    path = tmp_path / "composites.json"
    index = read_index(dataset, path)
    assert index is not None
    names = ["clear_dates/tapajos.tif", "tapajos.composite.json", "tapajos.tif"]
    assert index.files == [tmp_path / name for name in names]
    assert parts_of(dataset, path) == {"tapajos": "c" * 64}
    before = content_of(dataset, path, ContentHashes())
    write(tmp_path / "elsewhere.tif", "other pixels of another run")
    assert content_of(dataset, path, ContentHashes()) == before
    write(tmp_path / "tapajos.tif", "other pixels")
    assert content_of(dataset, path, ContentHashes()) != before


def test_index_of_files_elsewhere(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", "")
    band = write(tmp_path / "archive/blue.tif", "pixels")
    listed = {"items": {"tapajos": [{"assets": {"blue": {"href": "archive/blue.tif"}}, "links": [{"href": "x"}]}]}}
    file = write(tmp_path / "data/scenes.json", json.dumps(listed))
    dataset = JsonFile(filepath=str(file), metadata={"mining_the_mines": {"index": True}})
    before = content_of(dataset, file, ContentHashes())
    write(band, "other pixels")
    assert content_of(dataset, file, ContentHashes()) != before
    band.unlink()
    index = read_index(dataset, file)
    assert index is not None
    assert index.missing == ("archive/blue.tif",)


def test_index_in_a_folder_dataset(tmp_path: Path) -> None:
    composites(tmp_path, {"regions": ["tapajos"]})
    dataset = WorkFolderDataset(filepath=str(tmp_path), metadata={"mining_the_mines": {"index": "composites.json"}})
    before = content_of(dataset, tmp_path, ContentHashes())
    write(tmp_path / "elsewhere.tif", "other pixels of another run")
    assert content_of(dataset, tmp_path, ContentHashes()) == before


def test_damaged_index(tmp_path: Path) -> None:
    dataset = composites(tmp_path, {"regions": ["tapajos"]})
    file = write(tmp_path / "composites.json", "{half")
    assert read_index(dataset, file) is None
    assert content_of(dataset, file, ContentHashes()) == ContentHashes().of(file)


@pytest.mark.parametrize(("content", "intact"), [("map", True), ("edited", False)])
def test_checksums_of_a_stac_item(tmp_path: Path, content: str, intact: bool) -> None:
    mines = write(tmp_path / "tapajos/mines.gpkg", "map")
    checksum = f"1220{ContentHashes().of(mines)}"
    item = {"assets": {"mines": {"href": "./mines.gpkg", "file:checksum": checksum}}}
    write(tmp_path / "tapajos/item.json", json.dumps(item))
    write(tmp_path / "maps.json", '["tapajos"]')
    write(mines, content)
    dataset = JsonFile(filepath=str(tmp_path / "maps.json"), metadata={"mining_the_mines": {"index": True}})
    index = read_index(dataset, tmp_path / "maps.json")
    assert index is not None
    assert index.is_intact("tapajos", ContentHashes()) is intact


class Folder(FolderDataset[str, str]):
    """A folder with one file in a sub-folder."""

    def load(self) -> str:
        """Read the file."""
        return (self.load_folder / "inner" / "a.txt").read_text(encoding="utf-8")

    def save(self, data: str) -> None:
        """Write the file."""
        write(self.save_folder / "inner" / "a.txt", data)


def test_restored_folder_takes_no_room(tmp_path: Path) -> None:
    path = str(tmp_path / "folder")
    Folder(filepath=path, version=Version(None, OLD)).save("old")
    Folder(filepath=path, version=Version(None, NEW)).save("new")
    version, place = bring_forward(Folder(filepath=path, version=Version(None, NOW)), OLD)
    assert version == NOW
    assert Folder(filepath=path, version=Version(None, None)).load() == "old"
    assert (place / "inner" / "a.txt").samefile(tmp_path / "folder" / OLD / "folder" / "inner" / "a.txt")


def test_load_an_older_version_and_save_this_one(tmp_path: Path) -> None:
    path = str(tmp_path / "a.txt")
    for version in (OLD, NEW):
        TextFile(filepath=path, version=Version(None, version)).save(version)
    dataset = TextFile(filepath=path, version=Version(None, NOW))
    read_version(dataset, OLD)
    assert (dataset.load(), dataset.resolve_save_version()) == (OLD, NOW)
