"""Maps of a series: each period is made once, and whatever can't be compared is told."""

import logging
import shutil
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest

from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.core.errors import BadInputError, SceneError
from mining_the_mines.mapping.scene_preparation import PreparedScenes
from mining_the_mines.monitoring.period_maps import as_regions, periods_of_paths, plan_periods
from mining_the_mines.monitoring.period_results import PeriodResult
from mining_the_mines.monitoring.period_scenes import choose_regions
from mining_the_mines.monitoring.period_table import PERIOD_COLUMNS, doubt_periods, tabulate_periods
from mining_the_mines.monitoring.periods import Period
from support.period_series import MAPPING, Series, Work, write_archive, years
from support.scene_files import BANDS, NO_PERMITS, ground, scene_at, store_model, write_scene
from support.stac_catalogs import settings

EIGHT = years(8, first=2015)


def files_of(folder: Path, names: Sequence[str]) -> dict[str, bytes]:
    """Content of the files of some periods."""
    found = [path for name in names for path in sorted((folder / name).rglob("*")) if path.is_file()]
    return {str(path): path.read_bytes() for path in found}


@pytest.fixture(scope="module")
def eight(tmp_path_factory: pytest.TempPathFactory) -> Series:
    """A series of eight years, mapped."""
    folder = tmp_path_factory.mktemp("series")
    series = Series(folder, write_archive(folder / "archive", [*EIGHT, *years(1, first=2023)]))
    series.map(EIGHT)
    return series


def test_a_new_period_costs_only_itself(eight: Series) -> None:
    maps = eight.folder / "maps"
    before = files_of(maps, [period.name for period in EIGHT])
    work = Work()
    found = eight.map([*EIGHT, *years(1, first=2023)], work)
    assert work.searches == 1
    assert work.pieces == [1, 3]  # a block of a composite; two bands of a map and its end
    assert [each.period.name for each in found] == [*(period.name for period in EIGHT), "2023"]
    assert files_of(maps, [period.name for period in EIGHT]) == before


def test_a_repeated_series_costs_nothing(eight: Series) -> None:
    work = Work()
    eight.map(EIGHT, work)
    assert (work.searches, work.pieces) == (0, [])


def test_maps_carry_their_region_and_the_lineage_of_the_series(eight: Series) -> None:
    (found,) = eight.map(EIGHT)[0].result.maps  # type: ignore[union-attr] # it was seen
    assert found.name == "tapajos"
    assert found.record.facts.lineage_id.startswith("monitored_maps:")
    assert found.record.scene.dates[0] == date(2015, 1, 11)


def test_scenes_of_a_past_period_are_kept_until_asked_again(tmp_path: Path) -> None:
    periods = years(2)
    series = Series(tmp_path, write_archive(tmp_path / "archive", periods, dates=3))
    first = series.select(periods)
    shutil.rmtree(tmp_path / "archive")
    write_archive(tmp_path / "archive", periods, dates=4)
    kept, anew = series.select(periods, again=["2023"])
    assert kept.result is not None
    assert anew.result is not None
    assert len(kept.result.items["tapajos"]) == 3
    assert kept.result.to_json() == first[0].result.to_json()  # type: ignore[union-attr] # it was seen
    assert len(anew.result.items["tapajos"]) == 4


def test_scenes_of_a_period_that_is_not_over_are_searched_again(tmp_path: Path) -> None:
    still = [Period("now", date(2022, 1, 1), date(9999, 12, 31))]
    series = Series(tmp_path, write_archive(tmp_path / "archive", years(1)))
    work = Work()
    series.select(still, work)
    series.select(still, work)
    assert work.searches == 2


