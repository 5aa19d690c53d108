"""What is said of maps is what is in them."""

import dataclasses

import pandas as pd
import pytest

from mining_the_mines.reporting import MapData
from mining_the_mines.reporting.map_part import MapPart, arrange_maps
from mining_the_mines.reporting.tables import Table
from mining_the_mines.scoring.map_matching import MapScoreSettings
from mining_the_mines.scoring.map_scores import MAP_METRICS, without_scores
from support.report_maps import DRAWN, MAPPED, make_maps, make_picture, make_scores, make_units, make_view, with_review

NARROW = "\N{NARROW NO-BREAK SPACE}"


@pytest.fixture(scope="module")
def contents() -> MapData:
    return make_maps()


@pytest.fixture(scope="module")
def part(contents: MapData) -> MapPart:
    return arrange_maps(contents)


def cells(table: Table | None) -> dict[str, list[str]]:
    """Text of the cells by the row's name."""
    assert table is not None
    return {row.name: [cell.text for cell in row.cells] for row in table.rows}


def test_the_answer_tells_in_one_sentence_how_many_mines_are_found_and_right() -> None:
    view = make_view()
    answer = arrange_maps(MapData((view,), make_scores(view))).answer
    # Three of five are mapped as such; of the five that are mapped, one is none and one too small.
    assert answer.startswith(f"On the map of tapajos, 60{NARROW}% (")
    assert f"and 60{NARROW}% (" in answer
    assert answer.endswith("of the mapped mines are reference mines (F1 0.60).")


def test_without_a_reference_the_answer_is_what_was_found() -> None:
    part = arrange_maps(MapData((make_view(),)))
    assert part.answer == f"On the map of tapajos, which covers 4 km², 5 mines of 29.7{NARROW}ha were found."
    assert part.score_table is None
    assert part.score_sentences == ()


def test_several_maps_are_summed_up(part: MapPart) -> None:
    assert part.lead == f"On 2 maps, which cover 8 km², 7 mines of 42.1{NARROW}ha were found."


def test_a_map_without_mines_says_so() -> None:
    part = arrange_maps(MapData((make_view(mapped=(), picture=make_picture()),)))
    assert part.answer == "On the map of tapajos, which covers 4 km², no mine was found."
    assert part.sentences == ()
    assert part.cards[0].details == "no mine was found"
    assert cells(part.scene_table)["tapajos"][:2] == ["0", f"0.0{NARROW}ha"]
    assert part.size_table is None
    assert part.legend == ()


def test_a_map_without_mines_that_should_have_some_says_so_too() -> None:
    view = make_view(mapped=())
    part = arrange_maps(MapData((view,), make_scores(view)))
    assert part.answer.endswith("no mine was found. 5 reference mines should have been found.")
    assert cells(part.score_table)["Recall of mines"] == ["0.00"]


def test_a_map_without_any_reference_mine_is_told_not_to_be_scored() -> None:
    view = make_view()
    part = arrange_maps(MapData((view,), make_scores(view, drawn=())))
    assert part.answer.endswith("5 mines of 29.7\N{NARROW NO-BREAK SPACE}ha were found.")
    assert part.sentences[-1].startswith("Nothing was compared with mines that people have drawn")
    assert part.sentences[-1].endswith("none of those that are known lies here.")
    assert (part.score_table, part.size_score_table, part.score_sentences) == (None, None, ())


def test_a_map_that_nobody_compared_says_so_and_its_mines_are_not_drawn_as_wrong() -> None:
    view = make_view(picture=make_picture())
    part = arrange_maps(MapData((view,), without_scores([view.scene], MapScoreSettings())))
    assert part.sentences[-1].endswith("nobody can tell how much of it is right.")
    assert part.score_table is None
    assert {entry.title for entry in part.legend} == {"High confidence", "Medium confidence", "Low confidence"}


