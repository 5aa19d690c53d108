"""Runs found by id, name and age."""

from pathlib import Path

import pytest

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.tracking.runs import LAST, find_run
from mining_the_mines.tracking.store import RunStore
from support.scored_runs import Tracked, make_scored_run


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Tracked:
    """Three runs, of which the last has failed, and a fold of the second."""
    tracked = Tracked(tmp_path_factory.mktemp("project"))
    tracked.add(make_scored_run(parameters={"epochs": "20"}), name="first")
    second = tracked.add(name="training")
    tracked.add(name="classification, fold 0", parent=second)
    tracked.add(name="training", status="FAILED")
    return tracked


def test_a_run_is_found_by_id_prefix_and_name(tracked: Tracked) -> None:
    key = tracked.ids[0]
    for wanted in (key, key[:12], "first"):
        assert find_run(wanted, tracked.store).id == key


def test_last_means_finished_and_top_level(tracked: Tracked) -> None:
    assert find_run(LAST, tracked.store).id == tracked.ids[1]
    assert find_run("LAST~0", tracked.store).id == tracked.ids[1]
    assert find_run("LAST~1", tracked.store).name == "first"


def test_files_of_a_run_are_fetched(tracked: Tracked) -> None:
    run = find_run("first", tracked.store)
    assert run.artifacts() == ("manifest.csv",)
    assert "segmentation/segmentation_scores.csv" in run.artifacts("segmentation")
    assert run.artifact("classification/decision.json").read_text("utf-8").startswith("{")


def test_missing_artifact(tracked: Tracked) -> None:
    with pytest.raises(BadInputError, match=r"has no file provenance/run\.json: it has manifest\.csv\."):
        find_run("first", tracked.store).artifact("provenance/run.json")
    with pytest.raises(BadInputError, match="none of its files can be reached"):
        find_run(LAST, tracked.store).artifact("report.html")


@pytest.mark.parametrize("wanted", ["nonsense", "LAST~2", "0" * 32, "LAST~x", "feedfacefeedface"])
def test_unknown_run(tracked: Tracked, wanted: str) -> None:
    with pytest.raises(BadInputError, match=rf"There is no.* run {wanted} .* name one of the last ones") as told:
        find_run(wanted, tracked.store)
    assert f"{tracked.ids[3][:12]} training 2026-" in str(told.value)
    assert "fold 0" not in str(told.value)


def test_a_name_of_several_runs_is_not_guessed(tracked: Tracked) -> None:
    with pytest.raises(BadInputError, match="2 runs are called training: name one by its id"):
        find_run("training", tracked.store)


def test_looking_for_a_run_creates_no_store(tmp_path: Path) -> None:
    database = tmp_path / "mlflow.db"
    with pytest.raises(BadInputError, match=r"There is no .*mlflow\.db, so no run has been tracked here yet"):
        find_run(LAST, RunStore(f"sqlite:///{database}", "mining_the_mines"))
    assert not database.exists()


def test_an_experiment_without_runs_says_so(tracked: Tracked) -> None:
    with pytest.raises(BadInputError, match="none has been tracked there yet"):
        find_run(LAST, RunStore(tracked.store.address, "another"))


def test_a_silent_server_is_named_without_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(BadInputError, match="can't be read: start that server") as told:
        find_run(LAST, RunStore("http://me:hunter2@127.0.0.1:9", "mining_the_mines"))
    assert "hunter2" not in str(told.value)
