"""Nodes of monitoring that make the maps of each period."""

from pathlib import Path

import pytest
import shapely

from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.dask_client import DaskSettings
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.monitoring.period_results import PeriodResult
from mining_the_mines.monitoring.period_settings import PeriodSceneSettings, PeriodSettings
from mining_the_mines.pipelines.monitoring.nodes import (
    choose_period_permits,
    prepare_periods,
    request_period_scenes,
    select_period_scenes,
    simulate_changing_archive,
)
from mining_the_mines.scenes.settings import AcquisitionSettings, CompositingSettings
from mining_the_mines.simulation import ChangingSeriesSettings
from support.networks import complete_segmenter
from support.scene_maps import areas_of
from support.stac_catalogs import BANDS

ARCHIVE = PeriodSceneSettings()
OWN = PeriodSceneSettings(paths={"2019": "a.tif"})
TINY = ChangingSeriesSettings.model_validate(
    {
        "provinces": ["tapajos"], "pixels": 60, "old_mines": 0, "new_mines": 1, "changes": 0, "dates": 3,
        "cloudiness": 0, "seasons": [{"start": f"{year}-06-01", "end": f"{year}-10-31"} for year in (2019, 2020)],
    }
)  # fmt: skip


def test_simulated_ground_is_selected_by_year(tmp_path: Path) -> None:
    acquisition = AcquisitionSettings(source="simulation")
    record = simulate_changing_archive(acquisition, ARCHIVE, TINY, tmp_path / "archive")
    request = request_period_scenes(
        acquisition, ChipSettings(bands=BANDS), CompositingSettings(), ARCHIVE, record, tmp_path / "archive", None
    )
    periods = PeriodSettings.model_validate({"start": "2019-01-01", "end": "2020-12-31"})
    found = select_period_scenes(request, periods, ARCHIVE, tmp_path / "scenes", tmp_path / "assets")
    assert [each.period.name for each in found] == ["2019", "2020"]
    days = [each.result.table()["datetime"].str[:4] for each in found if each.result]
    assert [set(year) for year in days] == [{"2019"}, {"2020"}]


@pytest.mark.parametrize(("source", "wanted"), [("earth-search", ARCHIVE), ("simulation", OWN)])
def test_nothing_is_simulated_beside_other_scenes(source: str, wanted: PeriodSceneSettings, tmp_path: Path) -> None:
    assert simulate_changing_archive(AcquisitionSettings(source=source), wanted, TINY, tmp_path) == {}
    assert list(tmp_path.iterdir()) == []


def test_raster_that_does_not_exist(tmp_path: Path) -> None:
    (year,) = PeriodSettings.model_validate({"start": "2019-01-01", "end": "2019-12-31"}).periods
    settings = CompositingSettings(), AcquisitionSettings(), DaskSettings(workers=1), tmp_path
    with pytest.raises(BadInputError, match=r"^monitoring\.scenes\.paths\.2019 is a\.tif, and there is no such file"):
        prepare_periods((PeriodResult(year, None),), OWN, complete_segmenter(), *settings)


def test_simulated_areas_judge_no_raster_of_ones_own(tmp_path: Path) -> None:
    areas = areas_of(tmp_path, lease=shapely.box(500_000, 9_400_000, 501_000, 9_401_000))
    assert choose_period_permits(ARCHIVE, areas, None, ()).concessions is areas
    assert choose_period_permits(OWN, areas, None, ()).concessions is (areas if areas.named else None)
