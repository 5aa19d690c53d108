"""Answers become labels, but for ground that models must not see."""

from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from mining_the_mines.geo.mine_polygons import MinePolygons, measure_hectares
from mining_the_mines.review.answer_table import answer_table
from mining_the_mines.review.corrections import CORRECTION_COLUMNS, correct_polygons, find_corrections

NOWHERE: list[Any] = []


def given(place: str, answer: str, reviewer: str = "Ana", longitude: float = 10.0, **values: Any) -> dict[str, Any]:
    return {
        "place_id": place, "answer": answer, "reviewer": reviewer, "longitude": longitude, "latitude": 0.0,
        "answered_at": "2026-11-30T12:00:00Z", "answer_id": f"{place}-{reviewer}",
    } | values  # fmt: skip


def box(west: float, side: float = 0.002) -> shapely.Polygon:
    return shapely.box(west - side, -side, west + side, side)


def polygons(*shapes: shapely.Polygon) -> MinePolygons:
    geometry = gpd.GeoSeries(list(shapes)).to_numpy()
    kinds = ("gold",) * len(shapes)
    return MinePolygons(geometry, measure_hectares(geometry), pd.DataFrame(), "mines.gpkg", kinds, pd.DataFrame())


def test_labels_of_answers() -> None:
    outline = box(11)
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


def test_corrected_polygons() -> None:
    table = answer_table(
        [
            given("rejected", "no_mine"),
            given("redrawn", "mine", longitude=11.0, outline=box(11, 0.004).wkt),
            given("missed", "mine", longitude=12.0, outline=box(12).wkt),
            given("seen", "mine", longitude=13.0),
        ]
    )
    before = polygons(box(10), box(11), box(13))
    after = correct_polygons(before, find_corrections(table, None, NOWHERE))
    assert after["origin"].tolist() == ["polygons", "review", "review"]
    assert after["kind"].tolist() == ["gold", "", ""]
    assert after.geometry.centroid.x.round(6).tolist() == [13, 12, 11]
    assert after.geometry.area[2] > before.geometry[1].area


def test_polygons_of_reviewers_alone() -> None:
    table = answer_table([given("missed", "mine", outline=box(10).wkt)])
    assert correct_polygons(None, find_corrections(table, None, NOWHERE))["origin"].tolist() == ["review"]
