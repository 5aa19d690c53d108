"""What tracking makes of scores and parameters."""

import re
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
from click.testing import CliRunner
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline, node
from mlflow.utils.file_utils import local_file_uri_to_path
from omegaconf import OmegaConf

from mining_the_mines.cli import cli
from mining_the_mines.core.dotted_names import flatten
from mining_the_mines.core.redaction import redact_all
from mining_the_mines.hooks.tracking import ParameterTracking, RunTracking, redact_parameters, score_metrics
from mining_the_mines.ledger.recorder import plain
from mining_the_mines.pipelines.reporting.nodes import ReportingSettings
from mining_the_mines.registry.data_hash import hash_data, hash_folds
from mining_the_mines.scenes.settings import AcquisitionSettings
from mining_the_mines.tracking.active import TrackedRun, active_run, set_active_run
from mining_the_mines.tracking.errors import TrackingError
from pipelines import test_outline_evaluation as outlined
from support import tracked_runs as telling
from support.projects import copy_project

SECRET = "hunter2"  # noqa: S105 - a password that is looked for where it must not be
#: Kedro's, with the attribute that kedro-mlflow adds.
Context = Any
ARCHIVE = {"source": f"https://me:{SECRET}@host.org/stac?api_key={SECRET}", "regions": {"here": [0, 0, 1, 1]}}


def row(**changes: object) -> dict[str, object]:
    return {
        "split": "test",
        "model": "blend",
        "category_excluded": pd.NA,
        "metric": "roc_auc",
        "value": 0.9,
        "low": 0.8,
        "high": 0.95,
    } | changes


def test_a_score_becomes_a_metric_with_its_interval() -> None:
    assert score_metrics(pd.DataFrame([row()])) == {
        "test/blend/roc_auc": 0.9,
        "test/blend/roc_auc/low": 0.8,
        "test/blend/roc_auc/high": 0.95,
    }


