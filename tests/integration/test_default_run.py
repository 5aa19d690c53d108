"""What `kedro run` leaves behind, at a small size."""

import io
import json
import pickle
import pickletools
import re
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import mlflow
import pandas as pd
import pytest
import rasterio
import yaml
from click.testing import Result
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from mlflow.entities import Run

from mining_the_mines.cli.scored_runs import read_scored_run
from mining_the_mines.reporting.page import without_run_facts
from mining_the_mines.scoring.bootstrap import BootstrapSettings
from mining_the_mines.scoring.run_comparison import compare_runs
from mining_the_mines.tracking.runs import find_run
from mining_the_mines.tracking.store import RunStore
from support.projects import SMALL, command, newest, run

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def project(default_project: Path) -> Path:
    """A project in which everything has run."""
    return default_project


@pytest.fixture(scope="module")
def again(project: Path) -> Result:
    """Output of `kedro reproduce` for that run."""
    return command(project, "reproduce", "LAST", "--keep")


@pytest.fixture(scope="module")
def elsewhere(project: Path, again: Result) -> Path:
    """The project beside the project, in which that run was repeated."""
    assert again.exit_code == 0, again.output
    [folder] = (project / "data/reproductions").glob("*/project")
    return folder


@pytest.fixture(scope="module")
def runs(project: Path, again: Result) -> list[Run]:
    """Both runs and their child runs in MLflow, the first run first."""
    assert again.exit_code == 0, again.output
    client = mlflow.MlflowClient(f"sqlite:///{project}/data/mlflow/mlflow.db")
    experiment = client.get_experiment_by_name("mining_the_mines")
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id], order_by=["attributes.start_time ASC"]))


def parents(runs: list[Run]) -> list[Run]:
    return [run for run in runs if "mlflow.parentRunId" not in run.data.tags]


def test_repeated_run_is_equal(again: Result) -> None:
    assert "EQUAL" in again.output
    assert "different" not in again.output
    for what in ("metrics", "files"):
        count = re.search(rf"(\d+)\s+of\s+(\d+)\s+{what}", again.output)
        assert count is not None
        assert count[1] == count[2] != "0"


def test_only_nodes_of_the_registry_are_not_repeated(again: Result) -> None:
    told = " ".join(again.output.split())
    names = re.search(r"Not repeated, since they read or change the model registry: (.+?)\. EQUAL", told)
    tasks, decided = (
        ("classification", "segmentation"),
        ("fetch_champion", "compare_with_champion", "register_model"),
    )
    assert names is not None
    assert set(names[1].split(", ")) == {f"{task}.{node}" for task in tasks for node in decided}


def test_the_new_run_names_the_one_that_it_repeats(runs: list[Run]) -> None:
    old, new = parents(runs)[:2]
    assert (new.data.tags["reproduces"], new.data.tags["reproduction"]) == (old.info.run_id, "equal")


#: Kedro's folder of a version.
VERSION = re.compile(r"(?<=/)\d{4}-\d\d-\d\dT[\d.]+Z/")
#: What tells of runs, not of data: which there were, and when.
OF_RUNS = {"mlflow", "ledger", "reproductions"}
#: What changes the registry of models, or depends on what is there, is not done again.
REGISTERED = (
    "06_models/registered/",
    "08_reporting/classification_promotion.json/",
    "08_reporting/classification_registered.json/",
    "08_reporting/segmentation_promotion.json/",
    "08_reporting/segmentation_registered.json/",
)
#: Tells which run checkpoints belong to.
WHOSE = "checkpoints/fingerprint.json"


def contents(project: Path) -> dict[str, bytes]:
    """What the newest version of each file holds, but for what a report says of its run."""
    files = [path for path in sorted((project / "data/simulated").rglob("*")) if path.is_file()]
    named = {VERSION.sub("", path.relative_to(project / "data/simulated").as_posix()): path for path in files}
    kept = {name: path.read_bytes() for name, path in named.items() if name.split("/")[0] not in OF_RUNS}
    kept = {name: content for name, content in kept.items() if not name.endswith(WHOSE)}
    page = "08_reporting/report.html/report.html"
    return kept | {page: without_run_facts(kept[page].decode()).encode()}


