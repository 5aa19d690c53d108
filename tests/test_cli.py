"""Errors of the input are told apart from errors of the program."""

from pathlib import Path

import click
import pytest
from kedro.io import DatasetError

from mining_the_mines.cli import plainly
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.tracking.store import StoreSettings


def fail_deep_down() -> None:
    try:
        raise BadInputError("chip.tif is empty: give a whole file.")
    except BadInputError as error:
        raise DatasetError("Failed while loading") from error


def test_bad_input() -> None:
    with pytest.raises(click.ClickException, match=r"^chip.tif is empty: give a whole file\.$"):
        plainly(fail_deep_down)()


def test_error_of_the_program() -> None:
    with pytest.raises(ZeroDivisionError):
        plainly(lambda: 1 / 0)()


@pytest.fixture
def below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder below a project, with a file, in which commands are typed."""
    (tmp_path / "pyproject.toml").write_text(
        '[tool.kedro]\npackage_name = "a"\nproject_name = "a"\nkedro_init_version = "1"\n'
    )
    (tmp_path / "below").mkdir()
    (tmp_path / "below/a.tif").touch()
    monkeypatch.chdir(tmp_path / "below")
    return tmp_path / "below"


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ({"scene": "a.tif", "year": 2023}, {"scene": "below/a.tif", "year": 2023}),
        ({"scene": ["a.tif", "../below/a.tif"]}, {"scene": ["below/a.tif", "below/a.tif"]}),
        (
            {"scene": "data/b.tif", "other": "https://x.org/a.tif"},
            {"scene": "data/b.tif", "other": "https://x.org/a.tif"},
        ),
        ({"scene": "/a.tif"}, {"scene": "/a.tif"}),
    ],
)
def test_paths_in_a_folder_below_the_project(below: Path, given: object, taken: object) -> None:
    folder, params = plainly(lambda params: (Path.cwd(), params))(params=given)
    assert (folder, params) == (below.parent, taken)
    assert Path.cwd() == below


def test_refused_settings() -> None:
    with pytest.raises(click.ClickException, match=r"^StoreSettings can't be used: there is no token\.$"):
        plainly(lambda: StoreSettings.model_validate({"token": "hunter2"}))()
