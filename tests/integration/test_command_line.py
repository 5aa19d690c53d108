"""What a person sees who types a command."""

import subprocess
import sys
from pathlib import Path

import pytest

from support.projects import PROJECT, copy_project, kedro

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project without data."""
    return copy_project(tmp_path_factory.mktemp("command line") / "project")


def test_a_wrong_folder_is_told_in_one_sentence_without_a_stack_trace(project: Path) -> None:
    done = kedro(project, "run", "--env=amazon_mines", "--params=raw_root=nowhere", "--pipelines=classification")
    assert done.returncode == 1
    assert "Error: There is no folder" in done.stderr
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_a_wrong_parameter_is_named_without_a_stack_trace(project: Path) -> None:
    done = kedro(project, "run", "--params=folds.folds=many", "--pipelines=preprocessing")
    assert done.returncode == 1
    assert "folds" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_data_that_were_not_simulated_are_never_replaced(project: Path) -> None:
    own = project / "own chips"
    own.mkdir()
    (own / "labels.csv").write_text("filename,label\n", encoding="utf-8")
    done = kedro(project, "run", f"--params=raw_root={own}", "--pipelines=acquisition")
    assert done.returncode == 1
    assert "--env" in done.stderr
    assert (own / "labels.csv").is_file()


def test_a_pipeline_whose_input_is_not_there_yet_says_so_in_one_sentence(project: Path) -> None:
    done = kedro(project, "run", "--pipelines=compositing")
    assert done.returncode == 1
    assert "run the pipelines before this one first" in " ".join(done.stderr.split())
    assert "simulated_series.json" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


@pytest.mark.parametrize("command", [["--help"], ["run", "--help"]])
def test_help_loads_no_torch(project: Path, command: list[str]) -> None:
    code = (
        "import sys; from kedro.framework.cli.cli import main\n"
        f"sys.argv = ['kedro', *{command!r}]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "sys.exit(3 if 'torch' in sys.modules else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=project, capture_output=True, check=False)
    assert done.returncode == 0


def test_importing_the_package_and_its_pipelines_loads_no_torch() -> None:
    code = (
        "import sys, mining_the_mines\n"
        "from mining_the_mines.pipeline_registry import register_pipelines\n"
        "register_pipelines()\n"
        "sys.exit(3 if 'torch' in sys.modules else 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=False).returncode == 0
