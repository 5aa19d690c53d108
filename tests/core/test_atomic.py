"""Files and folders appear whole or not at all."""

from pathlib import Path

from mining_the_mines.core.atomic import adopt_folder


def folder_with(path: Path, text: str) -> Path:
    path.mkdir(parents=True)
    (path / "content.txt").write_text(text, encoding="utf-8")
    return path


def test_adopted_folder(tmp_path: Path) -> None:
    old, draft = folder_with(tmp_path / "kept" / "masks", "old"), folder_with(tmp_path / "drafts" / "masks", "new")
    adopt_folder(draft, old)
    assert (old / "content.txt").read_text(encoding="utf-8") == "new"
    assert [path.name for path in old.parent.iterdir()] == ["masks"]
    assert not draft.exists()
