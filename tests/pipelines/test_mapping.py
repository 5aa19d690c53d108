"""Mapping from its inputs to lists, scores and a page."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.dask_client import DaskSettings
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.datasets.folders import WorkFolderDataset
from mining_the_mines.datasets.maps import SceneMapsDataset
from mining_the_mines.datasets.models import StudentDataset
from mining_the_mines.datasets.provided import NamedAreasDataset
from mining_the_mines.geo.named_areas import NamedAreas
from mining_the_mines.mapping.permits import CONCESSION
from mining_the_mines.mapping.plan import PermitFile, PermitFiles
from mining_the_mines.mapping.scene_map import SceneMap, SceneMaps
from mining_the_mines.mapping.scene_preparation import PreparedScenes
from mining_the_mines.mapping.settings import MappingSettings
from mining_the_mines.models.predictor import ModelSource
from mining_the_mines.models.storage import save_complete
from mining_the_mines.pipelines.mapping import create_pipeline
from mining_the_mines.pipelines.mapping.nodes import (
    MAP_COLUMNS,
    MapEvaluation,
    Permits,
    choose_permits,
    choose_scenes_to_map,
    draw_map,
    list_maps,
    map_scenes,
    prepare_scenes,
    score_maps,
    sum_up_units,
)
from mining_the_mines.pipelines.preprocessing.nodes import list_test_regions
from mining_the_mines.pipelines.reporting.map_nodes import describe_maps
from mining_the_mines.reporting.interactive_map import InteractiveMapSettings
from mining_the_mines.scenes.settings import AcquisitionSettings, CompositingSettings
from mining_the_mines.scoring.bootstrap import BootstrapSettings
from support.chip_polygons import outlines_in
from support.composites import composite_at
from support.networks import SIX_BANDS, complete_segmenter
from support.scene_files import CORNER, CRS, ground, map_named, write_scene
from support.scene_maps import areas_of

EVALUATION = MapEvaluation(bootstrap=BootstrapSettings(resamples=20))
FOLDS = pd.DataFrame(
    {"place": ["north/0_0", "north/0_1", "south/0_0", "south/1_1"], "split": ["train", "train", "test", "test"]}
)
LEFT, TOP = CORNER
#: A place two scenes away.
AWAY = shapely.box(LEFT + 2000, TOP - 100, LEFT + 2100, TOP)


def permits_of(*layers: NamedAreas) -> PermitFiles:
    return PermitFiles(*map(PermitFile.of, layers))


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> SceneMaps:
    """Two good scenes, and one that can't be mapped."""
    folder = tmp_path_factory.mktemp("maps")
    for seed, name in enumerate(("north", "south")):
        write_scene(folder / "scenes" / f"{name}.tif", ground(60, 50, seed))
    (folder / "scenes" / "text.tif").write_text("no raster")
    return map_named(folder, str(folder / "scenes"))


def regions_of(folder: Path, folds: pd.DataFrame = FOLDS) -> list[dict[str, Any]]:
    """The regions that the composites of north and south leave to be mapped."""
    return list_test_regions([composite_at(folder, name) for name in ("north", "south")], folds)


def test_unseen_regions(tmp_path: Path) -> None:
    (scene,) = choose_scenes_to_map(None, regions_of(tmp_path))
    assert Path(scene).name == "south.tif"


def test_warning_without_unseen_region(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert len(choose_scenes_to_map(None, regions_of(tmp_path, FOLDS.assign(split="train")))) == 2
    assert "folds.test_groups" in caplog.text


@pytest.mark.parametrize(("given", "names"), [("a.tif", ("a.tif",)), (["a.tif", "b.json"], ("a.tif", "b.json"))])
def test_named_scenes_win(given: Any, names: tuple[str, ...], tmp_path: Path) -> None:
    assert choose_scenes_to_map(given, regions_of(tmp_path)) == names
    assert choose_scenes_to_map(given, None) == names


@pytest.mark.parametrize("given", [None, "", [], [""], {}, 3, [1], ["a.tif", None]])
def test_parameter_without_scene(given: Any) -> None:
    with pytest.raises(BadInputError, match=r"^The parameter scene is .* --params=scene=PATH"):
        choose_scenes_to_map(given, None)


def test_unsaved_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="mine-segmenter was never saved"):
        map_scenes(
            PreparedScenes(()),
            complete_segmenter(),
            MappingSettings(),
            ChipSettings(),
            Permits(),
            DaskSettings(),
            tmp_path,
        )


