"""Sentences and tables on maps agree with the maps."""

import dataclasses
from typing import Any

import pandas as pd
import pytest

from mining_the_mines.reporting.map_part import MapData, arrange_maps
from mining_the_mines.reporting.tables import Table
from mining_the_mines.scoring.map_matching import MapScoreSettings
from mining_the_mines.scoring.map_scores import without_scores
from support.report_maps import make_maps, make_picture, make_scores, make_units, make_view, with_review
from support.report_pages import plain, rendered, sentences, summary


@pytest.fixture(scope="module")
def data() -> MapData:
    return make_maps()


@pytest.fixture(scope="module")
def part(data: MapData) -> dict[str, Any]:
    return arrange_maps(data)


def lead(part: dict[str, Any]) -> str:
    return summary("maps", part)[0]


def told(part: dict[str, Any]) -> list[str]:
    """Sentences of the sections on maps."""
    return sentences(rendered("maps.html.jinja", maps=part))


def captions(part: dict[str, Any]) -> list[str]:
    html = rendered("maps.html.jinja", maps=part)
    return [plain(piece.split("</figcaption>")[0]) for piece in html.split("<figcaption>")[1:]]


def cells(table: Table | None) -> dict[str, list[str]]:
    assert table is not None
    return {row.name: [plain(cell.text) for cell in row.cells] for row in table.rows}


def test_lead_with_a_reference() -> None:
    view = make_view()
    text = lead(arrange_maps(MapData((view,), make_scores(view))))
    # Three of five mines are found. Of five mapped mines, one is false and one is too small.
    assert text.startswith("On the map of tapajos, 60 % (")
    assert "and 60 % (" in text
    assert text.endswith("of the mapped mines are reference mines (F1 0.60).")


def test_lead_without_a_reference() -> None:
    part = arrange_maps(MapData((make_view(),)))
    assert lead(part) == "On the map of tapajos, which covers 4 km², 5 mines of 29.7 ha were found."
    assert (part["score_table"], part["comparison"]) == (None, None)


def test_map_without_mines() -> None:
    part = arrange_maps(MapData((make_view(mapped=(), picture=make_picture()),)))
    assert lead(part) == "On the map of tapajos, which covers 4 km², no mine was found."
    assert told(part) == []
    assert captions(part) == ["no mine was found"]
    assert cells(part["scene_table"])["tapajos"][:2] == ["0", "0.0 ha"]
    assert (part["size_table"], part["legend"]) == (None, [])


def test_map_without_a_reference_mine_is_not_scored() -> None:
    view = make_view()
    part = arrange_maps(MapData((view,), make_scores(view, drawn=())))
    assert lead(part).endswith("5 mines of 29.7 ha were found.")
    assert told(part)[-1].endswith("how much of it is right: no reference mine lies here.")
    assert (part["score_table"], part["size_score_table"], part["comparison"]) == (None, None, None)


def test_uncompared_map_shows_confidence() -> None:
    view = make_view(picture=make_picture())
    part = arrange_maps(MapData((view,), without_scores([view.scene], MapScoreSettings())))
    assert told(part)[-1].endswith("nobody can tell how much of it is right.")
    assert part["score_table"] is None
    assert {entry.title for entry in part["legend"]} == {"High confidence", "Medium confidence", "Low confidence"}


def test_unscored_scenes_are_named() -> None:
    views = (make_view(), make_view("elsewhere"))
    comparisons = make_scores(views[0]), make_scores(views[1], drawn=())
    table = pd.concat([scores.table for scores in comparisons], ignore_index=True)
    scores = dataclasses.replace(comparisons[0], table=table, unscored=("elsewhere",))
    text = " ".join(told(arrange_maps(MapData(views, scores))))
    assert "No reference mine lies in elsewhere: it is left out of the scores" in text


def test_no_map() -> None:
    left_out = pd.DataFrame({"scene": ["a"], "reason": ["it is empty"]})
    part = arrange_maps(MapData((), left_out=left_out))
    assert lead(part) == "No scene was mapped."
    assert told(part) == ["1 scene could not be mapped; the reasons are listed below."]
    assert part["scene_table"] is None
    assert cells(part["left_out"]) == {"a": ["it is empty"]}


