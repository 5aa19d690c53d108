"""Nodes of area estimation."""

from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import pandas as pd
import pytest

from mining_the_mines.assessment.settings import AreaSettings, SamplingSettings, StrataSettings
from mining_the_mines.mapping.scene_map import SceneMaps
from mining_the_mines.pipelines.area_estimation.nodes import estimate_areas, judge_places
from mining_the_mines.pipelines.sampling.nodes import draw_sample
from mining_the_mines.review.answer_table import answer_table
from support.made_maps import make_map, probabilities


class Drawn(NamedTuple):
    """A sample, its strata, and the folder of its map."""

    folder: Path
    sample: gpd.GeoDataFrame
    strata: pd.DataFrame


@pytest.fixture
def drawn(tmp_path: Path) -> Drawn:
    settings = SamplingSettings(places=40, minimum=10, strata=StrataSettings(near_metres=50))
    maps = SceneMaps((make_map(tmp_path / "maps", probabilities()),), ())
    return Drawn(tmp_path / "maps", *draw_sample(maps, None, settings, None))


def answers(sample: gpd.GeoDataFrame, reviewer: str) -> pd.DataFrame:
    return answer_table(
        [{"place_id": row.place_id, "reviewer": reviewer, "answer": row.map_class} for row in sample.itertuples()]
    )


NONE = answer_table([])


def judge(drawn: Drawn, review: pd.DataFrame, truth: pd.DataFrame, **settings: str) -> pd.DataFrame:
    chosen = AreaSettings.model_validate(settings)
    return judge_places(drawn.sample, review, truth, drawn.folder, drawn.folder, chosen)[0]


def test_reviewers_answers_become_areas(drawn: Drawn) -> None:
    judged = judge(drawn, answers(drawn.sample, "Ana"), NONE)
    table = estimate_areas(judged, drawn.strata, pd.DataFrame(), AreaSettings()).set_index(["measure", "class"])

    assert set(judged["reviewers"]) == {"Ana"}
    assert table.loc[("area", "mine"), "value"] == pytest.approx(table.loc[("pixel_count", "mine"), "value"])


@pytest.mark.parametrize(
    ("settings", "reviewer"),
    [({}, "simulated truth"), ({"answers": "review"}, "Ana")],
)
def test_the_simulated_truth_counts_unless_people_are_asked_for(
    drawn: Drawn, settings: dict[str, str], reviewer: str
) -> None:
    truth = answers(drawn.sample, "simulated truth")

    assert set(judge(drawn, answers(drawn.sample, "Ana"), truth, **settings)["reviewers"]) == {reviewer}


def test_before_any_answer_nothing_is_estimated(drawn: Drawn, caplog: pytest.LogCaptureFixture) -> None:
    table = estimate_areas(judge(drawn, NONE, NONE), drawn.strata, pd.DataFrame(), AreaSettings())

    assert table.empty
    assert "judge them with kedro review" in caplog.text


def test_a_map_made_again_leaves_the_sample_valid_and_is_told(drawn: Drawn, caplog: pytest.LogCaptureFixture) -> None:
    record = drawn.folder / "tapajos" / "map.json"
    record.write_text(record.read_text().replace(drawn.sample["map_hash"].iloc[0], "0" * 64))
    judged = judge(drawn, answers(drawn.sample, "Ana"), NONE)

    assert len(judged) == len(drawn.sample)
    assert "The map of tapajos was made again since the sample was drawn" in caplog.text
