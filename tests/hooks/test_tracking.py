"""What the hook logs of a run."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
from click.testing import CliRunner
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline, node
from omegaconf import OmegaConf

from mining_the_mines.cli import cli
from mining_the_mines.core.dotted_names import flatten
from mining_the_mines.core.epoch_events import EpochEvent, send_epoch
from mining_the_mines.core.redaction import redact_all
from mining_the_mines.datasets.files import CsvTable
from mining_the_mines.hooks.tracking import RunTracking, table_metrics
from mining_the_mines.ledger.recorder import plain
from mining_the_mines.pipelines.reporting.nodes import ReportingSettings
from mining_the_mines.registry.training_data import hash_data, hash_folds
from mining_the_mines.scenes.settings import AcquisitionSettings
from mining_the_mines.tracking.run import active_run
from mining_the_mines.tracking.store import RunStore, TrackingError
from support import segmented_chips, tracked_runs
from support.projects import copy_project

SECRET = "hunter2"  # noqa: S105 - a password that is looked for where it must not be
ARCHIVE = {"source": f"https://me:{SECRET}@host.org/stac?api_key={SECRET}", "regions": {"here": [0, 0, 1, 1]}}
SCORE = {
    "split": "test", "model": "blend", "category_excluded": pd.NA, "metric": "roc_auc", "value": 0.9, "low": 0.8,
    "high": 0.95,
}  # fmt: skip


def test_metrics_of_scores() -> None:
    alone = {**SCORE, "category_excluded": "forest", "low": float("nan"), "high": float("nan")}
    assert table_metrics(pd.DataFrame([SCORE, alone])) == {
        "test/blend/roc_auc": 0.9,
        "test/blend/roc_auc/low": 0.8,
        "test/blend/roc_auc/high": 0.95,
        "test/blend/roc_auc/without_forest": 0.9,
    }


def test_metrics_of_maps() -> None:
    row = {"scene": None, "size_class": None, "metric": "recall", "value": 0.5, "low": 0.4, "high": 0.6}
    table = pd.DataFrame([row, {**row, "scene": "a"}, {**row, "size_class": "large"}])
    assert table_metrics(table) == {"map/recall": 0.5, "map/recall/low": 0.4, "map/recall/high": 0.6}
    assert table_metrics(table.iloc[:0]) == {}


def test_metrics_of_sites() -> None:
    row = {"method": "sites", "rival": "", "region": "", "period": "", "metric": "new_f1", "value": 0.9, "low": 0.8}
    table = pd.DataFrame([row, {**row, "rival": "map_difference"}, {**row, "period": "2020"}]).assign(high=0.95)
    assert table_metrics(table) == {
        "sites/sites/new_f1": 0.9,
        "sites/sites/new_f1/low": 0.8,
        "sites/sites/new_f1/high": 0.95,
    }
    assert table_metrics(table.iloc[:0]) == {}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    """An embedded store, which takes a while to be made."""
    return tracked_runs.embedded(tmp_path_factory.mktemp("embedded"))


@pytest.fixture
def tracking(store: RunStore, tmp_path: Path) -> Iterator[RunTracking]:
    """The hook of a project; a run that a test leaves behind is ended."""
    tracking = RunTracking()
    tracking._store, tracking._unsent = store, tmp_path / "unsent"
    yield tracking
    if active_run() is not None:
        tracking.after_pipeline_run()


def begin(tracking: RunTracking, given: dict[str, Any], facts: dict[str, dict[str, Any]] | None = None) -> DataCatalog:
    """Start a run of a node that takes some parameters."""
    described = {name: MemoryDataset(metadata={"mining_the_mines": stated}) for name, stated in (facts or {}).items()}
    catalog = DataCatalog({**{name: MemoryDataset(value) for name, value in given.items()}, **described})
    take = node(lambda *_: None, list(given) or ["nothing"], None, name="take")
    tracking.before_pipeline_run({"pipeline_names": ["training"], "runtime_params": given}, Pipeline([take]), catalog)
    return catalog


def logged(tracking: RunTracking) -> Any:
    """End the run, and return MLflow's copy of it."""
    run = active_run()
    assert run is not None
    tracking.after_pipeline_run()
    assert active_run() is None
    return tracking._store.client().get_run(run.run_id)


def test_name_and_parameters(tracking: RunTracking) -> None:
    reporting = ReportingSettings(caveats=("The scenes are simulated.",))
    begin(tracking, {"params:reporting": reporting, "params:folds": {"folds": 3}})
    known = logged(tracking)
    assert (known.info.run_name, known.info.status) == ("training", "FINISHED")
    assert known.data.params["reporting.caveats"] == "['The scenes are simulated.']"
    assert known.data.params["folds.folds"] == "3"


def test_no_password_is_tracked(tracking: RunTracking) -> None:
    begin(tracking, {"params:raw": ARCHIVE, "params:typed": AcquisitionSettings.model_validate(ARCHIVE)})
    run = active_run()
    assert run is not None
    tracking.on_pipeline_error(ValueError(f"{ARCHIVE['source']} does not answer"))
    known = tracking._store.client().get_run(run.run_id)
    assert SECRET not in f"{known.data.params} {known.data.tags}"
    assert known.data.params["raw.source"] == known.data.params["typed.source"] == "https://host.org/stac"
    assert (known.info.status, known.data.tags["error"]) == ("FAILED", "https://host.org/stac does not answer")


