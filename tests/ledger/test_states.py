"""What datasets hold, as one hash."""

from pathlib import Path

from kedro.io import MemoryDataset
from kedro.io.core import Version

from mining_the_mines.core.hashing import NOTHING, ContentHashes
from mining_the_mines.datasets.files import JsonFile
from mining_the_mines.datasets.mine_polygons import MinePolygonsDataset
from mining_the_mines.ledger.states import hash_at, state_of


def test_a_state_says_which_version_was_read_and_where_it_lies_in_the_project(tmp_path: Path) -> None:
    version = "2026-01-01T00.00.00.000Z"
    dataset = JsonFile(filepath=str(tmp_path / "data/a.json"), version=Version(None, version))
    dataset.save({"a": 1})
    state = state_of("a", dataset, ContentHashes(), tmp_path)
    assert (state.version, state.path) == (version, f"data/a.json/{version}/a.json")
    assert state.content_hash == ContentHashes().of(tmp_path / str(state.path))


def test_what_lies_outside_the_project_is_told_by_its_whole_path(tmp_path: Path) -> None:
    dataset = JsonFile(filepath=str(tmp_path / "a.json"))
    assert state_of("a", dataset, ContentHashes(), tmp_path / "project").path == str(tmp_path / "a.json")


def test_what_is_in_memory_has_no_place(tmp_path: Path) -> None:
    state = state_of("a", MemoryDataset(1), ContentHashes(), tmp_path)
    assert (state.path, state.content_hash) == (None, NOTHING)


def test_the_files_beside_a_shapefile_count(tmp_path: Path) -> None:
    shapes = tmp_path / "mines[1].shp"
    for suffix in (".shp", ".dbf"):
        shapes.with_suffix(suffix).write_text("a", encoding="utf-8")
    dataset = MinePolygonsDataset(filepath=str(shapes))
    before = hash_at(dataset, shapes, ContentHashes())
    shapes.with_suffix(".dbf").write_text("b", encoding="utf-8")
    assert hash_at(dataset, shapes, ContentHashes()) != before