def test_a_scene_that_is_left_out_of_the_scores_is_named() -> None:
    views = (make_view(), make_view("elsewhere"))
    comparisons = make_scores(views[0]), make_scores(views[1], drawn=())
    table = pd.concat([scores.table for scores in comparisons], ignore_index=True)
    scores = dataclasses.replace(comparisons[0], table=table, unscored=("elsewhere",))
    assert any(
        "No reference mine lies in elsewhere: it is left out of the scores" in text
        for text in arrange_maps(MapData(views, scores)).score_sentences
    )


def test_no_map_at_all_is_no_fault() -> None:
    left_out = pd.DataFrame({"scene": ["a"], "reason": ["it is empty"]})
    part = arrange_maps(MapData((), left_out=left_out))
    assert part.answer == "No scene was mapped."
    assert part.sentences == ("1 scene could not be mapped; the reasons are listed below.",)
    assert part.scene_table is None
    assert cells(part.left_out) == {"a": ["it is empty"]}


def test_confidence_edges_and_scenes_without_mines_are_told() -> None:
    view = make_view()
    mines = view.mines.assign(touches_edge=[True, False, False, False, False])
    cut = dataclasses.replace(view, mines=mines)
    part = arrange_maps(MapData((cut, make_view("copper_belt", ()))))
    assert part.sentences == (
        f"With high confidence: 3 mines of 13.8{NARROW}ha.",
        "1 mine reaches the edge of a map or of missing data, and may go on beyond it.",
        "Without any mine: copper belt.",
    )


def test_a_map_without_sure_mines_says_so() -> None:
    view = make_view()
    unsure = dataclasses.replace(view, mines=view.mines.assign(confidence="low"))
    assert arrange_maps(MapData((unsure,))).sentences == ("None of them was found with high confidence.",)


def test_mines_to_review_are_counted_where_permits_are_known() -> None:
    view = make_view()
    flagged = dataclasses.replace(view, mines=with_review(view.mines))
    part = arrange_maps(MapData((flagged, make_view("copper_belt"))))
    assert any(text.startswith(f"1 mine of 4.0{NARROW}ha lies in a protected area") for text in part.sentences)
    assert cells(part.scene_table)["tapajos"][3] == "1"
    assert cells(part.scene_table)["copper belt"][3] == "–"
    allowed = dataclasses.replace(view, mines=view.mines.assign(review=False))
    assert (
        "No mine lies in a protected area or outside of what is conceded."
        in arrange_maps(MapData((allowed,))).sentences
    )


def test_a_scene_that_could_not_be_seen_is_not_one_without_mines() -> None:
    view = dataclasses.replace(make_view(mapped=(), picture=make_picture()), mapped_hectares=0.0, mapped_share=0.0)
    part = arrange_maps(MapData((view,)))
    assert part.answer == "Nothing could be seen in tapajos: no pixel has data."
    assert part.cards[0].details == "nothing could be seen"
    assert cells(part.scene_table)["tapajos"] == ["–", "–", "–", f"0.0{NARROW}ha"]
    assert part.sentences == ()


def test_among_several_scenes_those_that_could_not_be_seen_are_named() -> None:
    blank = dataclasses.replace(make_view("cloudy", ()), mapped_hectares=0.0, mapped_share=0.0)
    part = arrange_maps(MapData((blank, make_view(), make_view("copper_belt", ()))))
    assert part.lead == f"On 2 maps, which cover 8 km², 5 mines of 29.7{NARROW}ha were found."
    assert part.sentences[-2:] == (
        "Nothing could be seen in cloudy: no pixel has data.",
        "Without any mine: copper belt.",
    )


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.05, f"5{NARROW}%"), (0.003, f"less than 1{NARROW}%"), (0.94, f"94{NARROW}%"), (0.95, ""), (1.0, "")],
)
def test_how_much_of_a_scene_could_be_seen_is_told_where_it_is_not_nearly_all(share: float, words: str) -> None:
    view = dataclasses.replace(make_view(mapped=(), picture=make_picture()), mapped_share=share)
    part = arrange_maps(MapData((view,)))
    assert part.scene_table is not None
    told = [part.scene_table.rows[0].cells[-1].beneath, part.cards[0].details, " ".join(part.sentences)]
    if words:
        assert all(f"{words} of it could be seen" in text for text in told)
    else:
        assert told == ["", "no mine was found", ""]


