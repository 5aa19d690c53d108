"""Nodes of acquisition on a simulated archive and on scenes on disk."""

from pathlib import Path

import pytest

from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.pipelines.acquisition.nodes import check_scenes, select_scenes, simulate_archive
from mining_the_mines.scenes.settings import AcquisitionSettings, CompositingSettings
from mining_the_mines.simulation import SeriesSettings
from support.stac_catalogs import BANDS, series, settings, write_catalog

TINY = SeriesSettings(provinces=("tapajos",), pixels=60, mines=0, dates=3, cloudiness=0)


def test_simulated_scenes_are_selected(tmp_path: Path) -> None:
    acquisition = AcquisitionSettings(source="simulation")
    record = simulate_archive(acquisition, TINY, tmp_path)
    assert SeriesSettings(**record["settings"]) == TINY
    selected = select_scenes(acquisition, ChipSettings(bands=BANDS), CompositingSettings(), record, tmp_path)
    scenes, table, _ = check_scenes(selected, acquisition, tmp_path / "assets")
    assert scenes.to_json() == selected.to_json()
    assert table["datetime"].str[:10].nunique() == TINY.dates


def test_other_sources_are_not_simulated(tmp_path: Path) -> None:
    assert simulate_archive(AcquisitionSettings(source="earth-search"), TINY, tmp_path) == {}
    assert list(tmp_path.iterdir()) == []


def test_regions_for_simulated_scenes_are_refused(tmp_path: Path) -> None:
    acquisition = AcquisitionSettings(source="simulation", regions={"here": (0, 0, 1, 1)})
    with pytest.raises(BadInputError, match="has regions of its own: take --env=archive"):
        simulate_archive(acquisition, TINY, tmp_path)


@pytest.mark.parametrize("keep", [False, True])
def test_scenes_with_missing_files(tmp_path: Path, *, keep: bool) -> None:
    acquisition = settings(write_catalog(tmp_path, series()), keep_assets=keep)
    selected = select_scenes(acquisition, ChipSettings(bands=BANDS), CompositingSettings(), {}, tmp_path)
    lost = series()[1].id
    (tmp_path / "sentinel-2-l2a" / lost / "green.tif").unlink()
    scenes, table, left_out = check_scenes(selected, acquisition, tmp_path / "assets")
    assert lost not in table["item"].tolist()
    assert left_out["item"].tolist() == [lost]
    assert len(scenes.items["tapajos"]) == 3
