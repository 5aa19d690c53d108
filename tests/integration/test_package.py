"""The wheel runs from an empty folder, with its own configuration."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from support.projects import PROJECT

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, as ``kedro package`` builds it."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=PROJECT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the wheel's modules."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Type a command of the package in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "mining_the_mines", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_wheel_holds_no_credentials(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert [name for name in names if "conf/local" in name] == ["mining_the_mines/conf/local/.gitkeep"]
    environments = {path.name for path in (PROJECT / "conf").iterdir() if path.is_dir()}
    assert environments == {name.split("/")[2] for name in names if name.count("/") > 2 and "/conf/" in name}


def test_help(installed: Path, tmp_path: Path) -> None:
    done = run(installed, tmp_path, "--help")
    assert done.returncode == 0, done.stderr
    assert "lineage" in done.stdout
    assert "registry" in done.stdout


def test_pipelines(installed: Path, tmp_path: Path) -> None:
    done = run(installed, tmp_path, "registry", "list")
    assert done.returncode == 0, done.stderr
    assert {"- __default__", "- mapping", "- segmentation"} <= set(done.stdout.splitlines())


def test_run_takes_the_configuration_of_the_wheel(installed: Path, tmp_path: Path) -> None:
    done = run(installed, tmp_path, "run", "--env=amazon_mines")
    assert done.returncode == 1
    assert "--pipelines=classification" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr + done.stdout
