"""What a run says of itself."""

import subprocess
from pathlib import Path

import pytest
from kedro.io import DatasetError

from mining_the_mines.datasets.run_facts import RunFactsDataset, git_state


def commit_something(folder: Path) -> None:
    for command in (
        ["init", "--quiet"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--allow-empty", "-m", "first"],
    ):
        subprocess.run(["git", "-C", str(folder), *command], check=True)


def test_a_clean_checkout_has_a_commit_and_no_changes(tmp_path: Path) -> None:
    commit_something(tmp_path)
    state = git_state(tmp_path)
    assert len(state["git_commit"]) == 40
    assert state["git_dirty"] == "false"


def test_an_uncommitted_file_makes_it_dirty(tmp_path: Path) -> None:
    commit_something(tmp_path)
    (tmp_path / "new.py").write_text("", encoding="utf-8")
    assert git_state(tmp_path)["git_dirty"] == "true"


def test_outside_a_checkout_the_commit_is_unknown(tmp_path: Path) -> None:
    assert git_state(tmp_path) == {"git_commit": "unknown", "git_dirty": "unknown"}


def test_facts_name_versions_and_are_read_only(tmp_path: Path) -> None:
    dataset = RunFactsDataset(filepath=str(tmp_path))
    facts = dataset.load()
    assert facts["MLflow run"] == "not tracked"
    assert facts["torch"]
    with pytest.raises(DatasetError, match="only be read"):
        dataset.save("anything")  # type: ignore[arg-type]
