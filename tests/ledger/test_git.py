"""State of the working tree."""

import hashlib
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from mining_the_mines.ledger.git import read_git_state


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    done = subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "nodes.py").write_text("threshold = 0.5\n", encoding="utf-8")
    git(tmp_path, "add", "nodes.py")
    git(tmp_path, "commit", "--quiet", "--message", "begin")
    return tmp_path


def test_clean_checkout(checkout: Path) -> None:
    state = read_git_state(checkout)
    assert (state.commit, state.dirty, state.diff) == (git(checkout, "rev-parse", "HEAD"), False, "")


def test_uncommitted_change(checkout: Path) -> None:
    (checkout / "nodes.py").write_text("threshold = 0.6\n", encoding="utf-8")
    state = read_git_state(checkout)
    assert state.dirty
    assert "+threshold = 0.6" in state.diff


def test_untracked_file(checkout: Path) -> None:
    (checkout / "new.py").write_text("a", encoding="utf-8")
    first = read_git_state(checkout)
    (checkout / "new.py").write_text("b", encoding="utf-8")
    assert "new.py" in first.diff
    assert first.diff != read_git_state(checkout).diff


def contents(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


NEW = {
    "new.py": b"a = 1\n",
    "deep/er/no_newline.txt": b"one\ntwo",
    "deep/windows.txt": b"one\r\ntwo\r\n",
    "empty.py": b"",
    "Übersicht der Minen.md": "Gold – größer\n".encode(),
    'quo"ted\\.txt': b"x\n",
    "-dash.txt": b"x\n",
    "called.bin": b"text all the same\n",
    "patch.txt": b"diff --git a/nodes.py b/nodes.py\n--- a/nodes.py\n+++ b/nodes.py\n@@ -1 +1 @@\n-x\n+y\n",
}


@pytest.mark.parametrize("setting", ["diff.noprefix=true", "diff.mnemonicPrefix=true", "diff.context=0"])
def test_checkout_restored_from_the_diff(checkout: Path, setting: str) -> None:
    git(checkout, "config", *setting.split("="))
    write(checkout, {"nodes.py": b"threshold = 0.6\n", ".gitattributes": b"*.bin binary\n", **NEW})
    write(checkout, {"large.txt": b"x" * 1_000_000, "picture.png": b"\x89PNG\0\xff"})
    state = read_git_state(checkout)
    clone = checkout / ".git" / "clone"
    git(checkout, "clone", "--quiet", str(checkout), str(clone))
    subprocess.run(["git", "-C", str(clone), "apply", "-"], input=state.diff.encode(), check=True, capture_output=True)
    restored = {path.relative_to(clone).as_posix() for path in clone.rglob("*") if path.is_file()}
    wanted = contents(checkout)
    assert {name for name in restored if not name.startswith(".git/")} == set(wanted) - {"large.txt", "picture.png"}
    assert [name for name in set(wanted) & restored if (clone / name).read_bytes() != wanted[name]] == []


@pytest.mark.parametrize(
    ("name", "content"),
    [("grün.png", b"\0\xff"), ("long.txt", b"x" * 1_000_000), ("-", b"x")],
    ids=["binary", "long", "minus"],
)
def test_binary_or_long_untracked_file(checkout: Path, name: str, content: bytes) -> None:
    (checkout / name).write_bytes(content)
    diff = read_git_state(checkout).diff
    assert f"{hashlib.sha256(content).hexdigest()}  {name}\n" in diff
    assert len(diff) < 300


def test_ignored_file(checkout: Path) -> None:
    write(checkout, {".gitignore": b"local/\n", "local/credentials.yml": b"password: hunter2\n"})
    assert "hunter2" not in read_git_state(checkout).diff


def test_links(checkout: Path) -> None:
    (checkout / "broken").symlink_to("nowhere")
    (checkout / "link").symlink_to("nodes.py")
    diff = read_git_state(checkout).diff
    assert f"{hashlib.sha256((checkout / 'nodes.py').read_bytes()).hexdigest()}  link\n" in diff


def test_outside_a_checkout(tmp_path: Path) -> None:
    assert read_git_state(tmp_path).tags == {"git_commit": "unknown", "git_dirty": "unknown"}
