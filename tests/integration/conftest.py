"""What tests of whole runs share."""

from pathlib import Path

import pytest

from support.planted_passwords import plant
from support.projects import copy_project, run


@pytest.fixture(scope="session")
def default_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project in which everything has run, at a small size; tests may add runs, and never change one.

    It was given passwords, which must not be found anywhere afterwards.
    """
    project = copy_project(tmp_path_factory.mktemp("a folder with späces") / "project")
    with pytest.MonkeyPatch.context() as environment:
        plant(project, environment)
        run(project)
    return project
