"""What a person sees who types a command."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.projects import PROJECT, copy_project

pytestmark = pytest.mark.end_to_end


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


@pytest.fixture(scope="module")
def answers(project: Path) -> dict[str, subprocess.CompletedProcess[str]]:
    """What the commands answer."""
    commands = [("run", *options) for options in GIVEN.values()]
    code = [sys.executable, "-c", _TYPIST, json.dumps(commands)]
    done = subprocess.run(code, cwd=project, capture_output=True, text=True, check=True, timeout=300)
    answers = json.loads(done.stdout.splitlines()[-1])
    return {
        given: subprocess.CompletedProcess(typed, *answer)
        for given, typed, answer in zip(GIVEN, commands, answers, strict=True)
    }


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        ("wrong folder", ("There is no folder", "nowhere")),
        ("wrong parameter", ("folds",)),
        ("own data", ("--env",)),
        ("runner of processes", ("ParallelRunner can't run these pipelines",)),
        ("runner of threads", ("ThreadRunner can't run these pipelines",)),
        ("input not made yet", ("run the pipelines before this one first", "simulated_series.json")),
    ],
)
def test_fault_in_one_sentence(
    answers: dict[str, subprocess.CompletedProcess[str]], given: str, parts: tuple[str, ...]
) -> None:
    done = answers[given]
    assert done.returncode == 1
    assert "Error: " in done.stderr
    for part in parts:
        assert part in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr + done.stdout


@pytest.mark.parametrize("command", [("run", "--pipelines=mapping"), ("lineage", "scene_maps")])
def test_foreign_database_of_coordinates_in_one_sentence(project: Path, command: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kedro", *command],
        cwd=project, env={**os.environ, "PROJ_LIB": "."}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "with the environment's PROJ_LIB=. (no proj.db is there)" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr + done.stdout


def test_own_data_are_never_replaced(answers: dict[str, subprocess.CompletedProcess[str]], project: Path) -> None:
    assert answers["own data"].returncode == 1
    assert [path.name for path in (project / "own chips").iterdir()] == ["labels.csv"]


def test_help_loads_no_torch(project: Path) -> None:
    code = (
        "import sys; from kedro.framework.cli.cli import main\n"
        "for command in (['--help'], ['run', '--help'], ['registry', 'list']):\n"
        "    sys.argv = ['kedro', *command]\n"
        "    try:\n        main()\n    except SystemExit as end:\n        assert not end.code\n"
        "sys.exit(3 if 'torch' in sys.modules else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_pipelines_load_no_torch() -> None:
    code = (
        "import sys, mining_the_mines\n"
        "from mining_the_mines.pipeline_registry import register_pipelines\n"
        "register_pipelines()\n"
        "sys.exit(3 if 'torch' in sys.modules else 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=False).returncode == 0