def test_facts_of_the_segmenter(tmp_path: Path) -> None:
    chips = ChipSettings(bands=SIX_BANDS)
    model = replace(complete_segmenter(), chips=chips, source=ModelSource(tmp_path / "model", "2026-01-01T00.00.00"))
    (tmp_path / "model").mkdir()
    save_complete(model, tmp_path / "model")
    scene = write_scene(tmp_path / "north.tif", np.concatenate([ground(60, 60)] * 3), SIX_BANDS)
    compositing, acquisition, dask = CompositingSettings(), AcquisitionSettings(), DaskSettings(workers=1)
    prepared = prepare_scenes([str(scene)], model, compositing, acquisition, dask, tmp_path / "composites")
    areas = areas_of(tmp_path, here=shapely.box(LEFT, TOP - 100, LEFT + 100, TOP))
    (found,) = map_scenes(
        prepared, model, MappingSettings(), ChipSettings(), Permits(areas), dask, tmp_path / "maps"
    ).maps
    facts = found.record.facts
    assert (facts.model, facts.model_version) == ("mine-segmenter", "2026-01-01T00.00.00")
    assert model.source is not None
    assert found.record.model_hash == model.source.content_hash()
    assert found.record.reviews is not None


def test_pipeline_lists_its_maps(tmp_path: Path) -> None:
    chips = ChipSettings(bands=SIX_BANDS)
    (tmp_path / "model").mkdir()
    model = replace(complete_segmenter(), chips=chips, source=ModelSource(tmp_path / "model", "1"))
    save_complete(model, tmp_path / "model")
    scene = write_scene(tmp_path / "north.tif", np.concatenate([ground(60, 60)] * 3), SIX_BANDS)
    nothing = NamedAreasDataset(filepath=None)
    catalog = DataCatalog(
        {
            "params:scene": MemoryDataset(str(scene)),
            "segmentation.segmenter": MemoryDataset(model, copy_mode="assign"),
            "student.segmenter": StudentDataset(filepath=str(tmp_path / "student")),
            "student.decision": nothing,
            "params:compositing": MemoryDataset(CompositingSettings()),
            "params:acquisition": MemoryDataset(AcquisitionSettings()),
            "params:dask": MemoryDataset(DaskSettings(workers=1)),
            "params:mapping": MemoryDataset(MappingSettings()),
            "params:imagery": MemoryDataset(ChipSettings()),
            "params:map_evaluation": MemoryDataset(EVALUATION),
            "params:map_page": MemoryDataset(InteractiveMapSettings()),
            "area_estimates": MemoryDataset(None),
            "map_folder": WorkFolderDataset(filepath=str(tmp_path / "maps")),
            "scene_composite_folder": WorkFolderDataset(filepath=str(tmp_path / "composites")),
            "scene_maps": SceneMapsDataset(filepath=str(tmp_path / "maps")),
        }
        | dict.fromkeys(("test_regions", "mine_polygons", "reference", "concessions", "protected_areas"), nothing)
    )
    SequentialRunner().run(create_pipeline(), catalog)
    (found,) = catalog.load("scene_maps").maps
    assert (found.name, found.folder) == ("north", tmp_path / "maps" / "north")


def test_list_of_maps(maps: SceneMaps) -> None:
    listed = list_maps(maps)
    assert listed["scene"].tolist() == ["north", "south", "text"]
    assert list(listed.columns) == list(MAP_COLUMNS)
    assert listed["mines"].tolist()[:2] == [len(found.mines) for found in maps.maps]
    assert listed["mapped_share"].tolist()[:2] == [1, 1]
    assert "can't be read" in listed["error"][2]
    assert listed["error"][0] == ""
    assert pd.isna(listed["mines"][2])


