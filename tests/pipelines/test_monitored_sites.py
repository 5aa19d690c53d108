"""The node that joins maps of periods into sites."""

import logging
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mining_the_mines.datasets.files import GeoParquetTable
from mining_the_mines.datasets.schemas import SITE_REGISTER
from mining_the_mines.mapping.scene_map import SceneMaps
from mining_the_mines.monitoring.period_results import PeriodResult
from mining_the_mines.monitoring.periods import Period
from mining_the_mines.monitoring.settings import ConfirmationSettings, SiteSettings
from mining_the_mines.pipelines.monitoring.site_nodes import join_period_sites
from support.made_maps import make_map, probabilities

Series = tuple[PeriodResult[SceneMaps], ...]


def period(year: int) -> Period:
    return Period(str(year), date(year, 1, 1), date(year, 12, 31))


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Series:
    """A year without mines, one with two, one that nobody saw, and one with the larger of both."""
    folder = tmp_path_factory.mktemp("maps")
    ground = probabilities()
    larger = ground.copy()
    larger[40:44, 10:14] = 0.1
    looks = {2019: np.where(ground > 0.2, np.float32(0.1), ground), 2020: ground, 2022: larger}
    seen = [
        PeriodResult(period(year), SceneMaps((make_map(folder / str(year), pixels),), ()))
        for year, pixels in looks.items()
    ]
    return *seen[:2], PeriodResult(period(2021), None, "no scenes"), seen[2]


def test_sites_of_maps(series: Series, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    table, register = join_period_sites(series, None, SiteSettings(), ConfirmationSettings())
    status = table.groupby("site_id")["status"].apply(list)
    assert status["tapajos-0001"] == ["new", "not_seen", "unchanged"]
    assert status["tapajos-0002"] == ["candidate", "not_seen", "inactive"]
    assert register["site_id"].tolist() == ["tapajos-0001", "tapajos-0002"]
    gone = table.iloc[-1]
    assert (gone["hectares"], gone["probability"]) == (0, pytest.approx(0.1))
    assert table["lineage_id"].tolist() == ["scene_maps:0123456789ab", "", "scene_maps:0123456789ab"] * 2
    assert "tapajos in 2022: 2 sites; 0 new of 0.0 hectares, 0 of them confirmed; 0 grown, 1 inactive" in caplog.text


def test_ids_of_an_earlier_run(series: Series) -> None:
    """A run with the last year alone, and then with all."""
    _, register = join_period_sites(series[3:], None, SiteSettings(), ConfirmationSettings())
    table, later = join_period_sites(series, register, SiteSettings(), ConfirmationSettings())
    assert later["founded"].tolist() == ["2022", "2020"]
    assert table["hectares"].groupby(table["site_id"]).max().tolist() == pytest.approx([1.0, 0.16], rel=0.01)


def test_a_register_as_the_catalog_keeps_it(series: Series, tmp_path: Path) -> None:
    saved = GeoParquetTable(filepath=str(tmp_path / "register.parquet"), optional=True)
    assert saved.load() is None
    table, register = join_period_sites(series, saved.load(), SiteSettings(), ConfirmationSettings())
    SITE_REGISTER.validate(register)
    saved.save(register)
    again, same = join_period_sites(series, saved.load(), SiteSettings(), ConfirmationSettings())
    pd.testing.assert_frame_equal(pd.DataFrame(again), pd.DataFrame(table))
    pd.testing.assert_frame_equal(pd.DataFrame(same), pd.DataFrame(register))
