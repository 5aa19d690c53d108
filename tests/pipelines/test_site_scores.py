"""The node that scores sites gathers claims from the table of sites."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import shapely

from mining_the_mines.chips.quality import ChipSettings
from mining_the_mines.geo.mine_polygons import LON_LAT
from mining_the_mines.mapping.scene_map import SceneMap
from mining_the_mines.monitoring.period_settings import PeriodSceneSettings
from mining_the_mines.pipelines.monitoring import score_nodes
from mining_the_mines.pipelines.monitoring.score_nodes import LookedAt, claims_of_sites, rival_claims, score_sites
from mining_the_mines.rasters.true_colour import read_part
from mining_the_mines.scoring.change_matching import Look
from mining_the_mines.scoring.change_rivals import INDEX_BANDS, IndexDifference, MapDifference, polygonize_change
from mining_the_mines.scoring.site_scores import INDEX_DIFFERENCE, MAP_DIFFERENCE, SITE_SCORE_COLUMNS, SiteEvaluation
from support.made_maps import make_map
from support.scene_files import write_scene
from support.sites import YEARS, tiny_sites

RIVALS = SiteEvaluation(
    map_difference=MapDifference(probability=0.5, minimum_hectares=0),
    index_difference=IndexDifference(ndvi_drop=0.01, bare_rise=0.01, minimum_hectares=0),
)


@pytest.fixture(scope="module")
def looks(tmp_path_factory: pytest.TempPathFactory) -> list[LookedAt]:
    """Two looks at a region with noise in maps and composites."""
    folder, random, looks = tmp_path_factory.mktemp("looks"), np.random.default_rng(0), []
    for year in YEARS[:2]:
        found = make_map(folder / year.name, random.random((40, 30), dtype=np.float32))
        numbers = random.integers(0, 4000, (12, 40, 30)).astype(np.uint16)
        write_scene(found.record.scene.image, numbers, found.record.chips.bands)
        looks.append((Look("north", year.name, (), found.mapped_area, found.grid.crs.to_wkt()), found))
    return looks


@pytest.mark.parametrize("rows", [1, 7, 40, 512])
def test_rivals_claim_the_same_ground_in_blocks_of_any_size(
    looks: list[LookedAt], monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(score_nodes, "_ROWS", rows)
    (_, before), (_, after) = looks

    def image(found: SceneMap) -> dict[str, np.ndarray]:
        whole, _ = read_part(found.record.scene.image, found.record.chips, INDEX_BANDS, 1000)
        return dict(zip(INDEX_BANDS, whole, strict=True))

    changed = {
        MAP_DIFFERENCE: RIVALS.map_difference.changed(before.small_probability(1000), after.small_probability(1000)),
        INDEX_DIFFERENCE: RIVALS.index_difference.changed(image(before), image(after)),
    }
    claims = rival_claims(looks, RIVALS)
    for rival, whole in changed.items():
        expected = polygonize_change([whole], after.grid, 0)
        assert expected
        found = claims[rival].to_crs(after.grid.crs.to_wkt()).geometry
        assert claims[rival].crs == LON_LAT
        assert len(found) == len(expected)
        assert (shapely.hausdorff_distance(found.to_numpy(), expected) < 1e-3).all()


def test_rival_without_its_bands_is_left_out(looks: list[LookedAt], caplog: pytest.LogCaptureFixture) -> None:
    def without(found: SceneMap) -> SceneMap:
        return replace(found, record=replace(found.record, chips=ChipSettings(bands=("B2", "B3", "B4"))))

    claims = rival_claims([(look, without(found)) for look, found in looks], RIVALS)
    assert list(claims) == [MAP_DIFFERENCE]
    assert "lack B8, B11" in caplog.text


def test_claims() -> None:
    (claim,) = claims_of_sites(tiny_sites()).to_dict("records")
    assert (claim["object"], claim["period"]) == ("tapajos-0002", "2020")
    assert claim["confirmed_on"] == pd.Timestamp("2021-12-31")  # by the second look


def test_claims_without_confirmation() -> None:
    sites = tiny_sites()
    claims = claims_of_sites(sites.assign(confirmation="provisional"))
    assert claims["confirmed_on"].isna().all()
    assert str(claims["confirmed_on"].dtype).startswith("datetime64")
    assert claims_of_sites(sites[:0]).empty


def test_without_known_mines() -> None:
    objects, table = score_sites(tiny_sites(), (), None, None, {}, PeriodSceneSettings(), SiteEvaluation())
    assert objects.empty
    assert table.empty
    assert list(table.columns) == list(SITE_SCORE_COLUMNS)
