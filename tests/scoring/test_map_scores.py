"""Scores of maps by object and by area."""

import geopandas as gpd
import numpy as np
import pytest

from mining_the_mines.scoring.bootstrap import BootstrapSettings
from mining_the_mines.scoring.map_matching import MapComparison, MapScoreSettings, compare_with_reference
from mining_the_mines.scoring.map_scores import (
    MAP_METRICS,
    MAP_TOTALS,
    MapScores,
    score_maps,
)
from support.scored_maps import SCENE, Square, make_mines, make_reference

DEFAULTS = MapScoreSettings()
BOOTSTRAP = BootstrapSettings(resamples=50)


def compare(
    mapped: tuple[Square, ...], drawn: tuple[Square, ...], scene: str = "tapajos", settings: MapScoreSettings = DEFAULTS
) -> MapComparison:
    return compare_with_reference(scene, make_mines(*mapped), make_reference(*drawn), SCENE, settings)


def score(*comparisons: MapComparison, settings: MapScoreSettings = DEFAULTS) -> MapScores:
    return score_maps(comparisons, settings, BOOTSTRAP)


def figures(scores: MapScores, scene: str | None = None, size: str | None = None) -> dict[str, dict[str, float]]:
    """Columns of each metric."""
    table = scores.table
    of_scene = table["scene"].isna() if scene is None else (table["scene"] == scene).fillna(False)
    of_size = table["size_class"].isna() if size is None else (table["size_class"] == size).fillna(False)
    rows = table[of_scene & of_size].set_index("metric")[["value", "low", "high", "objects", "sites"]]
    return {str(metric): dict(zip(rows.columns, row, strict=True)) for metric, *row in rows.itertuples(name=None)}


def values(scores: MapScores, scene: str | None = None) -> dict[str, float]:
    """Figures without their intervals."""
    return {metric: row["value"] for metric, row in figures(scores, scene).items()}


@pytest.fixture(scope="module")
def mixed() -> MapScores:
    """Of four mines two are mapped well and one in part; of five that are mapped, two are none."""
    drawn = ((0, 0, 200), (400, 0, 200), (800, 0, 200), (1200, 0, 60))
    mapped = ((0, 0, 200), (400, 0, 190), (800, 0, 100), (0, 1000, 300), (1000, 1000, 50))
    return score(compare(mapped, drawn))


def test_object_scores(mixed: MapScores) -> None:
    found = values(mixed)
    assert found["object_recall"] == pytest.approx(2 / 4)
    assert found["object_precision"] == pytest.approx(2 / 5)
    assert found["object_f1"] == pytest.approx(2 * 0.5 * 0.4 / 0.9)
    assert found["touch_recall"] == pytest.approx(3 / 4)
    assert found["touch_precision"] == pytest.approx(3 / 5)
    assert found["mean_iou"] == pytest.approx((1 + 0.95**2 + 0.25 + 0) / 4, abs=1e-4)


def test_area_scores(mixed: MapScores) -> None:
    found = values(mixed)
    true, mapped, common = 12.36, 4 + 3.61 + 1 + 9 + 0.25, 4 + 3.61 + 1
    assert found["reference_hectares"] == pytest.approx(true, rel=1e-3)
    assert found["predicted_hectares"] == pytest.approx(mapped, rel=1e-3)
    assert found["common_hectares"] == pytest.approx(common, rel=1e-3)
    assert found["area_iou"] == pytest.approx(common / (true + mapped - common), rel=1e-6)
    assert found["area_bias_hectares"] == pytest.approx(mapped - true, rel=1e-3)
    assert found["area_bias_share"] == pytest.approx(mapped / true - 1, rel=1e-4)


def test_scores_by_size(mixed: MapScores) -> None:
    large, small = figures(mixed, size="2 to 10 ha"), figures(mixed, size="under 0.5 ha")
    assert large["object_recall"]["value"] == pytest.approx(2 / 3)
    assert large["object_precision"]["value"] == pytest.approx(2 / 3)
    assert (small["object_recall"]["value"], small["object_recall"]["objects"]) == (0, 1)
    assert (small["touch_precision"]["value"], small["touch_precision"]["objects"]) == (0, 1)
    assert np.isnan(figures(mixed, size="10 ha and more")["object_recall"]["value"])


def test_intervals_by_site(mixed: MapScores) -> None:
    table = figures(mixed)
    for metric in MAP_METRICS:
        assert table[metric]["low"] <= table[metric]["value"] <= table[metric]["high"]
    assert all(np.isnan(table[total]["low"]) for total in MAP_TOTALS)
    assert (table["object_f1"]["objects"], table["object_f1"]["sites"]) == (9, 6)


def test_several_scenes() -> None:
    good = compare(((0, 0, 200),), ((0, 0, 200),), "good")
    bad = compare(((0, 0, 200), (400, 0, 200)), ((800, 0, 200),), "bad")
    scores = score(good, bad)
    assert values(scores, "good")["object_f1"] == pytest.approx(1)
    assert values(scores, "bad")["object_f1"] == 0
    assert values(scores)["object_precision"] == pytest.approx(1 / 3)
    assert values(scores)["references"] == 2
    assert figures(scores)["object_f1"]["sites"] == 4
    assert scores.objects.groupby("scene").size().to_dict() == {"bad": 3, "good": 2}
    assert isinstance(scores.objects, gpd.GeoDataFrame)


def test_scene_without_reference() -> None:
    scored = compare(((0, 0, 200),), ((0, 0, 200),), "scored")
    nobody = compare(((0, 0, 200),), (), "nobody")
    scores = score(scored, nobody)
    assert scores.unscored == ("nobody",)
    assert all(np.isnan(values(scores, "nobody")[metric]) for metric in MAP_METRICS)
    assert values(scores, "nobody")["predictions"] == 1
    assert values(scores)["object_precision"] == pytest.approx(1)


def test_scene_known_to_have_no_mines() -> None:
    settings = MapScoreSettings(without_reference="no_mines")
    found = values(score(compare(((0, 0, 200),), (), settings=settings), settings=settings))
    assert (found["object_precision"], found["object_f1"], found["area_iou"]) == (0, 0, 0)
    assert np.isnan(found["object_recall"])
    assert np.isnan(found["area_bias_share"])


def test_map_without_mines() -> None:
    found = values(score(compare((), ((0, 0, 200),))))
    assert (found["object_recall"], found["object_f1"], found["mean_iou"]) == (0, 0, 0)
    assert np.isnan(found["object_precision"])
    assert found["area_bias_share"] == -1


def test_duplicate_scene_names_are_refused() -> None:
    with pytest.raises(ValueError, match="under a name of its own"):
        score(compare((), ()), compare((), ()))
