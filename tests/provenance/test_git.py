"""What git says of the code."""

import subprocess
from pathlib import Path

import pytest

from mining_the_mines.provenance.git import read_git_state


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


def test_a_clean_checkout_is_its_commit(checkout: Path) -> None:
    state = read_git_state(checkout)
    assert (state.commit, state.dirty, state.diff) == (git(checkout, "rev-parse", "HEAD"), False, "")


def test_a_change_that_no_commit_has_is_kept_whole(checkout: Path) -> None:
    (checkout / "nodes.py").write_text("threshold = 0.6\n", encoding="utf-8")
    state = read_git_state(checkout)
    assert state.dirty
    assert "+threshold = 0.6" in state.diff


def test_what_a_file_holds_that_git_does_not_know_makes_a_difference(checkout: Path) -> None:
    (checkout / "new.py").write_text("a", encoding="utf-8")
    first = read_git_state(checkout)
    (checkout / "new.py").write_text("b", encoding="utf-8")
    assert "new.py" in first.diff
    assert first.diff != read_git_state(checkout).diff


def test_the_whole_checkout_counts_from_wherever_one_asks(checkout: Path) -> None:
    (checkout / "data").mkdir()
    (checkout / "new.py").write_text("a", encoding="utf-8")
    assert read_git_state(checkout / "data") == read_git_state(checkout)


def test_outside_a_checkout_nothing_is_known(tmp_path: Path) -> None:
    assert read_git_state(tmp_path).tags == {"git_commit": "unknown", "git_dirty": "unknown"}
