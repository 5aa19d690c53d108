"""What a person sees who types a command."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.projects import command, copy_project

pytestmark = pytest.mark.end_to_end


#: Commands by what is wrong with them.
GIVEN = {
    "wrong folder": ("--env=amazon_mines", "--params=raw_root=nowhere", "--pipelines=classification"),
    "wrong parameter": ("--params=folds.folds=many", "--pipelines=preprocessing"),
    "own data": ("--params=raw_root=own chips", "--pipelines=acquisition"),
    "runner of processes": ("--pipelines=acquisition", "--runner=ParallelRunner"),
    "runner of threads": ("--pipelines=acquisition", "--runner=ThreadRunner"),
    "input not made yet": ("--pipelines=compositing",),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project without data, and a folder of labels beside it."""
    project = copy_project(tmp_path_factory.mktemp("command line") / "project")
    (project / "own chips").mkdir()
    (project / "own chips/labels.csv").write_text("filename,label\n", encoding="utf-8")
    return project


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        ("wrong folder", ("There is no folder", "nowhere")),
        ("wrong parameter", ("folds",)),
        ("own data", ("--env",)),
        ("runner of processes", ("ParallelRunner can't run these pipelines",)),
        ("runner of threads", ("ThreadRunner can't run these pipelines",)),
        ("input not made yet", ("run the pipelines before this one first", "scenes.json")),
    ],
)
def test_fault_in_one_sentence(project: Path, given: str, parts: tuple[str, ...]) -> None:
    done = command(project, "run", *GIVEN[given])
    assert done.exit_code == 1
    assert "Error: " in done.stderr
    for part in parts:
        assert part in " ".join(done.stderr.split())
    assert [path.name for path in (project / "own chips").iterdir()] == ["labels.csv"]


@pytest.mark.parametrize("typed", [("run", "--pipelines=mapping"), ("lineage", "scene_maps")])
def test_foreign_database_of_coordinates_in_one_sentence(project: Path, typed: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kedro", *typed],
        cwd=project, env={**os.environ, "PROJ_LIB": "."}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "with the environment's PROJ_LIB=. (no proj.db is there)" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr + done.stdout


def test_help_loads_no_torch(project: Path) -> None:
    code = (
        "import sys, mining_the_mines; from kedro.framework.cli.cli import main\n"
        "for command in (['--help'], ['run', '--help'], ['registry', 'list']):\n"
        "    sys.argv = ['kedro', *command]\n"
        "    try:\n        main()\n    except SystemExit as end:\n        assert not end.code\n"
        "sys.exit(3 if 'torch' in sys.modules else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
