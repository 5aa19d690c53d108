"""Maps of scenes as the catalog sees them."""

from pathlib import Path

import pandas as pd
import pytest
from kedro.io import DatasetError

from mapping.test_requests import request
from mining_the_mines.core.progress import uncounted
from mining_the_mines.datasets.maps import MapScoresDataset, NamedAreasDataset, SceneMapsDataset
from mining_the_mines.pipelines.mapping.nodes import MapEvaluation, score_maps
from mining_the_mines.scoring.bootstrap import BootstrapSettings
from support.chip_polygons import outlines_in
from support.scene_files import CRS, ground, write_scene
from support.scene_maps import field, write_areas


def dataset(folder: Path) -> SceneMapsDataset:
    return SceneMapsDataset(filepath=str(folder / "maps"), composites=str(folder / "composites"))


def test_maps_are_made_when_they_are_saved_and_opened_when_they_are_loaded(tmp_path: Path) -> None:
    path = write_scene(tmp_path / "north.tif", ground(40, 40))
    maps = dataset(tmp_path)
    assert not maps.exists()
    maps.save(request(tmp_path, str(path)))
    assert maps.exists()
    (found,) = maps.load().maps
    assert found.name == "north"
    assert found.probability.is_file()


def test_maps_that_were_never_made_are_missed_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="holds no maps: run mapping first"):
        dataset(tmp_path).load()


@pytest.mark.parametrize("known", [True, False])
def test_scores_come_back_with_every_mine(tmp_path: Path, *, known: bool) -> None:
    path = write_scene(tmp_path / "north.tif", ground(40, 40))
    maps = request(tmp_path, str(path)).make(tmp_path / "maps", tmp_path / "composites", uncounted)
    reference = outlines_in(tmp_path, list(maps.maps[0].mines.geometry), CRS) if known else None
    scores, _ = score_maps(
        maps, "scenes", None, reference, None, MapEvaluation(bootstrap=BootstrapSettings(resamples=20))
    )
    stored = MapScoresDataset(filepath=str(tmp_path / "scores"))
    stored.save(scores)
    loaded = stored.load()
    pd.testing.assert_frame_equal(loaded.table, scores.table)
    assert len(loaded.objects) == len(scores.objects)
    assert loaded.objects.geometry.geom_equals(scores.objects.geometry).all()
    assert (loaded.settings, loaded.unscored) == (scores.settings, scores.unscored)


def test_without_a_file_nobody_knows_what_is_allowed(tmp_path: Path) -> None:
    for beside in (None, str(tmp_path / "concessions.geojson")):
        areas = NamedAreasDataset(filepath=None, beside=beside)
        assert areas.load() is None
        assert areas.exists()


def test_a_layer_that_was_named_goes_before_the_one_beside_the_data(tmp_path: Path) -> None:
    beside = write_areas(tmp_path / "beside.gpkg", [("beside", field(0, 0, 100))])
    named = write_areas(tmp_path / "named.gpkg", [("named", field(0, 0, 100))], column="titular")
    found = NamedAreasDataset(filepath=None, beside=str(beside)).load()
    assert found is not None
    assert found.names == ("beside",)
    found = NamedAreasDataset(filepath=str(named), beside=str(beside), name_column="titular").load()
    assert found is not None
    assert found.names == ("named",)


def test_a_layer_that_was_named_and_is_missing_is_told(tmp_path: Path) -> None:
    areas = NamedAreasDataset(filepath=str(tmp_path / "gone.gpkg"))
    assert not areas.exists()
    with pytest.raises(DatasetError, match=r"gone\.gpkg"):
        areas.load()


def test_layers_that_were_handed_over_are_not_written_to(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="read only"):
        NamedAreasDataset(filepath=str(tmp_path / "areas.gpkg")).save("areas")  # type: ignore[arg-type]
    assert str(NamedAreasDataset(filepath="a.gpkg")).count("a.gpkg")
