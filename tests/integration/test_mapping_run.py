"""What `kedro run --pipelines=mapping` leaves behind, after a default run at a small size."""

import json
import shutil
from pathlib import Path

import geopandas as gpd
import mlflow
import pandas as pd
import pytest
import rasterio
from rio_cogeo.cogeo import cog_validate

from mining_the_mines.models.predictor import ModelSource
from support.projects import SMALL, command, copy_project, newest, run

pytestmark = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def project(default_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of a project in which everything has run, mapped again.

    Its network has learnt next to nothing, so that all ground has to count.
    """
    project = Path(shutil.copytree(default_project, tmp_path_factory.mktemp("mapped") / "project"))
    run(
        project,
        ["mapping", "reporting"],
        parameters={**SMALL, "mapping": {"model": "ensemble", "vectors": {"seed": 0.0}}},
    )
    return project


@pytest.fixture(scope="module")
def lineage_id(project: Path) -> str:
    """Attribute of every polygon of the map."""
    mines = gpd.read_file(maps(project) / "madre_de_dios/mines.gpkg", layer="mines")
    (lineage_id,) = set(mines["lineage_id"])
    return str(lineage_id)


def maps(project: Path) -> Path:
    return project / "data/simulated/07_model_output/maps"


def test_the_region_that_no_model_has_seen_is_mapped_and_no_other(project: Path) -> None:
    assert [path.name for path in maps(project).iterdir() if path.is_dir()] == ["madre_de_dios"]


def test_the_raster_is_a_cog_on_the_composites_own_grid(project: Path) -> None:
    path = maps(project) / "madre_de_dios/probability.tif"
    valid, errors, _ = cog_validate(path)
    assert valid, errors
    with (
        rasterio.open(path) as made,
        rasterio.open(project / "data/simulated/02_intermediate/composites/madre_de_dios.tif") as seen,
    ):
        assert (made.crs, made.transform, made.shape) == (seen.crs, seen.transform, seen.shape)
        assert made.tags()["MODEL"] == "mine-segmenter"


def test_the_polygons_say_which_model_and_which_dates_they_come_from(project: Path) -> None:
    mines = gpd.read_file(maps(project) / "madre_de_dios/mines.gpkg", layer="mines")
    assert mines.geometry.is_valid.all()
    model = ModelSource(newest(project, "segmenter")).content_hash()
    assert set(mines["model_version"]) == {model[:12]}
    assert {"first_date", "last_date", "clear_dates", "review", "concession"} <= set(mines.columns)


def test_lineage_of_a_polygon(project: Path, lineage_id: str) -> None:
    mines = gpd.read_file(maps(project) / "madre_de_dios/mines.gpkg", layer="mines")
    told, values = (command(project, "lineage", lineage_id, *options) for options in ((), ("--json",)))
    assert told.exit_code == values.exit_code == 0
    assert f"{lineage_id}, the map of madre_de_dios" in told.stdout
    assert "Doubts   none: all files" in told.stdout
    answer = json.loads(values.stdout[values.stdout.index("{\n") :])
    assert answer["answer"]["images"]["scenes"]
    assert {image["region"] for image in answer["answer"]["images"]["scenes"]} == {"madre_de_dios"}
    models = {model["version"]: model for model in answer["answer"]["models"]}  # of the segmenter and its student
    (version,) = set(mines["model_version"])
    assert set(models[version]["learned_from"]) == {"tapajos", "copperbelt"}
    assert not [step for step in answer["steps"].values() if step["kind"] == "unrecorded" or step["remark"]]


def test_the_map_is_scored_and_the_scores_are_tracked(project: Path) -> None:
    scores = pd.read_csv(newest(project, "map_scores.csv"))
    assert "object_f1" in set(scores["metric"])
    client = mlflow.MlflowClient(f"sqlite:///{project}/data/mlflow/mlflow.db")
    experiments = [each.experiment_id for each in client.search_experiments()]  # a copy begins one of its own
    found = client.search_runs(experiments)
    parent = next(run for run in found if run.info.run_name == "mapping+reporting")
    assert "map/object_recall" in parent.data.metrics
    assert {"map.html", "map_list.csv"} <= {item.path for item in client.list_artifacts(parent.info.run_id)}


def test_the_report_shows_the_map(project: Path) -> None:
    assert 'id="maps"' in newest(project, "report.html").read_text(encoding="utf-8")


def test_a_named_scene_is_mapped_with_the_reference_that_comes_with_it(project: Path, tmp_path: Path) -> None:
    scene = tmp_path / "anywhere.tif"
    shutil.copy(project / "data/simulated/02_intermediate/composites/tapajos.tif", scene)
    reference = str(project / "data/simulated/01_raw/archive/mines.gpkg")
    run(project, ["mapping"], parameters={**SMALL, "scene": str(scene), "reference": reference})
    listed = pd.read_csv(newest(project, "map_list.csv"))
    assert list(listed["scene"]) == ["anywhere"]
    assert (maps(project) / "anywhere/mines.parquet").is_file()
    scores = pd.read_csv(newest(project, "map_scores.csv"))
    assert scores.loc[scores["metric"] == "references", "value"].max() > 0


def test_a_scene_of_the_archive_is_mapped_by_its_item(project: Path) -> None:
    item = sorted((project / "data/simulated/01_raw/archive/sentinel-2-l2a").rglob("S2*.json"))[0]
    run(project, ["mapping"], parameters={**SMALL, "scene": str(item)})
    mines = gpd.read_parquet(maps(project) / item.stem / "mines.parquet")
    assert mines.crs is not None


def test_a_registered_model_maps_where_none_was_ever_trained_and_lineage_says_which(
    project: Path, tmp_path: Path
) -> None:
    clone = copy_project(tmp_path / "clone")
    shutil.copytree(project / "data/mlflow", clone / "data/mlflow")
    scene = {"scene": str(project / "data/simulated/02_intermediate/composites/tapajos.tif")}
    run(clone, ["mapping"], parameters={**SMALL, **scene, "segmenter": "models:/mine-segmenter/1"})
    assert list(pd.read_csv(newest(clone, "map_list.csv"))["model_version"]) == ["mine-segmenter 1"]
    assert not (clone / "data/simulated/06_models/segmenter").exists()
    told, values = (command(clone, "lineage", "scene_maps", *options) for options in ((), ("--json",)))
    assert "registered as mine-segmenter 1" in told.stdout
    (model,) = json.loads(values.stdout[values.stdout.index("{\n") :])["answer"]["models"]
    assert (model["registered"], model["now"], model["trained_in"]) == ("mine-segmenter 1", "as recorded", [])
    assert model["path"].startswith("data/simulated/06_models/registered/mine-segmenter/1-")
    again = command(clone, "reproduce", "LAST")
    assert again.exit_code == 0, again.output


def test_a_classifier_alone_makes_a_coarse_map(project: Path) -> None:
    scene = str(project / "data/simulated/02_intermediate/composites/copperbelt.tif")
    run(project, ["coarse_mapping"], parameters={**SMALL, "scene": scene})
    with rasterio.open(maps(project) / "copperbelt/probability.tif") as made:
        assert "coarse" in made.descriptions[0]
