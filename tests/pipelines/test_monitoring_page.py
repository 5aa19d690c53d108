"""The page of sites as the monitoring draws it."""

import json
import re
from pathlib import Path

from mining_the_mines.mapping.scene_map import SceneMaps
from mining_the_mines.monitoring.period_results import PeriodResult
from mining_the_mines.monitoring.site_table import site_table
from mining_the_mines.pipelines.mapping.nodes import Permits
from mining_the_mines.pipelines.monitoring.page_nodes import draw_sites
from mining_the_mines.reporting.interactive_map import InteractiveMapSettings
from support.scene_files import ground, map_named, write_scene
from support.sites import YEARS, tiny_sites


def test_pictures_are_those_of_the_period(tmp_path: Path) -> None:
    maps = map_named(tmp_path, str(write_scene(tmp_path / "tapajos.tif", ground(60, 50, 0))))
    results: tuple[PeriodResult[SceneMaps], ...] = (
        PeriodResult(YEARS[0], maps),
        PeriodResult(YEARS[1], None, "clouds"),
    )
    page = draw_sites(tiny_sites().query("period < '2021'"), results, Permits(), None, InteractiveMapSettings())
    pictures = [json.loads(found) for found in re.findall(r'id="pictures-\d">(.*?)</script>', page)]
    assert [len(found) for found in pictures] == [1, 0]
    assert pictures[0][0]["uri"].startswith("data:image/webp")


def test_a_series_without_sites_or_maps() -> None:
    page = draw_sites(
        site_table([]), (PeriodResult(YEARS[0], None, "clouds"),), Permits(), None, InteractiveMapSettings()
    )
    assert "pictures-0" in page
