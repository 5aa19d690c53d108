"""A parameter that nothing reads is a slip, and is told."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from kedro.config import OmegaConfigLoader
from kedro.framework.project import configure_project, pipelines
from kedro.pipeline import Pipeline

from conftest import PROJECT
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.hooks.given_parameters import (
    asked_for,
    known_parameters,
    refuse_numbers,
    refuse_unknown,
    refuse_unread,
)
from mining_the_mines.settings import CONFIG_LOADER_ARGS

pytestmark = pytest.mark.filterwarnings("ignore:register_new_resolver")


def refuse(**given: Any) -> None:
    """Compare with what this project's own configuration knows."""
    configure_project("mining_the_mines")
    loader = OmegaConfigLoader(str(PROJECT / "conf"), env="archive", runtime_params=given, **CONFIG_LOADER_ARGS)
    refuse_unknown(given, known_parameters(asked_for(PROJECT / "conf")))
    assert loader.runtime_params == given


@pytest.mark.parametrize("kind", ["gztar", "zip"])
def test_archive_of_the_configuration(tmp_path: Path, kind: str) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "conf"), kind, PROJECT, "conf"))
    assert asked_for(archive) == asked_for(PROJECT / "conf")
    given = {"concessions": "areas.gpkg"}
    configure_project("mining_the_mines")
    refuse_unread(
        given, pipelines["mapping"], OmegaConfigLoader(str(archive), runtime_params=given, **CONFIG_LOADER_ARGS)
    )


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


def refuse_in(names: list[str], env: str = "base", **given: Any) -> None:
    """Compare with what pipelines of this project read."""
    configure_project("mining_the_mines")
    loader = OmegaConfigLoader(str(PROJECT / "conf"), env=env, runtime_params=given, **CONFIG_LOADER_ARGS)
    refuse_unread(given, sum((pipelines[name] for name in names), Pipeline([])), loader)


@pytest.mark.parametrize(
    ("names", "given", "said"),
    [
        (["mapping"], {"imagery": {"bands": ["B4"]}}, "imagery.bands has no effect on this run: it is read by acqui"),
        (["inference"], {"imagery": {"size": 64}}, r"imagery\.size has no effect"),
        (["acquisition"], {"chips": "folder"}, "chips has no effect on this run: it is read by .*inference"),
        (["mapping"], {"classifier": "models:/c/1", "scene": "a.tif"}, "classifier has no effect"),
        (["mapping"], {"acquisition": {"start": "2023-01-01"}}, r"acquisition\.start has no effect"),
        (["compositing"], {"acquisition": {"start": "2023-01-01"}}, r"acquisition\.start has no .* by acquisition"),
        (["compositing"], {"imagery": {"offset": -0.1}}, r"imagery\.offset has no effect"),
        (["acquisition"], {"compositing": {"method": "mean"}}, r"method has no .* by compositing, mapping"),
        (["acquisition"], {"acquisition": {"offset": -0.1}}, r"offset has no effect on this run: it is read by comp"),
        (["mapping"], {"imagery": {"pixel": 20}}, r"imagery\.pixel has no effect"),
        (["training"], {"segmentation": {"windows": {"context": 1}}}, r"context has no .* by preprocessing"),
        (["training"], {"segmenter_name": "mine"}, "segmenter_name has no effect on this run: .*registration"),
        (["mapping"], {"reference": "mines.gpkg"}, "reference has no effect without scene"),
        (["mapping"], {"polygons": "mines.gpkg", "scene": "a.tif"}, "polygons has no effect where scene names"),
    ],
    ids=[
        "of other pipelines",
        "of training",
        "of a dataset",
        "of another task",
        "of a field",
        "of a setting",
        "of the search",
        "of later chips",
        "of composites",
        "of pixels",
        "of the model",
        "of windows",
        "no scene",
        "scene",
    ],
)
def test_parameters_without_effect(names: list[str], given: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        refuse_in(names, **given)


def test_simulation_of_an_archive() -> None:
    with pytest.raises(BadInputError, match=r"monitoring\.simulation has no effect, since acquisition\.source is not"):
        refuse_in(["monitoring"], env="archive", monitoring={"simulation": {"pixels": 60}})
    refuse_in(["acquisition"], simulation={"pixels": 64})
    with pytest.raises(BadInputError, match=r"simulation has no effect, since acquisition\.source is not simulation"):
        refuse_in(["acquisition"], env="archive", simulation={"pixels": 64})


@pytest.mark.parametrize(
    ("names", "given"),
    [
        (["mapping"], {"scene": "a.tif", "reference": "mines.gpkg", "segmenter": "models:/s/1"}),
        (["mapping"], {"acquisition": {"retries": 2}, "polygons": "mines.gpkg"}),
        (["coarse_mapping"], {"classifier": "models:/c/1", "scene": "a.tif"}),
        (["registration"], {"segmenter_name": "mine"}),
        (["inference", "mapping"], {"chips": "folder", "scene": "a.tif"}),
        (["inference", "mapping"], {"imagery": {"offset": -0.1}}),
        (["acquisition"], {"acquisition": {"start": "2023-01-01", "regions": {"a": [0, 0, 1, 1]}}}),
        (["acquisition"], {"compositing": {"clear_sky": {"source": "csmask"}}}),
        (["compositing"], {"acquisition": {"offset": -0.1, "minimum_dates": 1}, "compositing": {"method": "mean"}}),
        (["training"], {"segmentation": {"windows": {"crop": 64}}}),
    ],
)
def test_parameters_with_effect(names: list[str], given: dict[str, Any]) -> None:
    refuse_in(names, **given)


@pytest.mark.parametrize(("value", "said"), [(7, "is 7, which was read as a number"), (True, "True"), ("", "is empty")])
def test_numbers_as_paths(value: object, said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        refuse_numbers({"chips": value}, ["chips"])
