"""Maps, their scores and named areas in the catalog."""

from pathlib import Path

import pandas as pd
import pytest
from kedro.io import DatasetError

from mining_the_mines.datasets.maps import MapScoresDataset, SceneMapsDataset
from mining_the_mines.datasets.provided import NamedAreasDataset
from mining_the_mines.pipelines.mapping.nodes import MapEvaluation, score_maps
from mining_the_mines.scoring.bootstrap import BootstrapSettings
from support.chip_polygons import outlines_in
from support.scene_files import CRS, ground, map_named, write_scene
from support.scene_maps import field, write_areas


def dataset(folder: Path) -> SceneMapsDataset:
    return SceneMapsDataset(filepath=str(folder / "maps"))


def test_list_of_maps(tmp_path: Path) -> None:
    made = map_named(tmp_path, str(write_scene(tmp_path / "north.tif", ground(40, 40))))
    maps = dataset(tmp_path)
    maps.save(made)
    assert maps.exists()
    assert maps.load() == made


def test_missing_maps(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="holds no maps: run mapping first"):
        dataset(tmp_path).load()


@pytest.mark.parametrize("known", [True, False])
def test_scores(tmp_path: Path, *, known: bool) -> None:
    path = write_scene(tmp_path / "north.tif", ground(40, 40))
    maps = map_named(tmp_path, str(path))
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


def test_no_areas(tmp_path: Path) -> None:
    for beside in (None, str(tmp_path / "concessions.geojson")):
        areas = NamedAreasDataset(filepath=None, beside=beside)
        assert areas.load() is None
        assert areas.exists()


def test_named_areas_win(tmp_path: Path) -> None:
    beside = write_areas(tmp_path / "beside.gpkg", [("beside", field(0, 0, 100))])
    named = write_areas(tmp_path / "named.gpkg", [("named", field(0, 0, 100))], column="titular")
    found = NamedAreasDataset(filepath=None, beside=str(beside)).load()
    assert found is not None
    assert (found.names, found.named) == (("beside",), False)
    found = NamedAreasDataset(filepath=str(named), beside=str(beside), name_column="titular").load()
    assert found is not None
    assert (found.names, found.named) == (("named",), True)


def test_missing_areas(tmp_path: Path) -> None:
    areas = NamedAreasDataset(filepath=str(tmp_path / "gone.gpkg"))
    assert not areas.exists()
    with pytest.raises(DatasetError, match=r"gone\.gpkg"):
        areas.load()


def test_areas_are_read_only(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="read only"):
        NamedAreasDataset(filepath=str(tmp_path / "areas.gpkg")).save("areas")  # type: ignore[arg-type]
    assert str(NamedAreasDataset(filepath="a.gpkg")).count("a.gpkg")
