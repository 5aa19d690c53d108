"""Results of a series as the catalog saves and reads them."""

from datetime import date
from pathlib import Path

import pytest

from mining_the_mines.datasets.monitoring import PeriodCompositesDataset, PeriodMapsDataset
from mining_the_mines.ledger.states import read_index
from mining_the_mines.mapping.scene_map import SceneMaps
from mining_the_mines.monitoring.period_results import PeriodResult
from mining_the_mines.monitoring.periods import Period
from support.period_series import years
from support.scene_files import ground, map_named, recorded_composite, write_scene

#: A folder of results is an index to the ledger.
FACTS = {"mining_the_mines": {"index": "periods.json"}}
HIDDEN = PeriodResult[SceneMaps](Period("1999", date(1999, 1, 1), date(1999, 12, 31)), None, "no scene")


def maps_of(folder: Path, period: Period) -> PeriodResult[SceneMaps]:
    """The maps of a period in its folder."""
    for name in ("north", "south"):
        write_scene(folder / "scenes" / f"{name}.tif", ground(40, 50))
    made = map_named(folder, str(folder / "scenes"))
    (folder / "maps").rename(folder / period.name)
    return PeriodResult(period, SceneMaps(tuple(made.maps), made.unmapped))


def test_maps_of_periods(tmp_path: Path) -> None:
    (period,) = years(1)
    saved = maps_of(tmp_path, period)
    dataset = PeriodMapsDataset(filepath=str(tmp_path), metadata=FACTS)
    dataset.save((HIDDEN, saved))
    hidden, seen = dataset.load()
    assert hidden == HIDDEN
    assert seen.period == period
    assert seen.result is not None
    assert [found.name for found in seen.result.maps] == ["north", "south"]


def test_the_ledger_tells_maps_of_regions_and_periods_apart(tmp_path: Path) -> None:
    (period,) = years(1)
    saved = maps_of(tmp_path, period)
    assert saved.result is not None
    dataset = PeriodMapsDataset(filepath=str(tmp_path), metadata=FACTS)
    dataset.save((saved,))
    index = read_index(dataset, tmp_path)
    assert index is not None
    hashes = {f"{period.name}/{found.name}": found.record.content_hash for found in saved.result.maps}
    assert index.parts() == hashes


def test_composites_of_periods(tmp_path: Path) -> None:
    (period,) = years(1)
    composite = recorded_composite(tmp_path / period.name)
    dataset = PeriodCompositesDataset(filepath=str(tmp_path))
    dataset.save((PeriodResult(period, (composite,)),))
    (loaded,) = dataset.load()
    assert loaded.result == (composite,)


def test_folder_without_a_series(tmp_path: Path) -> None:
    dataset = PeriodMapsDataset(filepath=str(tmp_path))
    with pytest.raises(Exception, match="holds no series: run kedro run --pipelines=monitoring first"):
        dataset.load()


@pytest.mark.parametrize(
    "listed", ['[{"name": "2019"}]', "[{", '[{"period": "2019 soon", "seen": true, "reason": ""}]']
)
def test_damaged_list_of_periods(tmp_path: Path, listed: str) -> None:
    (tmp_path / "periods.json").write_text(listed, encoding="utf-8")
    with pytest.raises(Exception, match=r"periods.json is damaged, .*: run kedro run --pipelines=monitoring again"):
        PeriodMapsDataset(filepath=str(tmp_path)).load()
