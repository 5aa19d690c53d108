"""``docs/parameters.md`` lists every parameter, and every parameter is read."""

import importlib.util
from types import ModuleType

import pytest
from kedro.config import OmegaConfigLoader

from conftest import PROJECT
from mining_the_mines.core.dotted_names import flatten
from mining_the_mines.hooks.given_parameters import known_parameters, refuse_unknown
from mining_the_mines.settings import CONFIG_LOADER_ARGS

pytestmark = pytest.mark.filterwarnings("ignore:register_new_resolver")


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """The script that writes the page."""
    spec = importlib.util.spec_from_file_location("generate_parameters", PROJECT / "docs/generate_parameters.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_page_is_current(generator: ModuleType) -> None:
    written = (PROJECT / "docs/parameters.md").read_text(encoding="utf-8")
    assert written == generator.page(), "python docs/generate_parameters.py writes it anew"


def test_every_parameter_is_explained(generator: ModuleType) -> None:
    rows = [*generator.parameter_rows(), *generator.runtime_rows()]
    assert len(rows) > 150
    assert [row.name for row in rows if not row.meaning or not row.kind] == []


@pytest.mark.parametrize("env", ["base", "archive", "solafune", "amazon_mines", "tailings_dams"])
def test_parameters_of_environments(env: str, generator: ModuleType) -> None:
    generator.page()  # registers the pipelines
    loader = OmegaConfigLoader(str(PROJECT / "conf"), env=env, **CONFIG_LOADER_ARGS)
    refuse_unknown(loader["parameters"], known_parameters(loader))
    assert flatten(loader["parameters"])
