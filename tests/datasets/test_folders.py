"""Folders that nodes write into."""

import gc
from pathlib import Path

from mining_the_mines.datasets.folders import DraftFolderDataset


def drafts(folder: Path) -> DraftFolderDataset:
    return DraftFolderDataset(filepath=str(folder))


def test_two_runs_have_drafts_of_their_own(tmp_path: Path) -> None:
    first, second = drafts(tmp_path), drafts(tmp_path)
    (first.load() / "masks").mkdir()
    assert first.load().parent == second.load().parent == tmp_path
    assert list(second.load().iterdir()) == []
    assert (first.load() / "masks").is_dir()


def test_drafts_of_a_killed_run_are_removed(tmp_path: Path) -> None:
    (tmp_path / "left/.masks.0123abcd").mkdir(parents=True)
    (tmp_path / "left/.masks.0123abcd/values.npy").write_bytes(b"half")
    run = drafts(tmp_path)
    folder = run.load()
    assert list(tmp_path.iterdir()) == [folder]


def test_a_finished_run_leaves_no_drafts(tmp_path: Path) -> None:
    run = drafts(tmp_path)
    run.load()
    del run
    gc.collect()
    assert list(tmp_path.iterdir()) == []
