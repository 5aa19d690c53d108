"""Weights that can't be read end a run before anything is trained."""

from pathlib import Path
from typing import Any

import pytest
from kedro.config import OmegaConfigLoader
from kedro.framework.project import configure_project, pipelines
from kedro.pipeline import Pipeline

from conftest import PROJECT
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.hooks.first_weights import named_weights
from mining_the_mines.models.weight_sources import check_readable
from mining_the_mines.settings import CONFIG_LOADER_ARGS

pytestmark = pytest.mark.filterwarnings("ignore:register_new_resolver")


def weights_of(pipeline: str, **given: Any) -> set[str]:
    """Weights that a pipeline of the default environment starts from."""
    configure_project("mining_the_mines")
    whole: Pipeline = pipelines[pipeline]
    parameters = OmegaConfigLoader(str(PROJECT / "conf"), runtime_params=given, **CONFIG_LOADER_ARGS)["parameters"]
    inputs = {f"{name.removeprefix('params:')}." for name in whole.inputs() if name.startswith("params:")}
    return {*named_weights(parameters, inputs)}


def test_weights_that_a_run_starts_from() -> None:
    given = {"segmentation": {"training": {"network": {"pretrained": "w.pth"}}}, "features": {"encoder": "e.pt"}}
    assert weights_of("__default__", **given) == {"simulated", "w.pth", "e.pt"}
    assert weights_of("segmentation", **given) == {"w.pth"}
    assert weights_of("mapping", **given) == set()


@pytest.mark.parametrize("weights", ["simulated", "imagenet", "csmask4"])
def test_names(weights: str) -> None:
    check_readable(weights)


def test_pickle(tmp_path: Path) -> None:
    (tmp_path / "w.pt").write_bytes(b"\x80\x04.")
    with pytest.raises(BadInputError, match=r"w\.pt holds objects other than tensors"):
        check_readable(str(tmp_path / "w.pt"))
