"""Maps, their scores and named areas in the catalog."""

from pathlib import Path

import pandas as pd
import pytest
from kedro.io import DatasetError

from mining_the_mines.datasets.maps import MapScoresDataset, SceneMapsDataset
from mining_the_mines.pipelines.mapping.nodes import MapEvaluation, score_maps
from mining_the_mines.scoring.bootstrap import BootstrapSettings
from support.chip_polygons import outlines_in
from support.scene_files import CRS, ground, map_named, write_scene


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
