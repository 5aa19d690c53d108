"""Paths as files tell them."""

from pathlib import Path

import pytest

from mining_the_mines.core.paths import find, link, project_of, tell, tell_text


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder that is a project."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").touch()
    return folder


def test_nearest_project(project: Path, tmp_path: Path) -> None:
    assert project_of(project / "data/07/map.json") == project
    assert project_of(project) == project
    assert project_of(tmp_path / "elsewhere") is None


def test_path_in_the_project(project: Path) -> None:
    record, image = project / "data/maps/map.json", project / "data/composites/tapajos.tif"
    assert tell(image, record) == "data/composites/tapajos.tif"
    assert tell(project / "data/maps/../composites/tapajos.tif", record) == "data/composites/tapajos.tif"
    assert find(tell(image, record), record) == str(image)


@pytest.mark.parametrize("named", ["/mnt/scenes/a.tif", "https://x.org/a.tif", "s3://bucket/a.tif", "earth-search"])
def test_path_elsewhere(project: Path, named: str) -> None:
    assert tell(named, project / "map.json") == named


def test_path_elsewhere_is_that_of_the_file(project: Path, tmp_path: Path) -> None:
    (tmp_path / "scenes").mkdir()
    (project / "linked").symlink_to(tmp_path / "scenes")
    (tmp_path / "linked").symlink_to(tmp_path / "scenes")
    told = str(tmp_path / "scenes/a.tif")
    for named in ("../scenes/a.tif", "../linked/a.tif"):
        assert tell(f"{project}/{named}", project / "map.json") == told
        assert link(f"{project}/{named}", project / "data") == told
    assert tell(project / "linked/a.tif", project / "map.json") == "linked/a.tif"


def test_no_project(tmp_path: Path) -> None:
    image = str(tmp_path / "a.tif")
    assert tell(image, tmp_path / "map.json") == image
    assert find("data/a.tif", tmp_path / "map.json") == "data/a.tif"
    assert tell_text(f"{image} is damaged.", tmp_path) == f"{image} is damaged."


def test_link(project: Path) -> None:
    folder = project / "data/maps/tapajos"
    assert link(str(project / "data/composites/tapajos.tif"), folder) == "../../composites/tapajos.tif"
    assert link("/mnt/tapajos.tif", folder) == "/mnt/tapajos.tif"
    assert link("https://x.org/tapajos", folder) == "https://x.org/tapajos"