def test_scores_without_a_category_and_without_interval_are_told_apart() -> None:
    table = pd.DataFrame([row(category_excluded="forest", low=float("nan"), high=float("nan"))])
    assert score_metrics(table) == {"test/blend/roc_auc/without_forest": 0.9}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An embedded store, which takes a while to be made."""
    return telling.store(tmp_path_factory.mktemp("embedded"))


def test_no_password_of_an_archive_is_tracked(tmp_path: Path, address: str) -> None:
    tracking = ParameterTracking()
    tracking._is_mlflow_enabled, tracking.flatten, tracking.recursive, tracking.sep = True, True, True, "."
    given = {"params:raw": ARCHIVE, "params:typed": AcquisitionSettings.model_validate(ARCHIVE)}
    take = node(lambda raw, typed: None, list(given), None, name="take")  # noqa: ARG005
    with ExitStack() as undo:
        run = telling.tracker(tmp_path, address).start("tracking")
        undo.callback(set_active_run, None)
        set_active_run(run)
        tracking.before_node_run(take, DataCatalog(), given, False)
        RunTracking().on_pipeline_error(ValueError(f"{ARCHIVE['source']} does not answer"))
        run.close()
        logged = mlflow.MlflowClient(address).get_run(run.run_id).data
    assert SECRET not in f"{logged.params} {logged.tags}"
    assert logged.params["raw.source"] == logged.params["typed.source"] == "https://host.org/stac"
    assert logged.tags["error"] == "https://host.org/stac does not answer"


def test_a_field_of_a_typed_parameter_is_told_as_the_whole_tells_it(tmp_path: Path, address: str) -> None:
    tracking = ParameterTracking()
    tracking._is_mlflow_enabled, tracking.flatten, tracking.recursive, tracking.sep = True, True, True, "."
    reporting = ReportingSettings(caveats=("The scenes are simulated.",))
    given = {"params:reporting": reporting, "params:reporting.caveats": reporting.caveats}
    take = node(lambda reporting, caveats: None, list(given), None, name="take")  # noqa: ARG005
    run = telling.tracker(tmp_path, address).start("tracking")
    set_active_run(run)
    try:
        tracking.before_node_run(take, DataCatalog(), given, False)
    finally:
        set_active_run(None)
        run.close()
    logged = mlflow.MlflowClient(address).get_run(run.run_id).data
    assert logged.params["reporting.caveats"] == "['The scenes are simulated.']"
    assert not (tmp_path / "unsent" / run.run_id).exists()


def test_a_parameter_that_is_too_long_for_mlflow_becomes_a_tag(tmp_path: Path, address: str) -> None:
    tracking = ParameterTracking()
    run = telling.tracker(tmp_path, address).start("tracking")
    set_active_run(run)
    try:
        tracking._log_param("regions", "x" * 6001)
        tracking._log_param("folds", 5)
    finally:
        set_active_run(None)
        run.close()
    assert run.tags["regions"] == "x" * 6001
    assert "folds" not in run.tags


def test_a_run_tells_its_data_as_the_models_that_come_of_it_do(tmp_path: Path, address: str) -> None:
    chips, folds, masks = outlined.packed(), outlined.folds_table(), outlined.masks_of()
    tracking, run = RunTracking(), telling.tracker(tmp_path, address).start("tracking")
    tracking.before_pipeline_run(DataCatalog())
    set_active_run(run)
    try:
        for name, data in (("packed_chips", chips), ("folds", folds), ("segmentation.masks", masks), ("scores", None)):
            tracking.after_dataset_loaded(name, data)
    finally:
        set_active_run(None)
        run.close()
    of_labels = hash_data(chips.content_hash, hash_folds(folds))
    of_masks = hash_data(chips.content_hash, hash_folds(folds), masks.content_hash)
    assert run.tags == {"data_hash": of_labels, "segmentation.data_hash": of_masks}


@pytest.fixture(scope="module")
def session_context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    """The context of a project whose runs are tracked in its data folder."""
    project = copy_project(tmp_path_factory.mktemp("hooks") / "project")
    bootstrap_project(project)
    return context_of(project)


def context_of(project: Path) -> Context:
    """What a command of a project begins with."""
    session = KedroSession.create(project)
    assert isinstance(session, KedroSession)
    with session:
        return session.load_context()


def started(context: Context, fault: Exception | None = None, **run_params: object) -> TrackedRun:
    """What the hooks make of a run that begins and ends at once."""
    tracking = ParameterTracking()
    tracking.after_context_created(context)
    given = {"tags", "node_names", "from_nodes", "to_nodes", "from_inputs", "load_versions", "pipeline_names"}
    params = dict.fromkeys(given) | run_params
    tracking.before_pipeline_run(params, Pipeline([]), DataCatalog())
    run = active_run()
    assert run is not None
    if fault is None:
        tracking.after_pipeline_run(params, Pipeline([]), DataCatalog())
    else:
        RunTracking().on_pipeline_error(fault)
        tracking.on_pipeline_error(fault, params, Pipeline([]), DataCatalog())
    assert active_run() is None
    return run


def test_a_run_of_the_command_line_is_tracked_without_its_passwords(session_context: Context) -> None:
    run = started(session_context, runtime_params={"acquisition": ARCHIVE}, env="archive", pipeline_names=["training"])
    known = mlflow.MlflowClient(session_context.mlflow.server.mlflow_tracking_uri).get_run(run.run_id)
    assert SECRET not in str(known.data.tags)
    assert known.data.tags["env"] == "archive"
    assert known.data.tags["kedro_command"] == "kedro run --pipeline=training"
    assert (known.info.run_name, known.info.status) == ("training", "FINISHED")


def test_a_run_that_fails_says_so_and_why(session_context: Context) -> None:
    run = started(session_context, ValueError("There is no folder."))
    known = mlflow.MlflowClient(session_context.mlflow.server.mlflow_tracking_uri).get_run(run.run_id)
    assert (known.info.status, known.data.tags["error"]) == ("FAILED", "There is no folder.")


def test_a_server_that_does_not_answer_is_told_before_work_begins_and_stops_no_other_command(
    session_context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:{SECRET}@127.0.0.1:9")
    monkeypatch.setattr("mlflow.tracking._tracking_service.utils._tracking_uri", None)  # put back afterwards
    context = context_of(session_context.project_path)
    assert context.catalog.exists("packed_chips") is False
    with pytest.raises(TrackingError, match=r"by http://127\.0\.0\.1:9, which does not answer: start") as told:
        started(context)
    assert SECRET not in str(told.value)
    assert active_run() is None


@pytest.mark.parametrize("command", [["run", f"--params=tracking.token={SECRET}"], ["compare", "LAST", "LAST"]])
def test_a_password_under_a_wrong_name_is_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    project = copy_project(tmp_path / "project")
    if command[0] != "run":
        (project / "conf/local").mkdir(exist_ok=True)
        (project / "conf/local/mlflow.yml").write_text(f"server: {{mlflow_tracking_password: {SECRET}}}\n")
    monkeypatch.chdir(project)
    done = CliRunner().invoke(cli, command)
    assert done.exit_code == 1
    assert SECRET not in f"{done.output} {done.exception!r}"
    assert re.search(r"there is no (token|server\.mlflow_tracking_password)\.", done.output)


def test_settings_of_kedro_mlflow_that_are_wrong_are_named_when_a_session_begins(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    (project / "conf/local").mkdir(exist_ok=True)
    (project / "conf/local/mlflow.yml").write_text(f"server: {{mlflow_tracking_password: {SECRET}}}\n")
    bootstrap_project(project)
    with pytest.raises(TrackingError, match=r"^mlflow\.yml can't be used: there is no server\.mlflow_tracking_pass"):
        context_of(project)


def test_the_embedded_store_lies_in_the_project_from_whichever_folder_a_command_is_typed(
    session_context: Context,
) -> None:
    config, project = session_context.mlflow, session_context.project_path
    assert config.server.mlflow_tracking_uri == f"sqlite:///{project}/data/mlflow/mlflow.db"
    assert config.tracking.experiment._experiment.artifact_location == (project / "data/mlflow/artifacts").as_uri()


def test_runs_of_a_project_that_was_moved_leave_their_files_where_it_is_now(
    session_context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = session_context.project_path
    old = started(session_context)
    moved = Path(shutil.copytree(before, tmp_path / "moved pröject"))
    store = f"sqlite:///{moved}/data/mlflow/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    monkeypatch.setattr("mlflow.tracking._tracking_service.utils._tracking_uri", None)  # put back afterwards
    new = started(context_of(moved))
    client = mlflow.MlflowClient(store)
    place = client.get_run(new.run_id).info.artifact_uri or ""
    assert local_file_uri_to_path(place) == str(moved / f"data/mlflow/artifacts/{new.run_id}/artifacts")
    assert str(before) in local_file_uri_to_path(client.get_run(old.run_id).info.artifact_uri)
    assert client.get_experiment(client.get_run(new.run_id).info.experiment_id).name == "mining_the_mines"


@pytest.mark.parametrize("acquisition", [ARCHIVE, AcquisitionSettings.model_validate(ARCHIVE)])
def test_no_password_of_an_archive_is_in_the_report(acquisition: object) -> None:
    parameters = flatten({"acquisition": acquisition})
    assert SECRET not in str(parameters)
    assert "host.org/stac" in parameters["acquisition.source"]


def test_a_parameter_that_is_called_a_secret_is_neither_tracked_nor_reported() -> None:
    given = {"params:password": SECRET, "params:archive": {"headers": {"token": SECRET}}, "params:folds": {"folds": 3}}
    assert SECRET not in str(redact_parameters(given))
    assert redact_parameters(given)["params:folds"] == {"folds": 3}
    parameters = flatten({name.removeprefix("params:"): value for name, value in given.items()})
    assert parameters == {"password": "…", "archive.headers.token": "…", "folds.folds": "3"}


def test_no_parameter_of_this_project_is_taken_for_a_secret(session_context: Context) -> None:
    parameters = {name: plain(value) for name, value in session_context.params.items()}
    assert "acquisition" in parameters
    assert redact_all(parameters) == parameters
    for path in (session_context.project_path / "conf").glob("*/parameters*.yml"):
        written = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
        assert redact_all(written) == written