def test_the_same_run_in_another_folder_writes_the_same_bytes(project: Path, elsewhere: Path) -> None:
    here, there = contents(project), contents(elsewhere)
    here = {name: held for name, held in here.items() if not name.startswith(REGISTERED)}
    assert set(here) == set(there)
    packages = {name for name in there if name.split("/")[1] in ("classification_package", "segmentation_package")}
    assert {name.rsplit("/", 1)[-1] for name in packages} >= {"model.pt2", "mlm_item.json", "model_card.md", "MLmodel"}
    assert len(here) > 300
    assert [name for name in here if here[name] != there[name]] == []


def test_no_file_says_in_which_folder_it_was_written(elsewhere: Path) -> None:
    place = str(elsewhere).encode()
    assert [name for name, content in contents(elsewhere).items() if place in content] == []


def test_nothing_that_a_run_has_written_is_read_through_a_pickle(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpickled: list[str] = []
    watching = True

    def watch(event: str, _arguments: object) -> None:
        if watching and event == "pickle.find_class":
            caller = traceback.extract_stack(limit=2)[0]
            unpickled.append(f"{caller.filename}:{caller.name}")

    sys.addaudithook(watch)  # it can't be removed
    monkeypatch.chdir(elsewhere)
    bootstrap_project(elsewhere)
    with KedroSession.create(elsewhere, runtime_params=SMALL) as session:
        assert isinstance(session, KedroSession)
        catalog = session.load_context().catalog
        names = [name for name in catalog.keys() if not name.startswith("param") and catalog.exists(name)]  # noqa: SIM118
        for name in names:
            catalog.load(name)
    watching = False
    assert {"classification.classifier", "segmentation.segmenter", "classification.models", "scene_maps"} <= set(names)
    # Dask names functions by pickling them to memory and reading that; no file has a part in it.
    assert [stack for stack in unpickled if "dask/tokenize.py:_normalize_pickle" not in stack] == []


def test_the_chips_are_cut_from_composites_that_say_what_they_are_of(project: Path) -> None:
    scenes = pd.read_csv(newest(project, "scenes.csv"), dtype={"baseline": str})
    assert set(scenes["baseline"]) >= {"03.01", "04.00"}
    path = next((project / "data/simulated/02_intermediate/chips/images").glob("tapajos_*.tif"))
    with rasterio.open(path) as chip:
        assert chip.tags()["REGION"] == "tapajos"
        assert set(chip.tags()["DATES"].split()) <= set(scenes.loc[scenes["region"] == "tapajos", "datetime"].str[:10])


def test_scenes_that_were_left_out_are_listed_with_their_reason(project: Path) -> None:
    left_out = pd.read_csv(newest(project, "left_out_scenes.csv"))
    assert left_out["reason"].str.contains("processed again").any()


def test_one_region_is_kept_for_testing(project: Path) -> None:
    folds = pd.read_csv(newest(project, "folds.csv"))
    assert set(folds.loc[folds["split"] == "test", "place"].str.split("/").str[0]) == {"madre_de_dios"}
    assert "madre_de_dios" not in set(folds.loc[folds["split"] == "train", "place"].str.split("/").str[0])


def test_every_model_is_scored_on_both_splits_with_intervals(project: Path) -> None:
    scores = pd.read_csv(newest(project, "scores.csv"))
    auc = scores[(scores["metric"] == "roc_auc") & scores["category_excluded"].isna()]
    parameters = yaml.safe_load((project / "conf/base/parameters_classification.yml").read_text(encoding="utf-8"))
    models = [*parameters["classification"]["models"], "blend"]
    expected = {(split, model) for split in ("out-of-fold", "test") for model in models}
    assert set(zip(auc["split"], auc["model"], strict=True)) == expected
    assert (auc["low"] <= auc["value"]).all()
    assert (auc["value"] <= auc["high"]).all()


def test_no_place_is_in_two_folds_or_in_the_test_split_too(project: Path) -> None:
    folds = pd.read_csv(newest(project, "folds.csv"))
    folds["part"] = folds["fold"].fillna(-1)
    assert not folds[["place", "part"]].drop_duplicates()["place"].duplicated().any()


def test_unlabelled_chips_get_a_probability_and_a_decision(project: Path) -> None:
    predictions = pd.read_csv(newest(project, "predictions.csv"))
    assert len(predictions) == len(list((project / "data/simulated/02_intermediate/chips/unlabelled").iterdir())) > 0
    assert predictions["probability"].between(0, 1).all()
    assert set(predictions["label"]) <= {0, 1}


def test_segmentation_of_unlabelled_chips(project: Path) -> None:
    folder = newest(project, "segmented_chips")
    table = pd.read_csv(folder / "chips.csv")
    assert len(table) == len(list((project / "data/simulated/02_intermediate/chips/unlabelled").iterdir())) > 0
    assert table["error"].isna().all()
    for name in table["filename"]:
        with rasterio.open(folder / "masks" / name) as mask, rasterio.open(folder / "probabilities" / name) as maps:
            assert (mask.crs, mask.transform, mask.shape) == (maps.crs, maps.transform, maps.shape)
            assert maps.crs.is_projected


def test_masks_lie_on_their_chips(project: Path) -> None:
    chips = project / "data/simulated/02_intermediate/chips/images"
    masks = sorted((project / "data/simulated/03_primary/masks/rasters").iterdir())
    assert {path.name for path in masks} == set(pd.read_csv(newest(project, "folds.csv"))["filename"])
    for path in masks[:5]:
        with rasterio.open(path) as mask, rasterio.open(chips / path.name) as chip:
            assert (mask.crs, mask.transform, mask.shape) == (chip.crs, chip.transform, chip.shape)


def test_segmenter_is_scored_on_both_splits_beside_the_classifier(project: Path) -> None:
    scores = pd.read_csv(newest(project, "segmentation_scores.csv")).set_index(["split", "metric"])["value"]
    assert {("test", "iou"), ("out-of-fold", "boundary_f1"), ("test", "area_bias_hectares")} <= set(scores.index)
    beside = pd.read_csv(newest(project, "chip_classification_scores.csv"))
    chosen = json.loads(newest(project, "decision.json").read_text())["chosen"]
    assert set(beside["model"]) == {"segmenter", chosen}


def test_the_report_opens_offline(project: Path) -> None:
    report = newest(project, "report.html").read_text(encoding="utf-8")
    assert "<html" in report
    assert 'src="http' not in report
    assert 'href="http' not in report


def test_each_run_is_a_parent_with_a_child_for_every_fold(runs: list[Run]) -> None:
    for parent in parents(runs)[:2]:
        children = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
        names = [f"{model}, fold {fold}" for model in ("network", "segmenter") for fold in (0, 1)]
        assert sorted(run.info.run_name for run in children) == names
        assert {run.info.status for run in [parent, *children]} == {"FINISHED"}


def test_child_runs_hold_the_loss_of_every_epoch(project: Path, runs: list[Run]) -> None:
    client = mlflow.MlflowClient(f"sqlite:///{project}/data/mlflow/mlflow.db")
    child = next(run for run in runs if run.info.run_name == "segmenter, fold 0")
    assert len(client.get_metric_history(child.info.run_id, "training_loss")) == 2


def test_a_run_tells_its_parameters_code_data_and_scores(runs: list[Run]) -> None:
    parent = parents(runs)[0]
    assert parent.data.params["classification.models.network.network.architecture"] == "test_maxvit"
    assert parent.data.params["folds.folds"] == "2"
    assert {"git_commit", "git_dirty", "data_hash"} <= set(parent.data.tags)
    assert "test/blend/roc_auc" in parent.data.metrics
    assert {"test/segmenter/iou", "out-of-fold/segmenter/iou/low"} <= set(parent.data.metrics)
    assert "out-of-fold/network/f1/low" in parent.data.metrics


def test_the_report_is_among_the_artifacts_of_a_run(project: Path, runs: list[Run]) -> None:
    client = mlflow.MlflowClient(f"sqlite:///{project}/data/mlflow/mlflow.db")
    folders = (None, "classification", "segmentation")
    key = parents(runs)[0].info.run_id
    names = {item.path for folder in folders for item in client.list_artifacts(key, folder)}
    assert {"report.html", "manifest.csv", "classification/scores.csv"} <= names
    assert {"classification/scored_predictions.csv", "segmentation/segmentation_chip_scores.csv"} <= names


def test_equal_runs_are_compared_as_the_same(project: Path, runs: list[Run]) -> None:
    store = RunStore(f"sqlite:///{project}/data/mlflow/mlflow.db", "mining_the_mines")
    found = [read_scored_run(find_run(run.info.run_id, store)) for run in parents(runs)[:2]]
    comparison = compare_runs(found, BootstrapSettings(resamples=20))
    assert {pair.task for pair in comparison.pairs} == {"classification", "segmentation"}
    assert all(pair.same for pair in comparison.pairs)
    assert comparison.parameters.empty


def test_an_older_version_can_be_loaded_again(project: Path) -> None:
    [whole] = (project / "data/simulated/06_models/classifier").iterdir()
    newer = whole.with_name("2099-01-01T00.00.00.000Z") / "classifier"
    newer.mkdir(parents=True)  # nothing is in it
    before = newest(project, "predictions.csv")
    try:
        run(project, ["inference"], parameters={}, load_versions={"classification.classifier": whole.name})
    finally:
        newer.rmdir()
        newer.parent.rmdir()
    assert newest(project, "predictions.csv") != before
    assert newest(project, "predictions.csv").read_bytes() == before.read_bytes()


def members(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """A file and, if it is a ZIP archive by whatever name, all that is in it."""
    yield name, content
    if content.startswith(b"PK"):
        with ZipFile(io.BytesIO(content)) as archive:
            for member in archive.namelist():
                yield from members(f"{name}/{member}", archive.read(member))


def is_pickle(content: bytes) -> bool:
    """Whether it begins as pickles do since protocol 2, or reads as one of the older ones to its last byte."""
    if not content.startswith(b"\x80") and not content.endswith(pickle.STOP):
        return False
    try:
        *_, (_, _, end) = pickletools.genops(content)
    except ValueError:  # no such instruction
        return False
    return (content[:1] == b"\x80" and content[1] in range(2, 6)) or end == len(content) - 1


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_is_known_in_whatever_it_is_hidden(protocol: int) -> None:
    hidden = io.BytesIO()
    with ZipFile(hidden, "w") as archive:
        archive.writestr("weights", pickle.dumps({"a": [1.5, "b"]}, protocol))
        archive.writestr("notes.json", json.dumps({"a": [1.5, "b"]}))
    outer = io.BytesIO()
    with ZipFile(outer, "w") as archive:
        archive.writestr("inner", hidden.getvalue())
    found = [name for name, content in members("model.pt2", outer.getvalue()) if is_pickle(content)]
    assert found == ["model.pt2/inner/weights"]


def test_nothing_that_is_saved_is_a_pickle(project: Path) -> None:
    files = [path for path in (project / "data").rglob("*") if path.is_file()]
    # Checkpoints are Lightning's, for going on with a training on the same machine; they are read as weights only.
    kept = [path for path in files if not any(part.endswith("checkpoints") for part in path.parts)]
    assert {"model.pt2", "weights.safetensors"} <= {path.name for path in kept}
    within = ((name, content) for path in kept for name, content in members(str(path), path.read_bytes()))
    assert [name for name, content in within if name.endswith((".pkl", ".pickle")) or is_pickle(content)] == []
