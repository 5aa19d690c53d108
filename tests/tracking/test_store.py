"""Where runs and their artifacts are."""

from pathlib import Path

import pytest

from mining_the_mines.tracking.runs import find_run
from mining_the_mines.tracking.store import EMBEDDED, anchor, artifact_folder
from support import tracked_runs

PROJECT = Path("/home/me/mines")


@pytest.mark.parametrize(
    ("address", "where"),
    [
        (EMBEDDED, "sqlite:////home/me/mines/data/mlflow/mlflow.db"),
        ("sqlite:////elsewhere/runs.db", "sqlite:////elsewhere/runs.db"),
        ("https://runs.example.org", "https://runs.example.org"),
    ],
)
def test_a_relative_store_begins_at_the_project(address: str, where: str) -> None:
    assert anchor(address, PROJECT) == where


@pytest.mark.parametrize(
    ("address", "where"),
    [("sqlite:////elsewhere/my%20runs.db", "/elsewhere/artifacts"), ("https://runs.example.org", None)],
)
def test_artifacts_lie_beside_an_embedded_store(address: str, where: str | None) -> None:
    assert artifact_folder(address) == (None if where is None else Path(where))


def test_moved_project(tmp_path: Path) -> None:
    before = tmp_path / "prøject"
    old = tracked_runs.embedded(before)
    first = tracked_runs.begin(before, old, "first")
    first.log_text("old", "notes.txt")
    first.end()
    moved = tracked_runs.embedded(before.rename(tmp_path / "moved"))
    second = tracked_runs.begin(tmp_path, moved, "second")
    second.log_text("new", "notes.txt")
    second.end()
    assert (tmp_path / "moved/artifacts" / second.run_id / "artifacts/notes.txt").read_text() == "new"
    for name, text in (("first", "old"), ("second", "new")):
        assert find_run(name, moved).artifact("notes.txt").read_text() == text
    assert not before.exists()