def test_warning_of_a_blank_scene(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    blank = np.zeros_like(ground(60, 50))
    maps = map_named(tmp_path, str(write_scene(tmp_path / "blank.tif", blank)))
    assert list_maps(maps)["mapped_share"].tolist() == [0]
    assert "Nothing could be seen in blank" in caplog.text
    assert "blank" in draw_map(maps, None, None, None, Permits(), None, InteractiveMapSettings())
    (view,) = describe_maps(maps, score_maps(maps, "scenes", None, None, None, EVALUATION)[0], pd.DataFrame()).scenes
    assert (view.mapped_share, view.mapped_hectares) == (0, 0)


def test_areas_by_unit(tmp_path: Path) -> None:
    here = areas_of(tmp_path, here=shapely.box(LEFT, TOP - 600, LEFT + 250, TOP))
    for seed, name in enumerate(("north", "south")):
        write_scene(tmp_path / "scenes" / f"{name}.tif", ground(60, 50, seed))
    maps = map_named(tmp_path, str(tmp_path / "scenes"), permits=permits_of(here))
    units = sum_up_units(maps, Permits(here)).set_index("unit")
    assert units.loc["here", "mines"] == sum(
        found.mines.intersects(shapely.box(LEFT, TOP - 600, LEFT + 249, TOP)).sum() for found in maps.maps
    )


def test_layers_beside_the_raw_data_judge_no_named_scene(tmp_path: Path) -> None:
    found, named = (
        areas_of(tmp_path, here=shapely.box(LEFT, TOP - 100, LEFT + 100, TOP)),
        areas_of(tmp_path, there=AWAY),
    )
    beside = replace(found, named=False)
    assert choose_permits("scene.tif", beside, named) == Permits(None, named)
    assert choose_permits(["scene.tif"], None, beside) == Permits()
    assert choose_permits(None, beside, None) == Permits(beside)


def test_layer_elsewhere_judges_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    here = areas_of(tmp_path, here=shapely.box(LEFT, TOP - 600, LEFT + 250, TOP))
    there = areas_of(tmp_path, there=AWAY)
    scene = str(write_scene(tmp_path / "north.tif", ground(60, 50)))
    (found,) = (maps := map_named(tmp_path, scene, permits=permits_of(here, there))).maps
    assert found.mines["protected_ha"].isna().all()
    assert found.mines["outside_concessions_ha"].notna().all()
    assert "there.gpkg lies in north" in caplog.text
    assert "--params=protected_areas=FILE" in caplog.text
    assert set(sum_up_units(maps, Permits(here, there))["layer"]) == {CONCESSION}


def test_scene_that_no_layer_knows_has_no_permit_columns(tmp_path: Path) -> None:
    there = areas_of(tmp_path, there=AWAY)
    scene = str(write_scene(tmp_path / "north.tif", ground(60, 50)))
    (found,) = (maps := map_named(tmp_path, scene, permits=permits_of(there))).maps
    assert found.record.reviews is None
    assert "review" not in found.mines
    assert sum_up_units(maps, Permits(there)).empty


def test_scores_with_known_mines(maps: SceneMaps, tmp_path: Path) -> None:
    known = outlines_in(tmp_path, list(maps.maps[0].mines.geometry), CRS)
    scores, table = score_maps(maps, "scenes", None, known, None, EVALUATION)
    assert scores.table is table
    assert "north" in set(table["scene"])


def untraced(maps: SceneMaps) -> SceneMaps:
    """The same maps, whose rasters nobody can read."""
    return replace(maps, maps=tuple(_Untraced(found.record, found.folder) for found in maps.maps))


class _Untraced(SceneMap):
    @property
    def mapped_area(self) -> shapely.Geometry:
        """Is never asked for."""
        raise AssertionError(f"all of {self.name} was read")


def test_no_scores_without_known_mines(maps: SceneMaps, tmp_path: Path) -> None:
    scores, nothing = score_maps(untraced(maps), "scenes", None, None, None, EVALUATION)
    assert not scores.compared
    assert scores.unscored == ("north", "south")
    assert nothing.empty
    _, table = score_maps(
        maps, "scenes", None, outlines_in(tmp_path, list(maps.maps[0].mines.geometry), CRS), None, EVALUATION
    )
    pd.testing.assert_series_equal(nothing.dtypes, table.dtypes)


def test_scenes_far_from_known_mines(maps: SceneMaps, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    far = outlines_in(tmp_path, [shapely.box(LEFT + 90_000, TOP, LEFT + 90_200, TOP + 200)], CRS)
    scores, table = score_maps(untraced(maps), "scenes", None, far, None, EVALUATION)
    assert (scores.compared, scores.unscored) == (False, ("north", "south"))
    outside = table[(table["metric"] == "references_outside") & table["scene"].notna()]
    assert outside["value"].tolist() == [1, 1]
    assert len(scores.objects) == sum(len(found.mines) for found in maps.maps)
    assert "meets any scene: the polygons lie in longitude" in caplog.text


def test_scores_of_unseen_regions_only(maps: SceneMaps, tmp_path: Path) -> None:
    known = outlines_in(tmp_path, list(maps.maps[0].mines.geometry), CRS)
    _, table = score_maps(maps, None, known, None, regions_of(tmp_path, FOLDS), EVALUATION)
    assert "north" not in set(table["scene"])
    assert "south" in set(table["scene"])


def test_interactive_page(maps: SceneMaps, tmp_path: Path) -> None:
    areas = areas_of(tmp_path, somewhere=shapely.box(LEFT, TOP - 600, LEFT + 250, TOP))
    known = outlines_in(tmp_path, list(maps.maps[0].mines.geometry), CRS)
    page = draw_map(maps, None, known, None, Permits(areas), None, InteractiveMapSettings())
    assert page.lower().startswith("<!doctype html>")
    for word in ("north", "south", "somewhere"):
        assert word in page
    assert draw_map(maps, None, None, None, Permits(), None, InteractiveMapSettings())
