"""A copy of the project whose data lie in a temporary folder, and runs of it."""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from kedro.framework.project import pipelines as all_pipelines
from kedro.framework.project import settings
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from kedro.runner import SequentialRunner

from mining_the_mines.hooks.recording import RunRecording
from mining_the_mines.ledger.only_stale import OnlyStaleRunner
from support.empty_stores import make_store

PROJECT = Path(__file__).parents[2]

#: The smallest run that goes the whole way.
SMALL: dict[str, Any] = {
    "simulation": {
        "provinces": ["tapajos", "copperbelt", "madre_de_dios"],
        "pixels": 192,
        "mines": 4,
        "dates": 4,
        "cloudiness": 0.1,
    },
    "cutting": {"size": 32, "block": 2},
    "imagery": {"min_chips_per_class": 4},
    "folds": {"folds": 2, "block_km": None},
    "cross_validation": {"workers": 1},
    "classification": {
        "models": {
            "trees": {"iterations": 10, "bag": 2},
            "network": {
                "network": {"architecture": "test_maxvit", "input_size": 32, "overrides": None, "pretrained": None},
                "epochs": 2,
                "test_time_augmentation": "none",
                "accelerator": "cpu",
            },
        },
        "evaluation": {"bootstrap": {"resamples": 20}},
    },
    "student": {"training": {"windows": 32, "epochs": 1, "accelerator": "cpu"}},
    "mapping": {"model": "ensemble"},
    "monitoring": {
        "periods": {"end": "2020-12-31"},
        "simulation": {
            "pixels": 192,
            "old_mines": 2,
            "new_mines": 3,
            "changes": 3,
            "seasons": [{"start": f"{year}-06-01", "end": f"{year}-10-31"} for year in (2019, 2020)],
            "dates": 3,
            "cloudiness": 0.1,
        },
        "mapping": {"model": "ensemble"},
    },
    "segmentation": {
        "training": {
            "network": {
                "encoder": "tu-test_efficientnet",
                "overrides": None,
                "pretrained": None,
            },
            "epochs": 2,
            "test_time_augmentation": "none",
            "accelerator": "cpu",
        },
        "evaluation": {"bootstrap": {"resamples": 20}},
    },
    "reporting": {"examples": 1},
}


def copy_project(folder: Path) -> Path:
    """The project's configuration and code, with a data folder of its own."""
    folder.mkdir(parents=True)
    shutil.copy(PROJECT / "pyproject.toml", folder)
    shutil.copytree(PROJECT / "conf", folder / "conf")
    (folder / "src").mkdir()  # the package is installed
    (folder / "data").mkdir()
    return folder


def describes(node: str) -> bool:
    """Whether a node has to do with the report, which tells of all parameters."""
    return any(word in node for word in ("describe_", "examples", "write_report"))


def run(
    project: Path,
    pipelines: Sequence[str] = ("__default__",),
    env: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    load_versions: Mapping[str, str] | None = None,
    *,
    only_stale: bool = False,
) -> None:
    """Run pipelines in this process, so that coverage is measured."""
    with _inside(project):
        given = SMALL if parameters is None else parameters
        small = _read_by(pipelines, {name: value for name, value in given.items() if name in SMALL})
        others = {name: value for name, value in given.items() if name not in SMALL}
        session = KedroSession.create(project, env=env, runtime_params={**small, **others})
        assert isinstance(session, KedroSession)
        with session:
            session.run(
                pipeline_names=list(pipelines),
                load_versions=dict(load_versions or {}),
                # As the command line has it; Kedro-Viz tells the status of no other run.
                runner=OnlyStaleRunner() if only_stale else SequentialRunner(),
            )


def _read_by(names: Sequence[str], given: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Those parameters that the pipelines read; others are refused."""
    nodes = [node for each in names for node in all_pipelines[each].nodes]
    read = {name.removeprefix("params:") for node in nodes for name in node.inputs if name.startswith("params:")}
    if not any(node.name.endswith("judge_chips") for node in nodes):
        read.discard("imagery")  # the number of chips per class, which no other node reads
    kept: dict[str, Any] = {}
    for name, value in given.items():
        if f"{prefix}{name}" in read:
            kept[name] = value
        elif isinstance(value, Mapping) and (inner := _read_by(names, value, f"{prefix}{name}.")):
            kept[name] = inner
    return kept


def command(project: Path, *arguments: str) -> Result:
    """Type a Kedro command of this project in this process, which takes seconds less than to start one."""
    from mining_the_mines.cli import cli

    with _inside(project):
        return CliRunner().invoke(cli, arguments)


@contextmanager
def _inside(project: Path) -> Iterator[None]:
    """Work in a project's folder, with a store of tracked runs there."""
    bootstrap_project(project)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        # MLflow remembers stores by their address, and the default one is relative to the project.
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{make_store(project / 'data/mlflow/mlflow.db')}")
        yield


def nodes_of_last_run() -> set[str]:
    """Names of the nodes that ran in this process's last run."""
    return set(next(hook for hook in settings.HOOKS if isinstance(hook, RunRecording)).ran)


def kedro(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Type a Kedro command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "kedro", *arguments],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def newest(project: Path, name: str) -> Path:
    """The newest version of a file or folder, of whichever environment."""
    versions = sorted((project / "data").glob(f"*/*/{name}/*/{name}"))
    return versions[-1]
