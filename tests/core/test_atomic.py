"""Files and folders appear whole or not at all."""

from pathlib import Path

from mining_the_mines.core.atomic import adopt_folder


def folder_with(path: Path, text: str) -> Path:
    path.mkdir(parents=True)
    (path / "content.txt").write_text(text, encoding="utf-8")
    return path


def test_an_adopted_folder_replaces_the_old_one(tmp_path: Path) -> None:
    old = folder_with(tmp_path / "kept" / "masks", "old")
    adopt_folder(folder_with(tmp_path / "drafts" / "masks", "new"), old)
    assert (old / "content.txt").read_text(encoding="utf-8") == "new"
    assert [path.name for path in old.parent.iterdir()] == ["masks"]


def test_an_adopted_folder_leaves_no_draft(tmp_path: Path) -> None:
    draft = folder_with(tmp_path / "drafts" / "masks", "new")
    adopt_folder(draft, tmp_path / "kept" / "masks")
    assert not draft.exists()
