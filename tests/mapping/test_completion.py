"""Complete maps: made once, and again when something that they depend on changes."""

import json
import os
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import rasterio
import shapely

from mining_the_mines.core.errors import BadInputError, SceneError
from mining_the_mines.geo.named_areas import read_named_areas
from mining_the_mines.mapping.attributes import COLUMNS
from mining_the_mines.mapping.completion import finish_scene, finished_map, waiting_parts
from mining_the_mines.mapping.plan import PermitFile, PermitFiles, ScenePlan
from mining_the_mines.mapping.scene_discovery import composite_scene
from mining_the_mines.mapping.scene_map import open_maps, read_map
from mining_the_mines.mapping.scene_maps import map_part
from mining_the_mines.mapping.settings import TilingSettings, VectorSettings
from mining_the_mines.rasters.scene import Scene
from support.composites import composite_at
from support.scene_files import (
    CORNER,
    CRS,
    THRESHOLD,
    ground,
    make_here,
    plan_scene,
    scene_at,
    store_model,
    torn_corner,
    write_scene,
)
from support.scene_maps import write_areas

FILES = {"probability.tif", "mines.gpkg", "mines.parquet", "quicklook.jpg", "item.json", "map.json"}


def torn_scene(folder: Path, seed: int = 0) -> Scene:
    return scene_at(write_scene(folder / "north.tif", ground(90, 70, seed, torn_corner(90, 70))))


def plan_in(folder: Path, **changes: Any) -> ScenePlan:
    return plan_scene(torn_scene(folder), store_model(folder / "model"), **changes)


