"""What tracking makes of scores and parameters."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline, node

from mining_the_mines.hooks.tracking import ParameterTracking, RunTracking, score_metrics
from mining_the_mines.pipelines.reporting.nodes import flatten
from mining_the_mines.scenes.choosing import AcquisitionSettings

SECRET = "hunter2"  # noqa: S105 - a password that is looked for where it must not be
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


def test_no_password_of_an_archive_is_tracked(tmp_path: Path) -> None:
    tracking = ParameterTracking()
    tracking._is_mlflow_enabled, tracking.flatten, tracking.recursive, tracking.sep = True, True, True, "."
    tracking.long_params_strategy = "truncate"
    given = {"params:raw": ARCHIVE, "params:typed": AcquisitionSettings.model_validate(ARCHIVE)}
    take = node(lambda raw, typed: None, list(given), None, name="take")  # noqa: ARG005
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'mlflow.db'}")
    with ExitStack() as undo:
        undo.callback(mlflow.set_tracking_uri, before)
        run = undo.enter_context(mlflow.start_run(experiment_id=mlflow.create_experiment("tracking")))
        tracking.before_node_run(take, DataCatalog(), given, False)
        RunTracking().on_pipeline_error(ValueError(f"{ARCHIVE['source']} does not answer"))
        logged = mlflow.get_run(run.info.run_id).data
    assert SECRET not in f"{logged.params} {logged.tags}"
    assert logged.params["raw.source"] == logged.params["typed.source"] == "https://host.org/stac"
    assert logged.tags["error"] == "https://host.org/stac does not answer"


def test_no_password_of_the_command_line_is_tracked(monkeypatch: pytest.MonkeyPatch) -> None:
    from kedro_mlflow.framework.hooks import MlflowHook

    started: list[Any] = []
    monkeypatch.setattr(MlflowHook, "before_pipeline_run", lambda _, *given: started.extend(given))
    ParameterTracking().before_pipeline_run(
        {"runtime_params": {"acquisition": ARCHIVE}, "env": "archive"}, Pipeline([]), DataCatalog()
    )
    assert SECRET not in str(started)
    assert started[0]["env"] == "archive"


@pytest.mark.parametrize("acquisition", [ARCHIVE, AcquisitionSettings.model_validate(ARCHIVE)])
def test_no_password_of_an_archive_is_in_the_report(acquisition: object) -> None:
    parameters = flatten({"acquisition": acquisition})
    assert SECRET not in str(parameters)
    assert "host.org/stac" in parameters["acquisition.source"]