def test_every_score_stands_in_the_table_with_what_it_means(part: MapPart) -> None:
    assert part.score_table is not None
    assert len(part.score_table.rows) == len(MAP_METRICS) + 3
    assert all(row.note for row in part.score_table.rows[: len(MAP_METRICS)])
    assert cells(part.score_table)["Reference"] == ["10 mines"]


def test_scores_by_size_tell_how_many_mines_they_are_drawn_from() -> None:
    view = make_view()
    table = arrange_maps(MapData((view,), make_scores(view))).size_score_table
    assert cells(table)["under 0.5 ha"] == ["1", f"0{NARROW}%", f"0{NARROW}%", "0", "–"]
    assert cells(table)["2 to 10 ha"] == ["3", f"67{NARROW}%", f"100{NARROW}%", "2", f"100{NARROW}%"]


def test_scenes_are_compared_where_there_are_several(contents: MapData, part: MapPart) -> None:
    assert list(cells(part.scene_score_table)) == ["tapajos", "copper belt"]
    alone = arrange_maps(MapData(contents.scenes[:1], make_scores(contents.scenes[0])))
    assert alone.scene_score_table is None


def test_what_was_set_aside_or_lies_outside_is_told() -> None:
    view = make_view(mapped=((1990, 0, 40),))
    part = arrange_maps(MapData((view,), make_scores(view, drawn=((0, 0, 200), (1985, 500, 50), (9000, 0, 50)))))
    told = " ".join(part.score_sentences)
    assert "2 objects are neither right nor wrong, because less than 50% of it" in told
    assert "1 reference polygon lies outside of what was mapped." in told
    assert "There are only 3 sites: expect the intervals to be too narrow." in told


def test_areas_with_mines_are_listed_in_the_order_given(part: MapPart) -> None:
    assert part.unit_table is not None
    assert [row.name for row in part.unit_table.rows] == list(make_units()["unit"])
    assert part.unit_table.rows[0].note == "protected area"
    assert cells(part.unit_table)["Serra <do> Cachimbo"][2] == f"12.5{NARROW}ha"
    assert part.further_units is None


def test_many_areas_are_listed_in_two_tables() -> None:
    units = pd.concat([make_units()] * 5, ignore_index=True)
    part = arrange_maps(MapData((make_view(),), units=units))
    assert part.unit_table is not None
    assert part.further_units is not None
    assert (len(part.unit_table.rows), len(part.further_units.rows)) == (12, 3)
    assert arrange_maps(MapData((make_view(),), units=units.head(0))).unit_table is None


def test_the_days_of_a_map_are_told_where_they_are_known() -> None:
    view = make_view()
    day = dataclasses.replace(view, scene="day", last_date=view.first_date)
    unknown = dataclasses.replace(view, scene="unknown", first_date=None)
    table = arrange_maps(MapData((view, day, unknown))).scene_table
    assert table is not None
    assert [row.note for row in table.rows] == ["3 January 2022 to 3 September 2022", "3 January 2022", ""]


def test_a_few_scenes_are_shown_and_all_are_listed() -> None:
    views = tuple(make_view(f"scene_{number}", DRAWN, make_picture(size=20)) for number in range(8))
    part = arrange_maps(MapData(views))
    assert len(part.cards) == 6
    assert len(cells(part.scene_table)) == 8


def test_mines_that_are_not_drawn_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mining_the_mines.reporting.map_pictures.MOST_OUTLINES", 3)
    part = arrange_maps(MapData((make_view(mapped=MAPPED, picture=make_picture()),)))
    assert part.cards[0].details.endswith("; the 2 smallest outlines are not drawn")
