"""A parameter that nothing reads is a slip, and is told."""

from typing import Any

import pytest
from kedro.config import OmegaConfigLoader
from kedro.framework.project import configure_project

from conftest import PROJECT
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.hooks.given_parameters import known_parameters, refuse_unknown
from mining_the_mines.settings import CONFIG_LOADER_ARGS

pytestmark = pytest.mark.filterwarnings("ignore:register_new_resolver")


def refuse(**given: Any) -> None:
    """Compare with what this project's own configuration knows."""
    configure_project("mining_the_mines")
    loader = OmegaConfigLoader(str(PROJECT / "conf"), env="archive", runtime_params=given, **CONFIG_LOADER_ARGS)
    refuse_unknown(given, known_parameters(loader))
    assert loader.runtime_params == given


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"polygon": "mines.gpkg"}, "There is no parameter polygon: did you mean polygons"),
        ({"classification": {"trainning": {"folds": 3}}}, "There is no parameter classification.trainning.folds: did"),
        ({"xyz": 1}, r"There is no parameter xyz: docs/parameters\.md lists them"),
    ],
    ids=["of the catalog", "of a task", "like nothing"],
)
def test_unknown_parameter(given: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        refuse(**given)


@pytest.mark.parametrize(
    "given",
    [
        {"scene": "scene.tif"},
        {"polygons": "mines.gpkg", "raw_root": "chips", "segmenter": "models:/mine-segmenter@champion"},
        {"classification": {"models": {"network": {"epochs": 3}}}},
        {"acquisition": {"source": "earth-search", "exclude": []}},
        {"reporting": {"examples": 3}},
    ],
    ids=["a choice", "of the catalog", "of a task", "of a pipeline", "that is not set by itself"],
)
def test_known_parameters(given: dict[str, Any]) -> None:
    refuse(**given)