def test_tags_of_training_data(tracking: RunTracking) -> None:
    chips, folds, masks = segmented_chips.packed(), segmented_chips.folds_table(), segmented_chips.masks_of()
    contents = {"packed": {"holds": "chips"}, "folds": {"holds": "folds"}, "masks": {"holds": "masks"}, "x": {}}
    begin(tracking, {}, contents)
    for name, data in (("packed", chips), ("folds", folds), ("masks", masks), ("x", None)):
        tracking.after_dataset_loaded(name, data)
    tags = logged(tracking).data.tags
    assert tags["data_hash"] == hash_data(chips.content_hash, hash_folds(folds))
    assert tags["segmentation.data_hash"] == hash_data(chips.content_hash, hash_folds(folds), masks.content_hash)


def test_metrics_and_artifacts_of_the_catalog(tracking: RunTracking, tmp_path: Path) -> None:
    catalog = begin(tracking, {})
    table = pd.DataFrame([SCORE])
    for name, stated in (("task.scores", {"artifact": True, "metrics": True}), ("task.other", {})):
        catalog[name] = CsvTable(filepath=str(tmp_path / f"{name}.csv"), metadata={"mining_the_mines": stated})
        catalog.save(name, table)
        tracking.after_dataset_saved(name, table)
    known = logged(tracking)
    assert known.data.metrics["test/blend/roc_auc"] == 0.9
    files = tracking._store.client().list_artifacts(known.info.run_id, "task")
    assert [item.path for item in files] == ["task/task.scores.csv"]


def test_training_is_a_child_run(tracking: RunTracking) -> None:
    begin(tracking, {})
    for epoch in range(2):
        send_epoch(EpochEvent("network, fold 0", epoch, {"loss": 1.0 / (1 + epoch)}))
    send_epoch(EpochEvent("network, fold 0", 1, finished=True))
    send_epoch(EpochEvent("network, fold 1", 0, {"loss": 1.0}))
    run_id, client = logged(tracking).info.run_id, tracking._store.client()
    assert tracked_runs.losses(client, run_id) == {"network, fold 0": [1.0, 0.5], "network, fold 1": [1.0]}
    assert {run.info.status for run in tracked_runs.children(client, run_id).values()} == {"FINISHED"}


def test_default_store_is_put_back(tracking: RunTracking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///mine.db")
    begin(tracking, {"params:folds": 5})
    assert mlflow.get_tracking_uri() == tracking._store.address
    tracking.after_pipeline_run()
    assert mlflow.get_tracking_uri() == os.environ["MLFLOW_TRACKING_URI"] == "sqlite:///mine.db"


def test_interrupted_run(tracking: RunTracking) -> None:
    begin(tracking, {})
    first = active_run()
    assert first is not None
    begin(tracking, {})
    assert tracking._store.client().get_run(first.run_id).info.status == "KILLED"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = copy_project(tmp_path_factory.mktemp("hooks") / "project")
    bootstrap_project(project)
    return project


def context_of(project: Path) -> Any:
    """What a command of a project begins with."""
    session = KedroSession.create(project)
    assert isinstance(session, KedroSession)
    with session:
        return session.load_context()


@pytest.mark.parametrize("command", [["compare", "LAST", "LAST"], ["send-unsent"], ["run", "--pipelines=inference"]])
def test_password_under_a_wrong_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]) -> None:
    project = copy_project(tmp_path / "project")
    (project / "conf/local").mkdir(exist_ok=True)
    (project / "conf/local/mlflow.yml").write_text(f"tracking_password: {SECRET}\n")
    monkeypatch.chdir(project)
    done = CliRunner().invoke(cli, command)
    assert done.exit_code == 1
    assert SECRET not in f"{done.output} {done.exception!r}"
    assert re.search(r"mlflow\.yml can't be used: there is no tracking_password\.", done.output)


def test_silent_server(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:{SECRET}@127.0.0.1:9")
    assert context_of(project).catalog.exists("packed_chips") is False


def test_former_mlflow_yml(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    (project / "conf/local").mkdir(exist_ok=True)
    (project / "conf/local/mlflow.yml").write_text("server: {mlflow_tracking_uri: 'https://runs.example.org'}\n")
    bootstrap_project(project)
    with pytest.raises(TrackingError, match=r"^mlflow\.yml can't be used: there is no server"):
        context_of(project)


@pytest.mark.parametrize("acquisition", [ARCHIVE, AcquisitionSettings.model_validate(ARCHIVE)])
def test_no_password_in_the_report(acquisition: object) -> None:
    parameters = flatten({"acquisition": acquisition})
    assert SECRET not in str(parameters)
    assert "host.org/stac" in parameters["acquisition.source"]


def test_no_parameter_is_redacted(project: Path) -> None:
    parameters = {name: plain(value) for name, value in context_of(project).params.items()}
    assert "acquisition" in parameters
    assert redact_all(parameters) == parameters
    for path in (project / "conf").glob("*/parameters*.yml"):
        written = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
        assert redact_all(written) == written
