"""Images, model and code behind a result, as text and as JSON."""

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from mining_the_mines.core.hashing import ContentHashes
from mining_the_mines.ledger.lineage import Lineage, trace
from mining_the_mines.ledger.lineage_answer import answer
from mining_the_mines.ledger.lineage_subject import find_subject
from mining_the_mines.ledger.lineage_text import describe, draw
from mining_the_mines.ledger.records import CodeState
from support.recorded_runs import (
    RUN,
    START,
    RecordedProject,
    memory,
    record_mapping,
    write_composite,
    write_map,
)
from support.stac_catalogs import series

ORIGIN = "scene_maps:3f2a9c81d0b4"
NAMED = "scene_maps:cccc"


@pytest.fixture
def project(tmp_path: Path) -> RecordedProject:
    return record_mapping(tmp_path)


def ask(project: RecordedProject, asked: str = ORIGIN, depth: int | None = None) -> tuple[Lineage, dict[str, Any]]:
    found = trace(find_subject(asked, project.ledger, project.folder), project.ledger, project)
    return found, answer(found, project.folder, ContentHashes(), project, depth)


def images(project: RecordedProject, asked: str = ORIGIN) -> dict[str, Any]:
    found = ask(project, asked)[1]["answer"]["images"]
    assert found is not None
    return dict(found)


def drawn(lineage: Lineage, depth: int | None = None) -> str:
    console = Console(file=io.StringIO(), width=100)
    console.print(draw(lineage, depth))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def words(project: RecordedProject, asked: str = ORIGIN) -> str:
    """The text on one line."""
    return " ".join(describe(*ask(project, asked)).split())


def test_images_of_a_polygon(project: RecordedProject) -> None:
    found = images(project)
    assert [image["item"] for image in found["scenes"]] == [scene.id for scene in series()]
    first = found["scenes"][0]
    assert (first["moment"], first["platform"]) == ("2022-01-03T14:00:00Z", "sentinel-2a")
    assert (first["collection"], first["address"]) == ("sentinel-2-l2a", "./blue.tif")
    text = words(project)
    assert "4 scenes of sentinel-2-l2a from 2022-01-03 to 2022-01-18" in text
    assert "The scenes are simulated." in text


def test_model_of_a_polygon(project: RecordedProject) -> None:
    (model,) = ask(project)[1]["answer"]["models"]
    assert (model["threshold"], model["trained_in"], model["learned_from"]) == (0.625, [RUN], {"tapajos": 2})
    text = words(project)
    assert "Model mine-segmenter 444cf440cffa, segmentation.segmenter:" in text
    assert "Trained on 2 chips (tapajos 2)." in text


def test_uncommitted_changes(tmp_path: Path) -> None:
    dirty = CodeState(commit="c" * 40, dirty=True, diff_hash="9" * 64, package_hash="d" * 64)
    project = RecordedProject(tmp_path, code=dirty)
    project.record("write", [], [memory("report")])
    assert "uncommitted changes (999999999999); the run keeps them as provenance/working_tree.diff" in words(
        project, "report"
    )


def test_replaced_map(project: RecordedProject) -> None:
    write_map(project, "bb" * 32)
    assert ask(project)[1]["answer"]["map"] is None
    assert len(images(project)["scenes"]) == len(series())
    assert "The folder of the map of tapajos holds another map today, or none." in words(project)


def test_changed_files(project: RecordedProject) -> None:
    project.file("mine_polygons", "other polygons", "data/01_raw/simulated/mines.gpkg")
    doubts = words(project).split("Doubts")[1]
    assert "Changed since: " in doubts
    assert "simulated_series:" in doubts
    assert "mine_polygons:" in doubts


def map_named_raster(project: RecordedProject) -> Path:
    """Record the map of a raster that a user named."""
    raster = project.folder / "anywhere.tif"
    raster.write_bytes(b"other pixels")
    model = next(step for step in ask(project)[0].steps.values() if step.facts.holds == "model")
    project.record("mapping.take_named_scenes", [], [memory("scenes_to_map", "named")])
    maps = write_map(project, "cc" * 32, raster)
    project.record("mapping.map_scenes", [memory("scenes_to_map", "named"), model.state], [maps])
    return raster


def test_named_raster(project: RecordedProject) -> None:
    raster = map_named_raster(project)
    found = images(project, NAMED)
    assert found["raster"]["content_hash"] == ContentHashes().of(raster)
    assert found["scenes"] == []
    assert "Doubts none" in words(project, NAMED)