def test_a_period_without_scenes_is_not_seen(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    series = Series(tmp_path, write_archive(tmp_path / "archive", years(1)))
    seen, hidden = series.map(years(2))
    assert seen.result is not None
    assert hidden.result is None
    assert "has too few scenes of every region" in hidden.reason
    assert "Nothing is seen in the period 2023" in caplog.text
    table = tabulate_periods((seen, hidden)).set_index("period")
    assert table["seen_share"]["2023"] == 0
    assert str(table["doubt"]["2023"]).startswith("not seen. ")


def test_a_series_without_any_scene_is_refused(tmp_path: Path) -> None:
    series = Series(tmp_path, write_archive(tmp_path / "archive", years(1)))
    with pytest.raises(SceneError, match=r"^No period of the series can be seen, 1999 for this reason: "):
        series.map(years(2, first=1999))
    assert not (tmp_path / "composites").exists()


def test_another_model_makes_all_maps_again(eight: Series, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    two, other = EIGHT[:2], store_model(eight.folder / "other", "def")
    work = Work()
    kept = eight.map(two, work, other, keep_other_models=True)
    assert work.pieces == []
    assert "is compared with maps by 7" in caplog.text
    assert [each.result.maps[0].record.model_hash for each in kept if each.result] == ["abc", "abc"]
    made = eight.map(two, work, other)
    assert work.pieces == [3, 3]
    assert "is made again by 7" in caplog.text
    assert [each.result.maps[0].record.model_hash for each in made if each.result] == ["def", "def"]


def prepared(folder: Path, period: Period, **changes: int) -> PeriodResult[PreparedScenes]:
    """A raster of a period."""
    size = {"height": 40, "width": 50} | changes
    path = write_scene(folder / f"{period.name}.tif", ground(size["height"], size["width"]))
    return PeriodResult(period, as_regions(PreparedScenes((scene_at(path),)), str(path)))


def test_a_region_whose_grid_has_changed_is_refused(tmp_path: Path) -> None:
    first, second = years(2)
    scenes = [prepared(tmp_path, first), prepared(tmp_path, second, width=60)]
    with pytest.raises(
        BadInputError,
        match=r"^The region region has another grid in 2023 \(EPSG:32721, 60 × 40 .* than in 2022 \(EPSG:32721, 50 × ",
    ):
        plan_periods(scenes, store_model(tmp_path / "model"), MAPPING, NO_PERMITS, ChipSettings(bands=BANDS))


def test_rasters_of_ones_own_need_known_periods(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(BadInputError, match=r"names a raster for 2019, which is no period of .* \(2022, 2023\)"):
        periods_of_paths(years(2), {"2019": "a.tif"})
    named, unnamed = periods_of_paths(years(2), {"2022": "a.tif"})
    assert (named.reason, unnamed.reason) == ("", "monitoring.scenes.paths names no raster of it.")
    assert "Nothing is seen in the period 2023" in caplog.text


def test_regions_kept_for_testing_are_watched(tmp_path: Path) -> None:
    boxes = {"north": (0.0, 0.0, 1.0, 1.0), "south": (0.0, -2.0, 1.0, -1.0)}
    access = settings(tmp_path, regions=boxes)
    assert [region.name for region in choose_regions(access, None, {"south"})] == ["south"]
    assert [region.name for region in choose_regions(access, None, ())] == ["north", "south"]
    assert [region.name for region in choose_regions(access, ["north"], {"south"})] == ["north"]
    with pytest.raises(BadInputError, match=r"names west, but the archive's regions are north, south\.$"):
        choose_regions(access, ["west"], ())


def test_table_of_periods(eight: Series) -> None:
    table = tabulate_periods(eight.map(EIGHT))
    assert dict(table.dtypes.astype(str)).keys() == PERIOD_COLUMNS.keys()
    row = table.iloc[0]
    assert (row["period"], row["region"], row["dates"], row["first_date"]) == ("2015", "tapajos", 3, "2015-01-11")
    assert row["seen_share"] == 1
    assert row["clear_dates"] == 3
    assert (table["doubt"] == "").all()


def test_doubtful_periods() -> None:
    first, second, third, fourth = years(4)

    def days(year: int, month: int, count: int = 6) -> tuple[date, ...]:
        return tuple(date(year, month, 1 + 4 * number) for number in range(count))

    usual = {first: days(2022, 7), second: days(2023, 7)}
    assert doubt_periods(usual) == {}
    doubts = doubt_periods({**usual, third: days(2024, 7, count=2), fourth: days(2025, 1)})
    assert doubts[third].startswith("2 dates, where other periods have 6")
    assert "in the year" in doubts[fourth]


def test_quarters_are_compared_with_the_same_quarter() -> None:
    summer, winter = (
        Period("2022-Q3", date(2022, 7, 1), date(2022, 9, 30)),
        Period("Q1", date(2023, 1, 1), date(2023, 3, 31)),
    )
    assert doubt_periods({summer: (date(2022, 8, 1),), winter: (date(2023, 2, 1),)}) == {}
