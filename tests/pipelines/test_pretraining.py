"""`kedro run --pipelines=pretraining`, from settings to a version in the registry."""

from pathlib import Path

import mlflow
import pandas as pd
import pytest

from mining_the_mines.models.encoder import load_encoder
from support.pretraining import QUICK
from support.projects import command, copy_project, newest, run

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = copy_project(tmp_path_factory.mktemp("pretraining") / "project")
    run(project, ["pretraining"], parameters={"pretraining": {**QUICK, "overrides": None}})
    return project


def test_encoder_and_curves(project: Path) -> None:
    encoder = load_encoder(newest(project, "encoder") / "encoder.safetensors")
    assert encoder.description.architecture == "test_maxvit"
    curves = pd.read_csv(newest(project, "pretraining_learning_curves.csv"))
    assert curves["epoch"].tolist() == [0, 1, 2]
    assert curves["validation_iou"].between(0, 1).all()
    assert not any((project / "data/simulated/06_models/pretraining_checkpoints").iterdir())


def test_version_in_the_registry(project: Path) -> None:
    client = mlflow.MlflowClient(f"sqlite:///{project}/data/mlflow/mlflow.db")
    (version,) = client.search_model_versions("name='mine-encoder'")
    assert version.tags["architecture"] == "test_maxvit"
    assert client.get_model_version_by_alias("mine-encoder", "challenger").version == version.version
    assert version.run_id
    files = [file.path for file in client.list_artifacts(version.run_id, "mine-encoder")]
    assert sorted(files) == ["mine-encoder/README.md", "mine-encoder/encoder.safetensors"]


def test_wrong_settings(project: Path) -> None:
    done = command(project, "run", "--pipelines=pretraining", "--params=pretraining.regions.provinces=[mordor]")
    assert done.exit_code == 1
    assert "there is no province 'mordor' to simulate" in done.output
