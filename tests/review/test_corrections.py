"""Answers become labels, but for ground that models must not see."""

from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from mining_the_mines.geo.mine_polygons import MinePolygons, measure_hectares
from mining_the_mines.review.answer_table import answer_table
from mining_the_mines.review.corrections import CORRECTION_COLUMNS, find_corrections

NOWHERE: list[Any] = []


def given(place: str, answer: str, reviewer: str = "Ana", longitude: float = 10.0, **values: Any) -> dict[str, Any]:
    return {
        "place_id": place, "answer": answer, "reviewer": reviewer, "longitude": longitude, "latitude": 0.0,
        "answered_at": "2026-11-30T12:00:00Z", "answer_id": f"{place}-{reviewer}",
    } | values  # fmt: skip


def polygons(*shapes: shapely.Polygon) -> MinePolygons:
    geometry = gpd.GeoSeries(list(shapes)).to_numpy()
    kinds = ("gold",) * len(shapes)
    return MinePolygons(geometry, measure_hectares(geometry), pd.DataFrame(), "mines.gpkg", kinds, pd.DataFrame())


def test_labels_of_answers() -> None:
    outline = shapely.box(10.998, -0.002, 11.002, 0.002)
    table = answer_table(
        [
            given("a", "no_mine", look_alike="river"),
            given("b", "mine", longitude=11.0, outline=outline.wkt),
            given("c", "cannot_tell"),
        ]
    )
    found = find_corrections(table, None, NOWHERE)
    assert list(found.columns) == [*CORRECTION_COLUMNS, "geometry"]
    assert found[["place_id", "label", "category"]].to_numpy().tolist() == [["a", 0, "river"], ["b", 1, ""]]
    assert shapely.equals(found.geometry[1], outline)
    assert found["answer_ids"].tolist() == ["a-Ana", "b-Ana"]


def test_reviewers_must_agree() -> None:
    table = answer_table(
        [
            given("even", "mine"), given("even", "no_mine", "Ben"), given("odd", "mine"),
            given("odd", "no_mine", "Ben"), given("odd", "no_mine", "Eva", look_alike="town"),
        ]
    )  # fmt: skip
    (found,) = find_corrections(table, None, NOWHERE).to_dict("records")
    assert (found["place_id"], found["label"], found["category"], found["reviewers"]) == ("odd", 0, "town", "Ben, Eva")


def test_samples_and_test_regions_are_kept_apart() -> None:
    sample = pd.DataFrame({"place_id": ["s"], "longitude": [20.0], "latitude": [0.0]})
    table = answer_table(
        [
            given("s", "mine", longitude=20.0),
            given("near", "mine", longitude=20.005),
            given("test", "mine", longitude=30.5),
            given("across", "mine", longitude=-179.9),
            given("free", "mine"),
        ]
    )
    found = find_corrections(table, sample, [(30.0, -1.0, 31.0, 1.0), (179.0, -1.0, -179.0, 1.0)])
    assert found["place_id"].tolist() == ["free"]


def test_nothing_to_learn() -> None:
    assert find_corrections(answer_table([]), None, NOWHERE).empty


def test_outlines_and_polygons_that_reach_kept_ground_teach_nothing() -> None:
    sample = pd.DataFrame({"place_id": ["s"], "longitude": [20.0], "latitude": [0.0]})
    far = 19.9  # eleven kilometres from the place of the sample, with an outline or polygon that reaches it
    table = answer_table(
        [
            given("drawn", "mine", longitude=far, outline=shapely.box(19.89, -0.001, 20.0, 0.001).wkt),
            given("rejected", "no_mine", longitude=far - 1),
            given("free", "no_mine", longitude=far - 0.5),
        ]
    )
    chip = (18.95, 0.0, 18.956, 0.006)
    found = find_corrections(table, sample, [chip], polygons(shapely.box(18.89, -0.001, 18.95, 0.001)))
    assert found["place_id"].tolist() == ["free"]
    assert len(find_corrections(table, None, NOWHERE)) == 3


def test_chips_around_corrected_places_miss_test_chips() -> None:
    chip = (20.0, 0.0, 20.03, 0.03)  # three kilometres
    table = answer_table([given("beside", "mine", longitude=20.05), given("free", "mine", longitude=20.07)])
    assert find_corrections(table, None, [chip])["place_id"].tolist() == ["free"]