def permit(path: Path) -> PermitFile | None:
    return PermitFile.of(read_named_areas(path))


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def project_in(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").touch()
    return folder


def test_lineage_id(tmp_path: Path) -> None:
    found = make_here(plan_in(tmp_path), tmp_path / "maps")
    lineage_id = f"scene_maps:{found.record.content_hash[:12]}"
    assert set(found.mines["lineage_id"]) == {lineage_id}
    assert set(pyogrio.read_dataframe(found.folder / "mines.gpkg", layer="mines")["lineage_id"]) == {lineage_id}
    assert found.record.facts.lineage_id == lineage_id
    assert json.loads((found.folder / "item.json").read_text())["properties"]["mines:lineage_id"] == lineage_id


def test_same_bytes_in_another_project(tmp_path: Path) -> None:
    here, there = project_in(tmp_path / "here"), project_in(tmp_path / "far" / "away" / "there")
    first, second = (make_here(plan_in(project), project / "data" / "maps").folder for project in (here, there))
    assert names(first) == names(second) == FILES
    assert {path.name: (second / path.name).read_bytes() for path in first.iterdir()} == {
        path.name: path.read_bytes() for path in first.iterdir()
    }


def test_moved_project(tmp_path: Path) -> None:
    here = project_in(tmp_path / "here")
    made = make_here(plan_in(here), here / "maps")
    assert json.loads((made.folder / "map.json").read_text())["scene"]["image"] == "north.tif"
    found = read_map(here.rename(tmp_path / "there") / "maps", "north")
    assert found is not None
    assert found.picture(20)[0].shape[0] == 3


def test_files_open_in_a_gis(tmp_path: Path) -> None:
    found = make_here(plan_in(tmp_path), tmp_path / "maps")
    assert names(found.folder) == FILES
    assert names(tmp_path / "maps") <= {"north", ".parts"}
    mines = pyogrio.read_dataframe(found.folder / "mines.gpkg", layer="mines")
    assert len(mines) == len(found.mines) == found.record.mines > 3
    assert mines.is_valid.all()
    assert list(found.mines.columns) == [*COLUMNS, "geometry"]
    assert mines.crs == found.mines.crs == CRS
    assert mines["area_ha"].sum() == pytest.approx(found.record.hectares)
    assert (found.folder / "quicklook.jpg").read_bytes().startswith(b"\xff\xd8")


def test_polygons(tmp_path: Path) -> None:
    found = make_here(plan_in(tmp_path, precision="float32"), tmp_path / "maps")
    pixels = np.nansum(found.small_probability(1_000) >= THRESHOLD)
    assert found.mines.geometry.area.sum() / 100 == pytest.approx(pixels)
    assert set(found.mines["scene"]) == {"north"}
    assert set(found.mines["model"]) == {"place"}
    assert set(found.mines["model_version"]) == {"7"}
    assert found.mines["clear_dates"].isna().all()


def test_mapped_area(tmp_path: Path) -> None:
    found = make_here(plan_in(tmp_path), tmp_path / "maps")
    known = ~torn_corner(90, 70)
    assert found.record.mapped_share == pytest.approx(known.mean())
    assert found.record.mapped_hectares == pytest.approx(known.sum() / 100, rel=0.01)
    assert shapely.area(found.mapped_area) == pytest.approx(known.sum() * 100)
    assert found.record.reviews is None


def test_scene_without_data(tmp_path: Path) -> None:
    scene = scene_at(write_scene(tmp_path / "night.tif", np.zeros((2, 50, 40), np.uint16)))
    plan = plan_scene(scene, store_model(tmp_path / "model", fails=True), geojson=True)
    found = make_here(plan, tmp_path / "maps")
    assert names(found.folder) == FILES | {"mines.geojson"}
    assert (found.record.mines, found.record.hectares, found.record.mapped_share) == (0, 0, 0)
    for name in ("mines.gpkg", "mines.geojson"):
        assert len(pyogrio.read_dataframe(found.folder / name, layer="mines")) == 0
    empty = gpd.read_parquet(found.folder / "mines.parquet")
    assert len(empty) == 0
    assert list(empty.columns) == [*COLUMNS, "geometry"]
    assert np.isnan(found.small_probability(100)).all()
    assert shapely.is_empty(found.mapped_area)


def test_review_by_permits(tmp_path: Path) -> None:
    left, top = CORNER
    here = shapely.box(left, top - 900, left + 350, top)
    concessions = write_areas(tmp_path / "concessions.gpkg", [("Boa Vista", here)])
    found = make_here(plan_in(tmp_path, permits=PermitFiles(permit(concessions))), tmp_path / "maps")
    outside = found.mines["outside_concessions_ha"] > 0.1
    assert 0 < outside.sum() < len(found.mines)
    np.testing.assert_array_equal(found.mines["review"], outside)
    assert found.record.reviews == outside.sum()


def test_changed_settings(tmp_path: Path) -> None:
    plan, folder = plan_in(tmp_path), tmp_path / "maps"
    scene, model = plan.probability.scene, plan.probability.model
    assert finished_map(plan, folder) is None
    make_here(plan, folder)
    assert finished_map(plan_scene(scene, model), folder) is not None
    for change in (
        plan_scene(scene, model, geojson=True),
        plan_scene(scene, model, vectors=VectorSettings(seed=0.9)),
        plan_scene(scene, model, precision="uint8"),
        plan_scene(scene, model, tiling=TilingSettings(overlap=0.25)),
        plan_scene(scene, replace(model, content_hash="other")),
        plan_scene(scene, replace(model, version="8")),
    ):
        assert finished_map(change, folder) is None


def test_other_polygons_keep_probabilities(tmp_path: Path) -> None:
    plan = plan_in(tmp_path)
    folder = tmp_path / "maps"
    before = make_here(plan, folder)
    probability = before.probability.read_bytes()
    mines = len(before.mines)
    # a model that can't predict any more
    failing = store_model(tmp_path / "model", fails=True)
    larger = plan_scene(plan.probability.scene, failing, vectors=VectorSettings(seed=0.5, grow=0.5, minimum_hectares=3))
    assert waiting_parts(larger, folder) == []
    after = make_here(larger, folder)
    assert after.probability.read_bytes() == probability
    assert 0 < len(after.mines) < mines


@pytest.mark.parametrize("precision", ["uint8", "float16"])
def test_kept_raster_has_new_tags(tmp_path: Path, precision: str) -> None:
    plan = plan_in(tmp_path, precision=precision)
    make_here(plan, tmp_path / "maps")
    # a model of the same content that can't predict any more
    renamed = replace(store_model(tmp_path / "model", fails=True), version="8")
    again = plan_scene(plan.probability.scene, renamed, precision=precision)
    assert waiting_parts(again, tmp_path / "maps") == []
    found = make_here(again, tmp_path / "maps")
    with rasterio.open(found.probability) as raster:
        assert raster.tags()["MODEL_VERSION"] == "8"
    working = replace(store_model(tmp_path / "other"), version="8")
    anew = make_here(plan_scene(plan.probability.scene, working, precision=precision), tmp_path / "anew")
    assert found.probability.read_bytes() == anew.probability.read_bytes()


def test_damaged_parts_are_made_again(tmp_path: Path) -> None:
    plan, folder = plan_in(tmp_path, tiling=TilingSettings(band_rows=20)), tmp_path / "maps"
    for part in waiting_parts(plan, folder):
        map_part(plan, part)
    empty, short, zeros, *_ = parts = plan.parts(folder)
    assert len(parts) > 3
    content = short.path.read_bytes()
    for part, left in ((empty, b""), (short, content[:-100]), (zeros, bytes(len(content)))):
        part.path.write_bytes(left)
    assert waiting_parts(plan, folder) == [empty, short, zeros]
    expected = make_here(plan, tmp_path / "expected")
    assert make_here(plan, folder).probability.read_bytes() == expected.probability.read_bytes()


def test_missing_file(tmp_path: Path) -> None:
    plan = plan_in(tmp_path, geojson=True)
    for name in sorted(FILES | {"mines.geojson"}):
        found = make_here(plan, tmp_path / "maps")
        (found.folder / name).unlink()
        assert finished_map(plan, tmp_path / "maps") is None
    assert (make_here(plan, tmp_path / "maps").folder / name).is_file()


def test_changed_permits(tmp_path: Path) -> None:
    left, top = CORNER
    path, hashes = tmp_path / "areas.shp", set()
    for name, edge in (("Boa Vista", 100), ("Boa Terra", 100), ("Boa Terra", 200)):
        write_areas(path, [(name, shapely.box(left, top - edge, left + edge, top))])
        os.utime(path, ns=(1, 1))  # the names lie in another file
        hashes.add(plan_in(tmp_path, permits=PermitFiles(permit(path))).content_hash)
    assert len(hashes) == 3


def test_failure_keeps_the_old_map(tmp_path: Path) -> None:
    plan = plan_in(tmp_path)
    folder = tmp_path / "maps"
    before = make_here(plan, folder)
    record = (before.folder / "map.json").read_bytes()
    missing = plan_scene(
        plan.probability.scene,
        plan.probability.model,
        PermitFiles(PermitFile(write_areas(tmp_path / "c.gpkg", []), "")),
    )
    with pytest.raises(BadInputError):
        finish_scene(missing, folder)
    assert names(before.folder) == FILES
    assert (before.folder / "map.json").read_bytes() == record
    assert {path.name for path in folder.iterdir()} <= {"north", ".parts"}


def test_folder_without_map(tmp_path: Path) -> None:
    (tmp_path / "half").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "map.json").write_text("{}")
    (tmp_path / "file").write_text("")
    assert [read_map(tmp_path, name) for name in ("half", "broken", "file", "missing")] == [None] * 4