def test_named_raster_replaced_by_an_older_one(project: RecordedProject) -> None:
    raster = map_named_raster(project)
    then = ContentHashes().of(raster)[:12]
    raster.write_bytes(b"quite other pixels")
    os.utime(raster, (START.timestamp() - 1e6,) * 2)
    text = words(project, NAMED)
    assert f"(SHA-256 {then}, changed since)" in text
    assert text.endswith("Doubts Files of the mapped scene have changed since: anywhere.tif.")


def test_named_raster_gone(project: RecordedProject) -> None:
    map_named_raster(project).unlink()
    text = words(project, NAMED)
    assert ", gone since)" in text
    assert "Files of the mapped scene are gone: anywhere.tif." in text


def test_named_item(project: RecordedProject, tmp_path: Path) -> None:
    item = tmp_path / "item.json"
    item.write_text(json.dumps(series()[1].item()), encoding="utf-8")
    write_composite(project, "dd" * 32, "data/02_intermediate/scene_composites/tapajos")
    image = project.folder / "data/02_intermediate/scene_composites/tapajos/tapajos.tif"
    project.record("mapping.map_scenes", [], [write_map(project, "cc" * 32, image, str(item))])
    assert [(found["item"], found["address"]) for found in images(project, NAMED)["scenes"]] == [
        (series()[1].id, str(item))
    ]
    item.write_text("{", encoding="utf-8")
    assert series()[1].id not in words(project, NAMED)


def estimate(project: RecordedProject) -> Path:
    """An estimate of area from two places that two people have judged; returns the file of their answers."""
    maps = next(found for record in project.ledger.nodes for found in record.outputs if found.dataset == "scene_maps")
    sample = project.file("sample", "places", "data/08_reporting/sample/sample.parquet")
    project.record("sampling.draw_sample", [maps], [sample])
    answers = project.file("review_answers", "answers", "data/01_raw/review_answers.jsonl")
    rows = f"place_id,answer,reviewers,lineage_id\nplace-0,mine,Ana; Bo,{ORIGIN}\nplace-1,no_mine,Ana,{ORIGIN}\n"
    judged = project.file("judged_places", rows, "data/08_reporting/judged_places.csv")
    project.record("area_estimation.judge_places", [sample, answers], [judged])
    estimates = project.file("area_estimates", "areas", "data/08_reporting/area_estimates.csv")
    project.record("area_estimation.estimate_areas", [judged], [estimates])
    return project.folder / str(judged.path)


def test_an_area_leads_to_answers_reviewers_maps_and_images(project: RecordedProject) -> None:
    estimate(project)
    text = words(project, "area_estimates")

    assert "2 judged places, judged_places:" in text
    assert f"answers of Ana (2), Bo (1); drawn from the map {ORIGIN}." in text
    assert "4 scenes of sentinel-2-l2a" in text
    assert "review_answers:" in drawn(ask(project, "area_estimates")[0])


def test_answers_that_changed_since_are_not_counted(project: RecordedProject) -> None:
    estimate(project).write_text("place_id,answer,reviewers,lineage_id\n", encoding="utf-8")

    assert "judged_places.csv have changed or are gone." in words(project, "area_estimates")


def test_tree(project: RecordedProject) -> None:
    lineage, answered = ask(project)
    text = drawn(lineage)
    assert text.count("by compositing.make_composites") == 1
    assert text.count("(above)") > 2
    assert "concessions: none given" in text
    assert "part of simulated_series:" in text
    assert "by segmentation.train_segmenter in pipelines.training.nodes; parameters training" in text
    assert max(map(len, [*describe(lineage, answered).splitlines(), *text.splitlines()])) <= 100


def test_tree_of_limited_depth(project: RecordedProject) -> None:
    text = drawn(ask(project)[0], 1)
    assert "segmentation.segmenter" in text
    assert "segmentation.network" not in text
    assert "…" in text


def test_json(project: RecordedProject) -> None:
    values: dict[str, Any] = json.loads(json.dumps(ask(project)[1]))
    assert (values["part"], values["reproduce"]) == ("tapajos", f"kedro reproduce {RUN}")
    assert values["steps"][values["dataset"]]["made_by"]["parameters"] == {"params:mapping": {"overlap": 0.5}}
    assert all(name in values["steps"] for step in values["steps"].values() for name in step["made_from"])
    assert values["answer"]["images"]["scenes"][0]["address"] == "./blue.tif"
    assert len(ask(project, depth=1)[1]["steps"]) == 4
