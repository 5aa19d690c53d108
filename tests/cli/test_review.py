"""``kedro review`` opens what is there, and says what is missing."""

from pathlib import Path

import pytest

from support.projects import command, copy_project

COMPOSITES = "data/simulated/02_intermediate/composites"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_project(tmp_path_factory.mktemp("review") / "project")


def test_without_a_sample(project: Path) -> None:
    told = command(project, "review")
    assert told.exit_code == 1
    assert "There is no sample of places yet: draw one with kedro run --pipelines=sampling" in told.output


def test_without_sites(project: Path) -> None:
    told = command(project, "review", "--sites")
    assert "There is no table of sites yet: run kedro run --pipelines=monitoring first" in told.output
