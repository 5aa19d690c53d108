"""Every environment in ``conf/`` fits together: tasks, pipelines, parameters and catalog."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kedro.config import OmegaConfigLoader
from kedro.framework.context import KedroContext
from kedro.framework.hooks.specs import DataCatalogSpecs
from kedro.framework.project import configure_project, pipelines
from pluggy import PluginManager

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.hooks.task_selection import TaskSelection, read_tasks
from mining_the_mines.pipelines.tasks import CLASSIFICATION, SEGMENTATION, TASKS
from mining_the_mines.settings import CONFIG_LOADER_ARGS

PROJECT = Path(__file__).parents[1]
#: What each environment asks about its chips.
ENVIRONMENTS = {
    "base": {CLASSIFICATION, SEGMENTATION},
    "archive": {CLASSIFICATION, SEGMENTATION},
    "solafune": {CLASSIFICATION},
    "amazon_mines": {CLASSIFICATION},
    "tailings_dams": {SEGMENTATION},
}


@pytest.fixture(autouse=True)
def _registered() -> Iterator[None]:
    """Pipelines as they are before any environment is chosen, and again afterwards."""
    configure_project("mining_the_mines")
    yield
    configure_project("mining_the_mines")


def choose(env: str, **parameters: object) -> KedroContext:
    """An environment as ``kedro run`` opens it, but for tracking."""
    options: dict[str, Any] = {**CONFIG_LOADER_ARGS, "runtime_params": parameters}
    loader = OmegaConfigLoader(str(PROJECT / "conf"), env=env, **options)
    hooks = PluginManager("kedro")
    hooks.add_hookspecs(DataCatalogSpecs)
    context = KedroContext(PROJECT, loader, env, "mining_the_mines", hooks)
    TaskSelection().after_context_created(context)
    return context


def tasks_of(name: str) -> set[str]:
    """The tasks among the namespaces of a pipeline's nodes."""
    return {node.namespace for node in pipelines[name].nodes if node.namespace is not None} & {*TASKS}


def test_every_environment_is_known_here() -> None:
    assert {path.name for path in (PROJECT / "conf").iterdir() if path.is_dir()} == {*ENVIRONMENTS, "local"}


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_pipelines_hold_the_tasks_of_their_environment_only(env: str) -> None:
    choose(env)
    assert tasks_of("__default__") == ENVIRONMENTS[env]
    for name in ("training", "evaluation", "inference", "reporting"):
        assert tasks_of(name) == ENVIRONMENTS[env]


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_whatever_a_whole_run_reads_is_in_the_catalog(env: str) -> None:
    catalog = choose(env).catalog
    for name in pipelines["__default__"].inputs():
        assert name in catalog


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_the_catalog_of_every_environment_can_be_built(env: str) -> None:
    catalog = choose(env).catalog
    built = {name: catalog.get(name) for name in catalog.keys()}  # noqa: SIM118 - a catalog is no mapping
    assert {"raw_chips", "folds", "segmentation.masks", "report"} <= set(built)


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_what_a_pipeline_leaves_for_another_is_kept_in_a_file(env: str) -> None:
    catalog = choose(env).catalog
    for name, pipeline in pipelines.items():
        borrowed = pipeline.inputs() & pipelines["__default__"].all_outputs()
        assert not [dataset for dataset in borrowed if dataset not in catalog], name


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_the_parameters_of_every_environment_are_valid(env: str) -> None:
    parameters: dict[str, Any] = choose(env).params
    for task in ENVIRONMENTS[env]:
        assert parameters[task]["training"].epochs > 0


@pytest.mark.parametrize("env", ["amazon_mines", "solafune", "tailings_dams"])
def test_chips_that_were_handed_over_need_no_scenes(env: str) -> None:
    choose(env)
    assert not pipelines["acquisition"].nodes
    assert not pipelines["compositing"].nodes
    assert "raw_chips" in pipelines["__default__"].inputs()


def test_only_the_default_simulates_scenes() -> None:
    choose("base")
    assert "simulated_series" in pipelines["__default__"].inputs()
    choose("archive")
    assert "simulated_series" not in pipelines["__default__"].inputs()
    choose("base", acquisition={"source": "planetary-computer"})
    assert "simulated_series" not in pipelines["__default__"].inputs()


@pytest.mark.parametrize("env", ["base", "archive"])
def test_a_report_on_composites_joins_the_others(env: str) -> None:
    choose(env)
    assert "reporting.describe_composites" in {node.name for node in pipelines["reporting"].nodes}


def test_one_task_can_be_chosen_where_there_are_two() -> None:
    choose("base", tasks="segmentation")
    assert tasks_of("__default__") == {SEGMENTATION}
    assert not pipelines["feature_extraction"].nodes


def test_a_task_that_does_not_exist_stops_the_run_at_its_start() -> None:
    with pytest.raises(BadInputError, match=r"^The parameter tasks is 'outlines': name classification or segmentation"):
        choose("base", tasks="outlines")


@pytest.mark.parametrize(
    ("value", "tasks"),
    [
        ("segmentation", (SEGMENTATION,)),
        (["classification"], (CLASSIFICATION,)),
        (["segmentation", "classification"], TASKS),
        (TASKS, TASKS),
    ],
)
def test_tasks_are_one_name_or_several_in_any_order(value: object, tasks: tuple[str, ...]) -> None:
    assert read_tasks(value) == tasks


@pytest.mark.parametrize("value", [[], "", "outlines", ["segmentation", "outlines"], None, 2, {"segmentation": False}])
def test_what_names_no_task_is_told_in_one_sentence(value: object) -> None:
    with pytest.raises(BadInputError) as told:
        read_tasks(value)
    assert str(told.value) == f"The parameter tasks is {value!r}: name classification or segmentation, or both."
