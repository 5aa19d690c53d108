"""Every environment in ``conf/`` fits the pipelines, and says which of them its data allow."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from kedro.config import OmegaConfigLoader
from kedro.framework.context import KedroContext
from kedro.framework.hooks.specs import DataCatalogSpecs
from kedro.framework.project import configure_project, pipelines
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from pluggy import PluginManager

from mining_the_mines.core.errors import BadInputError
from mining_the_mines.hooks.absent_data import AbsentData
from mining_the_mines.settings import CONFIG_LOADER_ARGS

PROJECT = Path(__file__).parents[1]
PREBUILT = {"solafune": "classification", "amazon_mines": "classification", "tailings_dams": "segmentation"}
ENVIRONMENTS = ("base", "archive", *PREBUILT)
STAGES = (
    "acquisition", "compositing", "preprocessing", "feature_extraction", "training", "evaluation", "registration",
    "inference", "mapping", "sampling", "area_estimation", "monitoring", "reporting",
)  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def _registered() -> None:
    configure_project("mining_the_mines")


def load(env: str, polygons: str | None = None) -> OmegaConfigLoader:
    """The configuration of an environment."""
    given = {} if polygons is None else {"polygons": polygons}
    options: dict[str, Any] = {**CONFIG_LOADER_ARGS, "runtime_params": given}
    return OmegaConfigLoader(str(PROJECT / "conf"), env=env, **options)


@cache
def choose(env: str, polygons: str | None = None) -> KedroContext:
    """An environment as ``kedro run`` opens it, but for its hooks."""
    loader = load(env, polygons)
    hooks = PluginManager("kedro")
    hooks.add_hookspecs(DataCatalogSpecs)
    return KedroContext(PROJECT, loader, env, "mining_the_mines", hooks)


@cache
def catalog_of(env: str, polygons: str | None = None) -> DataCatalog:
    """The catalog of an environment."""
    catalog = choose(env, polygons).catalog
    assert isinstance(catalog, DataCatalog)
    return catalog


def check(env: str, pipeline: Pipeline, polygons: str | None = None) -> None:
    """Begin a run as far as the check of its data."""
    AbsentData().before_pipeline_run({"env": env}, pipeline, catalog_of(env, polygons))


def test_every_environment_is_known_here() -> None:
    assert {path.name for path in (PROJECT / "conf").iterdir() if path.is_dir()} == {*ENVIRONMENTS, "local"}


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_catalog_and_parameters(env: str) -> None:
    catalog = catalog_of(env)
    for pipeline in pipelines.values():
        for name in {*pipeline.inputs(), *(pipeline.inputs() & pipelines["__default__"].all_outputs())}:
            assert name in catalog, name
    built = {name: catalog.get(name) for name in catalog.keys()}  # noqa: SIM118 - a catalog is no mapping
    assert {"raw_chips", "folds", "segmentation.masks", "report"} <= set(built)
    assert choose(env).params["segmentation"]["training"].epochs > 0


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_own_data_folder(env: str) -> None:
    config = load(env)["catalog"]
    own = "data/simulated/" if env == "base" else f"data/{env}/"
    shared = ("data/01_raw/",)  # raw data of people
    for name, entry in config.items():
        for key in ("filepath", "beside", "composites", "assets", "fetched"):
            path = str(entry.get(key) or "") if isinstance(entry, dict) else ""
            assert not path.startswith("data/") or path.startswith((own, *shared)), name


def test_default_is_all_stages() -> None:
    nodes = {node.name for name in STAGES for node in pipelines[name].nodes}
    assert {node.name for node in pipelines["__default__"].nodes} == nodes
    others = {
        "classification", "segmentation", "coarse_mapping", "pretraining", "adaptation", "evidence",
        "period_sampling", "student", "corrections",
    }  # fmt: skip
    assert {*pipelines} == {*STAGES, "__default__", *others}


def test_ways_together() -> None:
    both = pipelines["classification"] + pipelines["segmentation"]
    assert {"classification.report", "segmentation.report"} <= both.all_outputs()


@pytest.mark.parametrize("task", ["classification", "segmentation"])
def test_training_of_one_task_leaves_the_other_alone(task: str) -> None:
    made = pipelines["training"].only_nodes_with_namespaces([task]).outputs()
    assert made
    assert {name for name in made if not name.startswith(f"{task}.")} == set()


@pytest.mark.parametrize("name", ["__default__", *STAGES])
def test_the_simulation_allows_everything(name: str) -> None:
    check("base", pipelines[name])


@pytest.mark.parametrize("env", PREBUILT)
def test_prebuilt_chips_allow_their_task(env: str) -> None:
    way = pipelines[PREBUILT[env]]
    check(env, way)
    for tag in ("preprocessing", "training", "evaluation", "registration", "inference", "reporting"):
        check(env, way.only_nodes_with_tags(tag))
    check(env, pipelines["mapping" if PREBUILT[env] == "segmentation" else "coarse_mapping"])


@pytest.mark.parametrize("env", PREBUILT)
@pytest.mark.parametrize("name", ["__default__", *STAGES])
def test_prebuilt_chips_refuse_the_rest(env: str, name: str) -> None:
    mapped = {("tailings_dams", stage) for stage in ("mapping", "monitoring", "sampling", "area_estimation")}
    if (env, name) in mapped | {("solafune", "feature_extraction"), ("amazon_mines", "feature_extraction")}:
        check(env, pipelines[name])
        return
    with pytest.raises(BadInputError, match=rf"^conf/{env} has chips .*: take kedro run --env={env} --pipelines="):
        check(env, pipelines[name])


def test_an_archive_needs_polygons_to_train() -> None:
    check("archive", pipelines["acquisition"] + pipelines["compositing"])
    check("archive", pipelines["__default__"], polygons="mines.gpkg")
    with pytest.raises(BadInputError, match=r"^Training needs polygons of mines, .* --params=polygons=FILE"):
        check("archive", pipelines["__default__"])
    cut = pipelines["acquisition"] + pipelines["compositing"]
    with pytest.raises(BadInputError, match=r"^Training needs polygons of mines, "):
        check("archive", cut + pipelines["classification"])
    check("archive", cut + pipelines["classification"], polygons="mines.gpkg")
    check("archive", pipelines["classification"])  # the chips were cut and labelled before


@pytest.mark.parametrize("way", ["__default__", "classification", "segmentation", "coarse_mapping"])
def test_names_and_docstrings_of_nodes(way: str) -> None:
    for node in pipelines[way].nodes:
        words = (node.name.rpartition(".")[2]).split("_")
        assert len(words) >= 2
        assert all(word.isalpha() and word.islower() for word in words)
        sentence = (node.func.__doc__ or "").split("\n\n")[0]
        assert sentence.endswith(".")
        assert len(sentence.split()) >= 5


def test_polygons_are_read_before_scenes_are_chosen() -> None:
    names = [node.func.__name__ for node in pipelines["__default__"].nodes]
    assert names.index("simulate_archive") < names.index("check_polygons") < names.index("select_scenes")
