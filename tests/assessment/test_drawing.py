"""Samples drawn from maps."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from affine import Affine

from mining_the_mines.assessment.drawing import DrawnSample, draw_sample
from mining_the_mines.assessment.sample_table import SAMPLE_COLUMNS
from mining_the_mines.assessment.settings import SamplingSettings, StrataSettings
from mining_the_mines.assessment.strata import MapToSample
from mining_the_mines.core.errors import BadInputError
from mining_the_mines.mapping.scene_map import SceneMap
from support.made_maps import make_map, probabilities
from support.scene_maps import areas_of, field

#: 50 m around mines, and few places.
SMALL = SamplingSettings(strata=StrataSettings(near_metres=50), places=60, minimum=10)


@pytest.fixture(scope="module")
def tapajos(tmp_path_factory: pytest.TempPathFactory) -> SceneMap:
    return make_map(tmp_path_factory.mktemp("maps"), probabilities(), confidence=["high", "low"])


def drawn(scene_map: SceneMap, settings: SamplingSettings = SMALL) -> DrawnSample:
    return draw_sample([MapToSample(scene_map)], settings)


def test_strata_divide_the_pixels_with_data(tapajos: SceneMap) -> None:
    sample = drawn(tapajos)
    pixels = sample.strata.groupby("stratum")["pixels"].sum()

    assert pixels["mine"] == 116
    assert pixels["rest"] == 150
    assert pixels.sum() == 3600 - 100


def test_places_are_pixels_of_their_stratum(tapajos: SceneMap) -> None:
    places = drawn(tapajos).places
    mines = tapajos.mines.to_crs(4326).union_all()
    inside = shapely.intersects(shapely.points(places["longitude"], places["latitude"]), mines)

    assert list(places.columns) == [*SAMPLE_COLUMNS, "geometry"]
    assert (inside == (places["map_class"] == "mine")).all()
    assert (places["stratum"] == "mine").sum() == places.loc[inside, "stratum_places"].iloc[0]
    assert places["place_id"].is_unique


def test_weights_sum_up_to_the_ground(tapajos: SceneMap) -> None:
    sample = drawn(tapajos)

    assert sample.places["weight"].sum() == pytest.approx(sample.strata["hectares"].sum())
    assert (1 / sample.places["inclusion_probability"]).sum() == pytest.approx(3500)


def test_periods_share_the_places_of_strata_that_stay(tapajos: SceneMap) -> None:
    sample = draw_sample([MapToSample(tapajos, "2023"), MapToSample(tapajos, "2024")], SMALL).places
    places = sample.groupby("period")[["longitude", "latitude"]].apply(lambda part: set(part.itertuples(index=False)))

    assert places["2023"] == places["2024"]


def test_the_same_seed_draws_the_same_and_another_draws_others(tapajos: SceneMap) -> None:
    first, again, other = (drawn(tapajos, SMALL.model_copy(update={"seed": seed})).places for seed in (1, 1, 2))

    assert first.equals(again)
    assert set(first["place_id"]) != set(other["place_id"])


def test_a_larger_sample_holds_the_smaller(tapajos: SceneMap) -> None:
    small, large = (drawn(tapajos, SMALL.model_copy(update={"places": n})).places for n in (60, 200))
    both = small.merge(large, on="place_id")

    assert len(large) > len(small) == len(both)
    assert (both["draw_x"] == both["draw_y"]).all()


def test_blocks_do_not_change_the_sample(tapajos: SceneMap, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = drawn(tapajos).places
    monkeypatch.setattr("mining_the_mines.assessment.strata._ROWS", 7)

    assert drawn(tapajos).places.equals(whole)


def test_every_pixel_of_a_stratum_is_drawn_as_often_as_another(tapajos: SceneMap) -> None:
    counts = np.zeros(2)
    for seed in range(8):
        places = drawn(tapajos, SMALL.model_copy(update={"seed": seed, "stated": {"mine": 60}})).places
        mine = places[places["stratum"] == "mine"]
        counts += [(mine["mapped_hectares"] > 0.5).sum(), (mine["mapped_hectares"] < 0.5).sum()]

    assert counts[1] / counts.sum() == pytest.approx(16 / 116, abs=0.04)


def test_pixels_in_degrees_count_by_their_area(tmp_path: Path) -> None:
    # Half of the rows lie at 60 degrees of latitude, where a pixel has half the area.
    ground = np.full((3000, 4), 0.01, np.float32)
    tall = make_map(tmp_path, ground, crs="EPSG:4326", transform=Affine(0.001, 0, 10, 0, -0.02, 60))
    places = drawn(tall, SMALL.model_copy(update={"places": 2000})).places

    assert (places["latitude"] > 30).mean() == pytest.approx(
        np.sin(np.pi / 3) ** -1 * (np.sin(np.pi / 3) - 0.5), abs=0.03
    )
    assert places["inclusion_probability"].max() > 1.9 * places["inclusion_probability"].min()


def test_pixels_that_differ_within_a_row_are_refused(tmp_path: Path) -> None:
    turned = Affine.rotation(90) @ Affine(0.02, 0, 0, 0, -0.02, 0)
    sideways = make_map(tmp_path, np.full((4, 3000), 0.01, np.float32), crs="EPSG:4326", transform=turned)

    with pytest.raises(BadInputError, match="warp the scene to UTM"):
        drawn(sideways)


def test_periods_are_drawn_apart(tapajos: SceneMap) -> None:
    maps = [MapToSample(tapajos, period) for period in ("2023", "2024")]
    places = draw_sample(maps, SMALL).places

    assert set(places["stratum"]) >= {"mine / 2023", "mine / 2024"}
    assert places["place_id"].is_unique
    assert places.groupby("period")["weight"].sum().round(3).nunique() == 1


def test_strata_may_follow_confidence_and_units(tapajos: SceneMap, tmp_path: Path) -> None:
    north = areas_of(tmp_path, Norte=field(0, -200, 600, 200))
    settings = SMALL.model_copy(update={"strata": StrataSettings(near_metres=50, by=("confidence", "unit"))})
    sample = draw_sample([MapToSample(tapajos)], settings, north)

    assert {"mine / high / Norte", "mine / low", "near_mine / Norte"} <= set(sample.strata["stratum"])
    assert set(sample.places.loc[sample.places["latitude"] > sample.places["latitude"].median(), "unit"]) >= {"Norte"}


def test_maps_of_one_name_are_refused(tapajos: SceneMap) -> None:
    with pytest.raises(BadInputError, match="Two maps are called tapajos"):
        draw_sample([MapToSample(tapajos)] * 2, SMALL)


def test_a_map_without_mines_has_no_mine_stratum(tmp_path: Path) -> None:
    empty = make_map(tmp_path, np.full((40, 40), 0.01, np.float32))
    sample = drawn(empty)

    assert set(sample.strata["stratum"]) == {"low_probability"}
    assert isinstance(sample.places, gpd.GeoDataFrame)