@pytest.mark.parametrize("index", [None, '{"scenes": ["gone"], "unmapped": []}'])
def test_missing_maps(tmp_path: Path, index: str | None) -> None:
    if index is not None:
        (tmp_path / "maps.json").write_text(index)
    with pytest.raises(SceneError, match=r"(holds no maps|lacks the map of gone): run mapping"):
        open_maps(tmp_path)


def test_picture_beyond_the_rim(tmp_path: Path) -> None:
    found = make_here(plan_in(tmp_path), tmp_path / "maps")
    left, top = CORNER
    around, _ = found.picture(50, (left + 500, top - 1_000, left + 800, top - 700))
    assert around.shape == (3, 30, 30)
    assert np.isfinite(around[:, :20, :20]).all()
    assert np.isnan(around[:, 20:]).all()
    assert np.isnan(around[:, :, 20:]).all()
    assert found.picture(35)[0].shape == (3, 35, 28)


def map_on_full_disks(folder: Path) -> None:
    """Map under limits of many sizes, as if the disk were full from there on; runs in a process of its own."""
    plan = plan_in(folder)
    maps = folder / "maps"
    for limit in (100, 9_000, 60_000, 200_000):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        try:
            make_here(plan, maps)
        except BadInputError as error:
            sys.stdout.write(f"{error}\n")
            assert not list(maps.glob("*north*"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert names(make_here(plan, maps).folder) == FILES
    sys.stdout.write("whole\n")


def test_full_disk(tmp_path: Path) -> None:
    script = "import sys; from pathlib import Path; from mapping.test_completion import map_on_full_disks as work; "
    done = subprocess.run(
        [sys.executable, "-c", script + "work(Path(sys.argv[1]))", str(tmp_path)],
        cwd=Path(__file__).parents[2],  # where coverage finds its settings
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]),
        },
    )
    assert done.returncode == 0, done.stderr
    *refused, last = done.stdout.splitlines()
    assert last == "whole"
    assert len(refused) >= 3
    for sentence in refused:
        assert "can't be written" in sentence
        assert sentence.endswith("free some space, or choose a folder that you may write to.")


def test_unreadable_clear_dates(tmp_path: Path) -> None:
    composite = composite_at(tmp_path / "composites")
    plan = plan_scene(composite_scene(composite), store_model(tmp_path / "model"))
    composite.clear_dates.write_bytes(composite.clear_dates.read_bytes()[:3_000])
    with pytest.raises(SceneError, match=r"clear_dates/north\.tif can't be read"):
        make_here(plan, tmp_path / "maps")


def test_missing_part(tmp_path: Path) -> None:
    plan, folder = plan_in(tmp_path), tmp_path / "maps"
    for part in waiting_parts(plan, folder):
        map_part(plan, part)
    plan.parts(folder)[-1].path.unlink()
    with pytest.raises(SceneError, match=r"windows_\w+\.npy has gone .*two runs .*: wait for the other"):
        finish_scene(plan, folder)
    assert not (folder / "north").exists()