def test_confidence_edges_and_scenes_without_mines() -> None:
    view = make_view()
    mines = view.mines.assign(touches_edge=[True, False, False, False, False])
    cut = dataclasses.replace(view, mines=mines)
    assert told(arrange_maps(MapData((cut, make_view("copper_belt", ()))))) == [
        "With high confidence: 3 mines of 13.8 ha.",
        "1 mine reaches the edge of a map or of missing data, and may go on beyond it.",
        "Without any mine: copper belt.",
    ]
    unsure = dataclasses.replace(view, mines=view.mines.assign(confidence="low"))
    assert told(arrange_maps(MapData((unsure,)))) == ["None of them was found with high confidence."]


def test_mines_to_review() -> None:
    view = make_view()
    flagged = dataclasses.replace(view, mines=with_review(view.mines))
    part = arrange_maps(MapData((flagged, make_view("copper_belt"))))
    assert any(text.startswith("1 mine of 4.0 ha lies in a protected area") for text in told(part))
    assert cells(part["scene_table"])["tapajos"][3] == "1"
    assert cells(part["scene_table"])["copper belt"][3] == "–"
    allowed = dataclasses.replace(view, mines=view.mines.assign(review=False))
    text = "No mine lies in a protected area or outside of all concessions."
    assert text in told(arrange_maps(MapData((allowed,))))


def test_unseen_scenes_are_not_empty_ones() -> None:
    view = dataclasses.replace(make_view(mapped=(), picture=make_picture()), mapped_hectares=0.0, mapped_share=0.0)
    part = arrange_maps(MapData((view,)))
    assert lead(part) == "Nothing could be seen in tapajos: no pixel has data."
    assert captions(part) == ["nothing could be seen"]
    assert cells(part["scene_table"])["tapajos"] == ["–", "–", "–", "0.0 ha"]
    assert told(part) == []
    blank = dataclasses.replace(view, scene="cloudy", picture=None)
    part = arrange_maps(MapData((blank, make_view(), make_view("copper_belt", ()))))
    assert lead(part) == "On 2 maps, which cover 8 km², 5 mines of 29.7 ha were found."
    assert told(part)[-2:] == ["Nothing could be seen in cloudy: no pixel has data.", "Without any mine: copper belt."]


def test_scores_by_size() -> None:
    view = make_view()
    found = cells(arrange_maps(MapData((view,), make_scores(view)))["size_score_table"])
    assert found["under 0.5 ha"] == ["1", "0 %", "0 %", "0", "–"]
    assert found["2 to 10 ha"] == ["3", "67 %", "100 %", "2", "100 %"]


def test_objects_set_aside_and_outside() -> None:
    view = make_view(mapped=((1990, 0, 40),))
    scores = make_scores(view, drawn=((0, 0, 200), (1985, 500, 50), (9000, 0, 50)))
    text = " ".join(told(arrange_maps(MapData((view,), scores))))
    assert "2 objects are neither right nor wrong, because less than 50 % of it" in text
    assert "1 reference polygon lies outside the mapped area." in text
    assert "There are only 3 sites: expect the intervals to be too narrow." in text


def test_units_are_listed_in_order(part: dict[str, Any]) -> None:
    assert part["unit_table"] is not None
    assert [row.name for row in part["unit_table"].rows] == list(make_units()["unit"])
    assert part["unit_table"].rows[0].note == "protected area"
    assert cells(part["unit_table"])["Serra <do> Cachimbo"][2] == "12.5 ha"
    assert part["further_units"] is None
    many = arrange_maps(MapData((make_view(),), units=pd.concat([make_units()] * 5, ignore_index=True)))
    assert many["unit_table"] is not None
    assert many["further_units"] is not None
    assert (len(many["unit_table"].rows), len(many["further_units"].rows)) == (12, 3)
    assert arrange_maps(MapData((make_view(),), units=make_units().head(0)))["unit_table"] is None
