"""The node of evidence sheets."""

from pathlib import Path

from mining_the_mines.core.hashing import hash_file
from mining_the_mines.mapping.scene_map import SceneMaps
from mining_the_mines.monitoring.period_results import PeriodResult
from mining_the_mines.pipelines.evidence.nodes import write_sheets
from mining_the_mines.review.answer_table import answer_table
from support.monitored_ground import write_series
from support.sites import tiny_sites


def test_a_sheet_for_every_site(tmp_path: Path) -> None:
    series = [PeriodResult(look.period, SceneMaps((look.map,), ())) for look in write_series(tmp_path)]
    sheets = write_sheets(
        tiny_sites(), series, None, None, tmp_path / "models", answer_table([]), None, tmp_path / "sheets"
    )
    assert sheets["site_id"].tolist() == ["tapajos-0001", "tapajos-0002"]
    assert sheets["status"].tolist() == ["unchanged", "not_seen"]
    for name, content_hash in (("sheet", "sha256"), ("archive", "archive_sha256")):
        assert [hash_file(tmp_path / "sheets" / file) for file in sheets[name]] == sheets[content_hash].tolist()
