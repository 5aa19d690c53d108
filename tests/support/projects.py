"""A copy of the project whose data lie in a temporary folder, and runs of it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

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
    "folds": {"folds": 2},
    "cross_validation": {"workers": 1},
    "classification": {
        "models": {
            "trees": {"iterations": 10, "bag": 2},
            "network": {
                "network": {"architecture": "test_maxvit", "input_size": 32, "overrides": None},
                "epochs": 2,
                "test_time_augmentation": "flips",
                "accelerator": "cpu",
            },
        },
        "evaluation": {"bootstrap": {"resamples": 20}},
    },
    "segmentation": {
        "training": {
            "network": {
                "encoder": "tu-test_efficientnet",
                "overrides": None,
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


def run(
    project: Path,
    pipelines: Sequence[str] = ("__default__",),
    env: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    load_versions: Mapping[str, str] | None = None,
    namespaces: Sequence[str] | None = None,
    *,
    only_stale: bool = False,
) -> None:
    """Run pipelines in this process, so that coverage is measured."""
    bootstrap_project(project)
    given = dict(SMALL) if parameters is None else dict(parameters)
    given = {name: value for name, value in given.items() if name not in SMALL} | _read_by(
        pipelines, {name: value for name, value in given.items() if name in SMALL}
    )
    before = Path.cwd()
    os.chdir(project)
    # MLflow remembers stores by their address, and the default one is relative to the project.
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{make_store(project / 'data/mlflow/mlflow.db')}"
    try:
        session = KedroSession.create(project, env=env, runtime_params=given)
        assert isinstance(session, KedroSession)
        with session:
            session.run(
                pipeline_names=list(pipelines),
                load_versions=dict(load_versions or {}),
                namespaces=namespaces,
                # As the command line has it; Kedro-Viz tells the status of no other run.
                runner=OnlyStaleRunner() if only_stale else SequentialRunner(),
            )
    finally:
        del os.environ["MLFLOW_TRACKING_URI"]
        os.chdir(before)


def _read_by(names: Sequence[str], given: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Those parameters that the pipelines read; others are refused."""
    read = {name.removeprefix("params:") for each in names for name in all_pipelines[each].inputs()}
    kept: dict[str, Any] = {}
    for name, value in given.items():
        if f"{prefix}{name}" in read:
            kept[name] = value
        elif isinstance(value, Mapping) and (inner := _read_by(names, value, f"{prefix}{name}.")):
            kept[name] = inner
    return kept


def nodes_of_last_run() -> set[str]:
    """Names of the nodes that ran in this process's last run."""
    return set(next(hook for hook in settings.HOOKS if isinstance(hook, RunRecording)).ran)


def reproduce(project: Path, *arguments: str) -> Result:
    """Type `kedro reproduce` in this process, so that coverage is measured."""
    from mining_the_mines.cli import cli

    before = Path.cwd()
    os.chdir(project)
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{project}/data/mlflow/mlflow.db"
    try:
        return CliRunner().invoke(cli, ["reproduce", *arguments])
    finally:
        del os.environ["MLFLOW_TRACKING_URI"]
        os.chdir(before)


def kedro(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Type a Kedro command."""
    return subprocess.run(
        [sys.executable, "-m", "kedro", *arguments],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


#: Types one Kedro command after the other, and answers with exit code and output of each.
_TYPIST = """
import contextlib, io, json, sys, traceback
from kedro.framework.cli.cli import main
answers = []
for command in json.loads(sys.argv[1]):
    sys.argv = ["kedro", *command]
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = end.code
        except Exception:
            code = 1
            traceback.print_exc()
    answers.append([code or 0, out.getvalue(), err.getvalue()])
print(json.dumps(answers))
"""


def kedro_in_turn(project: Path, commands: Sequence[Sequence[str]]) -> list[subprocess.CompletedProcess[str]]:
    """Type several Kedro commands into one process, which takes far longer to start than to answer them."""
    code = [sys.executable, "-c", _TYPIST, json.dumps(commands)]
    done = subprocess.run(code, cwd=project, capture_output=True, text=True, check=True, timeout=300)
    answers = json.loads(done.stdout.splitlines()[-1])
    return [
        subprocess.CompletedProcess(["kedro", *typed], *answer) for typed, answer in zip(commands, answers, strict=True)
    ]


def newest(project: Path, name: str) -> Path:
    """The newest version of a file or folder, of whichever environment."""
    versions = sorted((project / "data").glob(f"*/*/{name}/*/{name}"))
    return versions[-1]
