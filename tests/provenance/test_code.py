"""The state of the code, as records tell it."""

import subprocess
from pathlib import Path

import pytest

from mining_the_mines.provenance.code import CodeHashes, read_code_state

HASHES = CodeHashes()
TRAINING = "mining_the_mines.pipelines.training.nodes"


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
    state, diff = read_code_state(checkout, HASHES)
    assert (state.commit, state.dirty, state.diff_hash, diff) == (git(checkout, "rev-parse", "HEAD"), False, None, "")


def test_a_change_that_no_commit_has_is_kept_whole(checkout: Path) -> None:
    (checkout / "nodes.py").write_text("threshold = 0.6\n", encoding="utf-8")
    state, diff = read_code_state(checkout, HASHES)
    assert state.dirty
    assert "+threshold = 0.6" in diff


def test_a_file_that_git_does_not_know_makes_a_difference(checkout: Path) -> None:
    (checkout / "new.py").write_text("a", encoding="utf-8")
    first, listed = read_code_state(checkout, HASHES)
    (checkout / "new.py").write_text("b", encoding="utf-8")
    second, _ = read_code_state(checkout, HASHES)
    assert "new.py" in listed
    assert None not in (first.diff_hash, second.diff_hash)
    assert first.diff_hash != second.diff_hash


def test_the_whole_checkout_counts_from_wherever_one_asks(checkout: Path) -> None:
    (checkout / "data").mkdir()
    (checkout / "new.py").write_text("a", encoding="utf-8")
    assert read_code_state(checkout / "data", HASHES) == read_code_state(checkout, HASHES)


def test_outside_a_checkout_the_package_is_known_all_the_same(tmp_path: Path) -> None:
    state, _ = read_code_state(tmp_path, HASHES)
    assert (state.commit, state.dirty) == ("unknown", None)
    assert len(state.package_hash) == 64


def test_a_node_stands_on_what_its_module_imports() -> None:
    needed = HASHES._graph.find_upstream_modules(TRAINING)
    assert "mining_the_mines.models.classifier" in needed
    assert "mining_the_mines.reporting.html" not in needed


def test_drawing_previews_makes_no_table_stale() -> None:
    needed = HASHES._graph.find_upstream_modules("mining_the_mines.datasets.files")
    assert not [module for module in needed if module.startswith("mining_the_mines.reporting")]


def test_templates_count_for_the_modules_of_their_folder() -> None:
    files = {file.name for file in HASHES._files("mining_the_mines.reporting.html")}
    assert {"html.py", "report.html.jinja"} <= files


def test_other_code_has_another_hash() -> None:
    assert HASHES.of([TRAINING]) != HASHES.of(["mining_the_mines.pipelines.mapping.nodes"])


def test_code_of_other_packages_is_the_lock_file_s_affair() -> None:
    assert HASHES.of([TRAINING, "numpy"]) == HASHES.of([TRAINING])
